//! How far the work on archives is, for a person who waits: one line on the terminal.

use std::path::Path;
use std::time::{Duration, Instant};

use fuselage_linux::descriptors;

use crate::report;

/// Nothing is shown before: most extractions are done by then.
const SILENCE: Duration = Duration::from_millis(300);
/// How often the line is written.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);
/// To the first column, and the rest of the line away (EL of ECMA-48).
const CLEAR: &str = "\r\x1b[K";
/// What an entry costs beside its bytes, in bytes: making a file takes about as long as writing so
/// many.
const ENTRY: u64 = 16 << 10;

/// How much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) entries: u64,
    /// Unpacked.
    pub(crate) bytes: u64,
}

impl Amount {
    /// Entries, and bytes.
    pub(crate) fn of([entries, bytes]: [u64; 2]) -> Self {
        Self { entries, bytes }
    }

    fn and(self, more: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(more.entries),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }

    fn work(self) -> u64 {
        self.bytes
            .saturating_add(self.entries.saturating_mul(ENTRY))
    }
}

/// The line, which is taken away when this is dropped.
pub(crate) struct TerminalProgress {
    doing: &'static str,
    total: Amount,
    /// Of archives before the one that is shown.
    before: Amount,
    begin: Instant,
    is_shown: bool,
}

impl TerminalProgress {
    /// If standard error is a terminal that can take a line back, and this is not CI; `doing`
    /// stands before the name of the archive.
    pub(crate) fn new(doing: &'static str, total: Amount) -> Option<Self> {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let wanted = descriptors::standard_error_is_terminal() && !is_set("CI") && !is_dumb;
        wanted.then(|| Self {
            doing,
            total,
            before: Amount::default(),
            begin: Instant::now(),
            is_shown: false,
        })
    }

    /// Has so much of one archive been done, the next one begins.
    pub(crate) fn begin_next(&mut self, done: Amount) {
        self.before = self.before.and(done);
    }

    /// Writes the line, unless it is too early or another job has the terminal.
    pub(crate) fn show(&mut self, archive: &Path, done: Amount) {
        let elapsed = self.begin.elapsed();
        if elapsed < SILENCE {
            return;
        }
        if let Some(columns) = descriptors::own_terminal_columns() {
            let name = archive.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{}{name}", self.doing);
            let line = line(&name, self.before.and(done), self.total, elapsed, columns);
            report::print_text(&format!("{CLEAR}{line}"));
            self.is_shown = true;
        }
    }
}

impl Drop for TerminalProgress {
    fn drop(&mut self) {
        if self.is_shown {
            report::print_text(CLEAR);
        }
    }
}

/// What is shown after `elapsed`, in less than `columns`: what has no room is left out, the rate
/// first, and the name is shortened.
fn line(archive: &str, done: Amount, total: Amount, elapsed: Duration, columns: usize) -> String {
    /// Fewer columns of a name say nothing.
    const NAME: usize = 12;
    let entries = match total.entries {
        0 => None,
        all => Some(format!("{}/{all} entries", done.entries)),
    };
    let entries = entries.as_deref();
    let bytes = format!("{}/{} MB", megabytes(done.bytes), megabytes(total.bytes));
    let rate = rate(done, elapsed);
    let left = time_left(done, total, elapsed);
    let left = left.as_deref();
    // The last column stays empty: some terminals begin a new line there.
    let room = columns.saturating_sub(1);
    let archive = report::printable(archive);
    let name = width(&archive).min(NAME);
    for parts in [
        &[entries, Some(&*bytes), Some(&*rate), left][..],
        &[entries, Some(&*bytes), left],
        &[entries, Some(&*bytes)],
        &[entries.or(Some(&*bytes))],
    ] {
        let parts: Vec<&str> = parts.iter().copied().flatten().collect();
        let numbers = parts.join(", ");
        let least = width(&format!("fuselage: : {numbers}"));
        if least + name <= room {
            let name = shortened(&archive, room - least);
            return format!("fuselage: {name}: {numbers}");
        }
    }
    shortened(&format!("fuselage: {}", entries.unwrap_or(&bytes)), room)
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    match tenths {
        0..1000 => format!("{}.{}", tenths / 10, tenths % 10),
        _ => (tenths / 10).to_string(),
    }
}

fn rate(done: Amount, elapsed: Duration) -> String {
    let a_second = |amount: u64| (amount as f64 / elapsed.as_secs_f64().max(0.001)) as u64;
    match done.bytes {
        0 => format!("{} entries/s", a_second(done.entries)),
        bytes => format!("{} MB/s", megabytes(a_second(bytes))),
    }
}

