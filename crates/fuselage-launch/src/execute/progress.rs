//! How far an extraction is, for a person who waits, and for the report of a crash.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuselage_archive::Progress;
use fuselage_linux::descriptors;
use fuselage_linux::shared_notes::SharedNotes;

use crate::report;

/// Nothing is shown before: most extractions are done by then.
const SILENCE: Duration = Duration::from_millis(300);
const INTERVAL: Duration = Duration::from_millis(100);
/// To the first column, and the rest of the line away (EL of ECMA-48).
const CLEAR: &str = "\r\x1b[K";

/// One line on the terminal, if standard error is one and this is not CI.
pub(crate) struct TerminalProgress<'a> {
    doing: &'static str,
    name: String,
    notes: &'a SharedNotes,
    shown: bool,
    begin: Instant,
    /// Milliseconds since `begin` when the line is written next.
    next: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl<'a> TerminalProgress<'a> {
    /// For the archive at `path`; `doing` is what is done to it.
    pub(crate) fn new(doing: &'static str, path: &Path, notes: &'a SharedNotes) -> Self {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        Self {
            doing,
            name: report::printable(&name),
            notes,
            shown: descriptors::standard_error_is_terminal() && std::env::var_os("CI").is_none(),
            begin: Instant::now(),
            next: AtomicU64::new(SILENCE.as_millis() as u64),
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if self.shown
            && let Some(text) = self.cleared()
        {
            report::print_text(text);
        }
    }

    /// The line, for one of the threads that ask when it is due.
    fn line(&self, now: Duration) -> Option<String> {
        let now = now.as_millis() as u64;
        let due = self.next.load(Ordering::Relaxed);
        let later = now + INTERVAL.as_millis() as u64;
        let mine = now >= due
            && self
                .next
                .compare_exchange(due, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        mine.then(|| {
            let entries = self.entries.load(Ordering::Relaxed);
            let megabytes = self.bytes.load(Ordering::Relaxed) / 1_000_000;
            let entries = match entries {
                0 => String::new(),
                entries => format!("{entries} entries, "),
            };
            format!(
                "{CLEAR}fuselage: {} {}: {entries}{megabytes} MB",
                self.doing, self.name
            )
        })
    }

    /// What takes the line away, if there is one.
    fn cleared(&self) -> Option<&'static str> {
        (self.next.load(Ordering::Relaxed) > SILENCE.as_millis() as u64).then_some(CLEAR)
    }
}

impl Progress for TerminalProgress<'_> {
    fn entering(&self, name: &[u8]) {
        self.notes.note(name);
    }

    fn advanced(&self, entries: u64, bytes: u64) {
        if self.shown {
            self.entries.fetch_add(entries, Ordering::Relaxed);
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            if let Some(line) = self.line(self.begin.elapsed()) {
                report::print_text(&line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_line_comes_after_300_ms_and_then_every_100() {
        let notes = SharedNotes::new().unwrap();
        let progress = TerminalProgress::new("extracting", Path::new("/d/a\u{1b}.zip"), &notes);
        progress.entries.store(7, Ordering::Relaxed);
        progress.bytes.store(2_900_000, Ordering::Relaxed);
        assert_eq!(progress.line(at(0)), None);
        assert_eq!(progress.line(at(299)), None);
        assert_eq!(progress.cleared(), None, "nothing was written");
        let line = "\r\x1b[Kfuselage: extracting a\\u{1b}.zip: 7 entries, 2 MB";
        assert_eq!(progress.line(at(300)).as_deref(), Some(line));
        assert_eq!(progress.line(at(399)), None);
        assert!(progress.line(at(1000)).is_some());
        assert_eq!(progress.line(at(1099)), None);
        assert_eq!(progress.cleared(), Some("\r\x1b[K"));
    }

    #[test]
    fn what_each_thread_is_at_is_noted_without_a_terminal_too() {
        let notes = SharedNotes::new().unwrap();
        let progress = TerminalProgress::new("extracting", Path::new("a.zip"), &notes);
        progress.entering(b"x/y");
        assert_eq!(notes.read(), [b"x/y".to_vec()]);
    }
}
