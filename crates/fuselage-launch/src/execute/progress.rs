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
        if self.shown && self.next.load(Ordering::Relaxed) > SILENCE.as_millis() as u64 {
            report::print_text("\r\x1b[K");
        }
    }

    fn show(&self) {
        let now = self.begin.elapsed().as_millis() as u64;
        let due = self.next.load(Ordering::Relaxed);
        let later = now + INTERVAL.as_millis() as u64;
        // One of the threads that find it due writes.
        let mine = now >= due
            && self
                .next
                .compare_exchange(due, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            let entries = self.entries.load(Ordering::Relaxed);
            let megabytes = self.bytes.load(Ordering::Relaxed) / 1_000_000;
            let entries = match entries {
                0 => String::new(),
                entries => format!("{entries} entries, "),
            };
            report::print_text(&format!(
                "\r\x1b[Kfuselage: {} {}: {entries}{megabytes} MB",
                self.doing, self.name
            ));
        }
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
            self.show();
        }
    }
}