/// Unknown before anything is done.
fn time_left(done: Amount, total: Amount, elapsed: Duration) -> Option<String> {
    let (done, total) = (done.work(), total.work());
    if done == 0 {
        return None;
    }
    let seconds = elapsed.as_secs_f64() * total.saturating_sub(done) as f64 / done as f64;
    let seconds = seconds.ceil() as u64;
    Some(match seconds {
        0..100 => format!("{seconds} s left"),
        100..6000 => format!("{} min left", seconds.div_ceil(60)),
        _ => format!("{} h left", seconds.div_ceil(3600)),
    })
}

/// Columns of `text`, none too few: outside of ASCII a character may take two.
fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

/// `text` in at most `room` columns, with `…` for what was left out.
fn shortened(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(columns_of('…'));
    let mut kept: String = text
        .chars()
        .take_while(|character| {
            let fits = columns_of(*character) <= left;
            left = left.saturating_sub(columns_of(*character));
            fits
        })
        .collect();
    if room >= columns_of('…') {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: Amount = Amount {
        entries: 8000,
        bytes: 512_000_000,
    };
    const HALF: Amount = Amount {
        entries: 4000,
        bytes: 256_000_000,
    };

    fn at(archive: &str, done: Amount, seconds: u64, columns: usize) -> String {
        line(archive, done, TOTAL, Duration::from_secs(seconds), columns)
    }

    #[test]
    fn entries_bytes_rate_and_time_left_are_told() {
        assert_eq!(
            at("a.zip", HALF, 2, 120),
            "fuselage: a.zip: 4000/8000 entries, 256/512 MB, 128 MB/s, 2 s left"
        );
        assert_eq!(
            at("a.zip", Amount::default(), 2, 120),
            "fuselage: a.zip: 0/8000 entries, 0.0/512 MB, 0 entries/s",
            "nobody knows how long it takes"
        );
        let little = Amount {
            entries: 9,
            bytes: 2_950_000,
        };
        assert!(at("a.zip", little, 1, 120).contains(" 2.9/512 MB, 2.9 MB/s, "));
        assert!(at("a.zip", TOTAL, 9, 120).ends_with(", 0 s left"));
    }

    #[test]
    fn long_times_are_told_in_larger_units() {
        for (seconds, left) in [
            (99, "99 s"),
            (100, "2 min"),
            (5999, "100 min"),
            (6000, "2 h"),
        ] {
            assert!(at("a.zip", HALF, seconds, 120).ends_with(&format!(", {left} left")));
        }
    }

    #[test]
    fn entries_without_bytes_have_a_rate_too() {
        let total = Amount {
            entries: 10,
            bytes: 0,
        };
        let done = Amount {
            entries: 5,
            bytes: 0,
        };
        assert_eq!(
            line("a", done, total, Duration::from_secs(1), 120),
            "fuselage: a: 5/10 entries, 0.0/0.0 MB, 5 entries/s, 1 s left"
        );
    }

    #[test]
    fn text_has_no_entries_to_count() {
        let total = Amount {
            entries: 0,
            bytes: 2_000_000,
        };
        let done = Amount {
            entries: 0,
            bytes: 1_000_000,
        };
        assert_eq!(
            line("decoding a.b64", done, total, Duration::from_secs(1), 120),
            "fuselage: decoding a.b64: 1.0/2.0 MB, 1.0 MB/s, 1 s left"
        );
    }

    #[test]
    fn a_line_never_reaches_the_last_column() {
        for archive in [
            "a.zip",
            "a-name-that-is-longer-than-any-terminal-"
                .repeat(9)
                .as_str(),
            "字字字字字.zip",
        ] {
            for columns in 0..150 {
                let line = at(archive, HALF, 2, columns);
                assert!(width(&line) < columns.max(1), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn what_has_no_room_is_left_out_and_the_name_shortened() {
        let name = "a-long-name-of-an-archive.zip";
        for (columns, line) in [
            (
                80,
                "a-long-name-of-a…: 4000/8000 entries, 256/512 MB, 128 MB/s, 2 s left",
            ),
            (
                70,
                "a-long-name-of-a…: 4000/8000 entries, 256/512 MB, 2 s left",
            ),
            (60, "a-long-name-of-a…: 4000/8000 entries, 256/512 MB"),
            (45, "a-long-name-o…: 4000/8000 entries"),
            (40, "4000/8000 entries"),
            (24, "4000/8000 e…"),
        ] {
            assert_eq!(
                at(name, HALF, 2, columns),
                format!("fuselage: {line}"),
                "{columns}"
            );
        }
    }

    #[test]
    fn numbers_that_cannot_be_are_shown_and_no_more() {
        let most = Amount::of([u64::MAX; 2]);
        for (done, total) in [(most, TOTAL), (HALF, most), (most, most)] {
            for seconds in [0, 1, u64::MAX / 2] {
                let elapsed = Duration::from_secs(seconds);
                assert!(width(&line("a.zip", done, total, elapsed, 80)) < 80);
            }
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert!(at("a\u{1b}[2J.zip", HALF, 2, 120).contains("a\\u{1b}[2J.zip"));
    }
}
