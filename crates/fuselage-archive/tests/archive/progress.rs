//! What is told while a tree is written adds up to what its list says.

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

use fuselage_archive::{Format, Listed, Progress};

use crate::place::{LIMITS, Place};
use crate::zip_builder::{Entry, directory, file, link, zip};

#[derive(Default)]
struct Counts {
    entries: AtomicU64,
    bytes: AtomicU64,
    times: AtomicU64,
}

impl Progress for Counts {
    fn entering(&self, _name: &[u8]) {}

    fn advanced(&self, entries: u64, bytes: u64) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.times.fetch_add(1, Ordering::Relaxed);
    }
}

fn told(entries: &[Entry]) -> ([u64; 2], [u64; 2], u64) {
    let place = Place::new();
    let path = place.root().with_file_name("archive");
    std::fs::write(&path, zip(entries)).unwrap();
    let archive = File::open(&path).unwrap();
    let format = Format::named("zip").unwrap();
    let listed = Listed::read(&archive, 0, format, &LIMITS).unwrap();
    let counts = Counts::default();
    let into = File::open(place.root()).unwrap();
    listed.write(into.as_fd(), 2, Some(&counts)).unwrap();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let needs = listed.needs();
    (
        [load(&counts.entries), load(&counts.bytes)],
        [needs.entries, needs.bytes],
        load(&counts.times),
    )
}

#[test]
fn entries_and_bytes_add_up() {
    let (told, needed, _) = told(&[
        file("implied/too/f", &[7; 5000]),
        directory("d", 0o755),
        link("l", "implied"),
        file("empty", b""),
    ]);
    assert_eq!(told, needed);
    assert_eq!(needed, [6, 5007]);
}

#[test]
fn a_large_entry_is_told_piece_by_piece() {
    // Stored, above what is copied in one piece.
    let large = Entry {
        method: 0,
        ..file("large", &[7; 3 << 20])
    };
    let (told, needed, times) = told(&[large]);
    assert_eq!(told, needed);
    assert!(times > 10, "{times}");
}
