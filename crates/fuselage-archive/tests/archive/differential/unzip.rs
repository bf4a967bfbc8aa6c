//! The tree that unzip makes of a zip, and where that is not the one that was packed.

use std::path::Path;
use std::process::{Command, Stdio};

use fuselage_linux::local_time::LocalTime;

use crate::differential::run;
use crate::place::Seen;

/// How a zip has its times.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Times {
    /// Seconds since 1970 (extra field 0x5455).
    Unix,
    /// As NTFS has them (extra field 0x000a), which unzip does not read.
    Ntfs,
    /// Local time, every two seconds of it; of an odd second, the next or the one before.
    Dos { up: bool },
}

/// Unpacks `archive` into the directory `into`.
pub(crate) fn unzip(archive: &Path, into: &Path) {
    run(Command::new("unzip")
        // Control characters in names are kept.
        .args(["-q", "-o", "-^"])
        .arg(archive)
        .current_dir(into)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null()));
}

/// Puts right what unzip does not restore of `source`.
pub(crate) fn put_right(unzipped: &mut Seen, source: &Seen, times: Times) {
    for (name, (mode, seconds, _)) in unzipped {
        let packed = source[name].1;
        // It gives links no time.
        let is_link = *mode & 0o170_000 == 0o120_000;
        *seconds = match times {
            Times::Ntfs => packed,
            // It takes what lies before 1970 for a mistake.
            Times::Unix if is_link || packed < 0 => packed,
            Times::Unix => *seconds,
            Times::Dos { up } if is_link => rounded(packed, up),
            // It counts a day too many in years behind 2100, which is no leap year.
            Times::Dos { .. } if *seconds > YEAR_2101 => *seconds - 86_400,
            Times::Dos { .. } => *seconds,
        };
    }
}

/// Noon of its first day in UTC: far enough from midnight for nearly all zones.
const YEAR_2101: i64 = 4_134_024_000;

fn rounded(seconds: i64, up: bool) -> i64 {
    let first = LocalTime {
        year: 1980,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
    };
    let even = (seconds + i64::from(up)).div_euclid(2) * 2;
    even.max(first.seconds().unwrap())
}
