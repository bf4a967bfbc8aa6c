//! Modification times of entries.

use fuselage_linux::local_time::LocalTime;

use crate::tree::Time;
use crate::zip::fields::extra;

/// Seconds from 1601, where NTFS counts from, to 1970.
const NTFS_EPOCH: i64 = 11_644_473_600;

/// 2038 as a year of MS-DOS: in its January the seconds of Unix outgrow 31 bits.
const FIRST_DOUBTFUL: u16 = 2038 - 1980;

/// Times of the entries of one archive.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// A date and minute of MS-DOS, and their seconds: asking the C library is slow, and most
    /// entries are of the minute of the one before.
    last: Option<(u16, u16, i64)>,
}

impl Times {
    /// The time of an entry: of Unix (extra field 0x5455), of NTFS (0x000a), else of MS-DOS, which
    /// is local time of nobody knows where and taken for that of this process, as all tools do.
    pub(crate) fn time(&mut self, list: &[u8], date: u16, clock: u16) -> Time {
        unix(list, date)
            .or_else(|| ntfs(list))
            .unwrap_or_else(|| self.dos(date, clock))
    }

    fn dos(&mut self, date: u16, clock: u16) -> Time {
        let (minute, second) = (clock >> 5, (clock & 31) * 2);
        let seconds = match self.last {
            Some((last_date, last_minute, seconds))
                if (last_date, last_minute) == (date, minute) =>
            {
                seconds
            }
            _ => {
                let local = LocalTime {
                    year: 1980 + i32::from(date >> 9),
                    month: i32::from(date >> 5 & 15).clamp(1, 12),
                    day: i32::from(date & 31).max(1),
                    hour: i32::from(clock >> 11),
                    minute: i32::from(clock >> 5 & 63),
                    second: 0,
                };
                let seconds = local.seconds().unwrap_or(0);
                self.last = Some((date, minute, seconds));
                seconds
            }
        };
        Time {
            seconds: seconds + i64::from(second),
            nanoseconds: 0,
        }
    }
}

fn unix(list: &[u8], date: u16) -> Option<Time> {
    let mut fields = extra(list, 0x5455)?;
    let flags = fields.bytes(1).ok()?[0];
    let seconds = (flags & 1 == 1).then(|| fields.u32().ok()).flatten()?;
    // Writers put the lower half of their time there; only the date beside it tells what lies after
    // 2038 from what lies before 1970.
    let seconds = match date >> 9 >= FIRST_DOUBTFUL {
        true => i64::from(seconds),
        false => i64::from(seconds as i32),
    };
    Some(Time {
        seconds,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_of_a_time_is_read_and_the_better_one_wins() {
        // 2001-02-03 04:05:06, in whatever zone this test is run.
        let (date, clock) = ((21 << 9) | (2 << 5) | 3, (4 << 11) | (5 << 5) | 3);
        let local = LocalTime {
            year: 2001,
            month: 2,
            day: 3,
            hour: 4,
            minute: 5,
            second: 6,
        };
        let mut times = Times::default();
        let mut time = |list: &[u8], date, clock| times.time(list, date, clock);
        let expected = Time {
            seconds: local.seconds().unwrap(),
            nanoseconds: 0,
        };
        assert_eq!(time(&[], date, clock), expected);
        // Again, out of what is remembered, another second and another minute of it.
        assert_eq!(time(&[], date, clock), expected);
        assert_eq!(time(&[], date, clock - 3).seconds, expected.seconds - 6);
        assert_eq!(
            time(&[], date, clock + (1 << 5)).seconds,
            expected.seconds + 60
        );
        let unix = b"UT\x05\x00\x01\x07\x00\x00\x00";
        assert_eq!(time(unix, date, clock).seconds, 7);
        // 32 bits are those of a time before 1970 or after 2038.
        let doubtful = b"UT\x05\x00\x01\xff\xff\xff\xff";
        assert_eq!(time(doubtful, (1 << 5) | 1, 0).seconds, -1);
        let date_of_2106 = (126 << 9) | (2 << 5) | 7;
        assert_eq!(time(doubtful, date_of_2106, 0).seconds, i64::from(u32::MAX));
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
        // Neither a month nor a day of zero leads anywhere odd: the first of January of 1980.
        assert!((time(&[], 0, 0).seconds - 315_532_800).abs() < 86_400);
    }
}
