//! Modification times of entries.

use crate::tree::Time;
use crate::zip::fields::extra;

/// Seconds from 1601, where NTFS counts from, to 1970.
const NTFS_EPOCH: i64 = 11_644_473_600;

/// The time of an entry: of Unix (extra field 0x5455), of NTFS (0x000a), else of MS-DOS, which is
/// local time of nobody knows where and taken as UTC.
pub(crate) fn time(list: &[u8], date: u16, time: u16) -> Time {
    unix(list)
        .or_else(|| ntfs(list))
        .unwrap_or_else(|| dos(date, time))
}

fn unix(list: &[u8]) -> Option<Time> {
    let mut fields = extra(list, 0x5455)?;
    let flags = fields.bytes(1).ok()?[0];
    let seconds = (flags & 1 == 1).then(|| fields.u32().ok()).flatten()? as i32;
    Some(Time {
        seconds: seconds.into(),
        nanoseconds: 0,
    })
}

fn ntfs(list: &[u8]) -> Option<Time> {
    let mut fields = extra(list, 0x000a)?;
    fields.bytes(4).ok()?;
    if fields.u16().ok()? != 1 || fields.u16().ok()? != 24 {
        return None;
    }
    let ticks = i64::try_from(fields.u64().ok()?).ok()?;
    Some(Time {
        seconds: ticks / 10_000_000 - NTFS_EPOCH,
        nanoseconds: (ticks % 10_000_000) as u32 * 100,
    })
}

fn dos(date: u16, time: u16) -> Time {
    let (year, month, day) = (
        1980 + (date >> 9),
        (date >> 5 & 15).clamp(1, 12),
        (date & 31).max(1),
    );
    let (hour, minute, second) = (time >> 11, time >> 5 & 63, (time & 31) * 2);
    let days = days_from_civil(year.into(), month.into(), day.into());
    let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Time {
        seconds: days * 86_400 + of_day,
        nanoseconds: 0,
    }
}

/// Days from 1970 to a date of the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_of_a_time_is_read_and_the_better_one_wins() {
        // 2001-02-03 04:05:06 UTC.
        let (date, clock) = ((21 << 9) | (2 << 5) | 3, (4 << 11) | (5 << 5) | 3);
        let expected = Time {
            seconds: 981_173_106,
            nanoseconds: 0,
        };
        assert_eq!(time(&[], date, clock), expected);
        let unix = b"UT\x05\x00\x01\x07\x00\x00\x00";
        assert_eq!(time(unix, date, clock).seconds, 7);
        let mut ntfs = b"\x0a\x00\x20\x00\0\0\0\0\x01\x00\x18\x00".to_vec();
        let ticks = (981_173_106 + NTFS_EPOCH) as u64 * 10_000_000 + 5;
        ntfs.extend(ticks.to_le_bytes());
        ntfs.extend([0; 16]);
        assert_eq!(
            time(&ntfs, 0, 0),
            Time {
                seconds: 981_173_106,
                nanoseconds: 500
            }
        );
        // Neither a month nor a day of zero leads anywhere odd.
        assert_eq!(time(&[], 0, 0).seconds, 315_532_800);
    }
}
