//! Local time, as the C library knows the zone of this process.

use std::io;

use nix::errno::Errno;
use nix::libc;

/// A date and time without a zone. Values beyond their range count on: the 31st of February is the
/// 3rd of March.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// As people count.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60.
    pub second: i32,
}

impl LocalTime {
    /// Seconds since 1970 in UTC: by `TZ`, else `/etc/localtime`, else as UTC (mktime(3)). `None`:
    /// they cannot be counted.
    pub fn seconds(self) -> Option<i64> {
        // SAFETY: the structure is numbers and a pointer that mktime(3) does not read.
        let mut broken_down: libc::tm = unsafe { std::mem::zeroed() };
        broken_down.tm_year = self.year.checked_sub(1900)?;
        broken_down.tm_mon = self.month.checked_sub(1)?;
        broken_down.tm_mday = self.day;
        broken_down.tm_hour = self.hour;
        broken_down.tm_min = self.minute;
        broken_down.tm_sec = self.second;
        // Whether it is summer time is for the library to find.
        broken_down.tm_isdst = -1;
        // SAFETY: writes to the structure alone; the zone behind it is guarded by a lock of the
        // library, and this process changes no variable of its environment.
        let seconds = unsafe { libc::mktime(&mut broken_down) };
        // The day before 1970 is an answer, too; nobody asks for it here.
        (seconds != -1).then_some(seconds)
    }
}

/// Reads the zone of this process now, so that no file is needed for it later.
///
/// For a forked child with one thread: where `TZ` is not set it is, to what that means. Without it
/// glibc looks at the file each time.
///
/// # Errors
/// `ENOMEM`.
pub fn keep_zone() -> io::Result<()> {
    // SAFETY: both are strings; the process has one thread, so nobody reads the environment
    // meanwhile.
    Errno::result(unsafe { libc::setenv(c"TZ".as_ptr(), c":/etc/localtime".as_ptr(), 0) })?;
    const ANY: LocalTime = LocalTime {
        year: 2000,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
    };
    let _ = ANY.seconds();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{ExitKind, Forked, exit_now, fork, wait_for};

    /// The zone is one of a whole process.
    fn in_zone(zone: &str, body: impl FnOnce() -> bool) {
        match fork().unwrap() {
            Forked::Child => {
                // SAFETY: a forked child has no other thread.
                unsafe { std::env::set_var("TZ", zone) };
                exit_now(if body() { 0 } else { 1 })
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }

    const WINTER: LocalTime = LocalTime {
        year: 2001,
        month: 2,
        day: 3,
        hour: 4,
        minute: 5,
        second: 6,
    };
    const SUMMER: LocalTime = LocalTime {
        month: 7,
        year: 2020,
        ..WINTER
    };
    /// The same in UTC.
    const WINTER_UTC: i64 = 981_173_106;
    const SUMMER_UTC: i64 = 1_593_749_106;

    #[test]
    fn the_zone_of_the_process_counts_and_summer_time_with_it() {
        in_zone("UTC0", || {
            WINTER.seconds() == Some(WINTER_UTC) && SUMMER.seconds() == Some(SUMMER_UTC)
        });
        in_zone("EST5EDT,M3.2.0,M11.1.0", || {
            WINTER.seconds() == Some(WINTER_UTC + 5 * 3600)
                && SUMMER.seconds() == Some(SUMMER_UTC + 4 * 3600)
        });
    }

    #[test]
    fn values_beyond_their_range_count_on() {
        in_zone("UTC0", || {
            let odd = LocalTime {
                day: 31,
                hour: 31,
                minute: 63,
                second: 62,
                ..WINTER
            };
            // 28 days after the third, 27 hours, 58 minutes and 56 seconds later.
            odd.seconds() == Some(WINTER_UTC + ((28 * 24 + 27) * 60 + 58) * 60 + 56)
        });
    }
}
