//! An extraction that has failed ends, whatever the other threads were doing.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fuselage_archive::{ArchiveError, Format, Limits, Listed, Progress};

use crate::place::{LIMITS, Place};
use crate::windows::{XZ, xz};
use crate::zip_builder::{Entry, file, zip};

/// With its dictionary one takes all the memory that there is for decoders.
const SIZE: usize = 20 << 20;
const LARGE: usize = 3;

/// Nothing large is begun before the small entry, and all of it takes its time from then on.
#[derive(Default)]
struct Slow {
    small_is_begun: AtomicBool,
}

impl Progress for Slow {
    fn entering(&self, name: &[u8]) {
        if name == b"small" {
            self.small_is_begun.store(true, Ordering::SeqCst);
        }
        while !self.small_is_begun.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn advanced(&self, _entries: u64, bytes: u64) {
        if bytes > 1000 {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

/// Large entries, of which one is unpacked while the others wait for its memory, and a small one;
/// how many of the large ones are complete in the end, and what was told.
fn beside_large_ones(small: Entry) -> (usize, Result<(), ArchiveError>) {
    let content = vec![7; SIZE];
    let large = Entry {
        packed: Some(xz(&content, 64 << 20)),
        crc: Some(libdeflater::crc32(&content)),
        size: Some(SIZE as u64),
        method: XZ,
        ..file("", b"")
    };
    let name = |number| format!("{number}/large");
    let mut entries: Vec<Entry> = (0..LARGE)
        .map(|number| Entry {
            name: name(number).into(),
            ..large.clone()
        })
        .collect();
    entries.push(small);
    let limits = Limits {
        bytes: 1 << 30,
        ratio: u32::MAX,
        ..LIMITS
    };
    let place = Place::new();
    fs::write(place.archive(), zip(&entries)).unwrap();
    let archive = File::open(place.archive()).unwrap();
    let format = Format::named("zip").unwrap();
    let listed = Listed::read(&archive, 0, format, &limits).unwrap();
    let into = File::open(place.root()).unwrap();
    let written = listed.write(into.as_fd(), LARGE + 1, Some(&Slow::default()));
    let complete = (0..LARGE).filter(|number| {
        let file = fs::metadata(place.root().join(name(*number)));
        file.is_ok_and(|file| file.len() == SIZE as u64)
    });
    (complete.count(), written)
}

#[test]
fn who_unpacks_and_who_waits_for_memory_stops_when_another_entry_fails() {
    let small = file("small", b"content");
    let damaged = Entry {
        crc: Some(7),
        ..small.clone()
    };
    let (complete, written) = beside_large_ones(damaged);
    let told = "the entry `small` does not have the checksum (CRC-32) that the archive gives";
    assert_eq!(written.unwrap_err().to_string(), told);
    assert_eq!(complete, 0);
    let (complete, written) = beside_large_ones(small);
    written.unwrap();
    assert_eq!(complete, LARGE);
}
