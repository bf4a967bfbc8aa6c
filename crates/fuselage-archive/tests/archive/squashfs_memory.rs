//! What the list of an image takes.

use std::fs::{self, File};

use fuselage_archive::{Format, Limits, Listed};

use crate::memory::{forget_peak_memory, peak_memory};
use crate::place::LIMITS;
use crate::squashfs_builder::{Entry, FileFields, Image, NO_FRAGMENT};

const ENTRIES: usize = 100_000;

/// Bytes that reading an image takes at its peak, which has so many entries with names of `name`
/// bytes in one directory.
fn peak_of(name: usize) -> u64 {
    let mut image = Image::new();
    let fields = FileFields {
        start: 0,
        size: 0,
        fragment: NO_FRAGMENT,
        offset: 0,
        blocks: Vec::new(),
    };
    let entries: Vec<Entry> = (0..ENTRIES)
        .map(|number| image.file_of(&format!("{number:0name$}"), &fields))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    fs::write(&path, image.with_root(&entries)).unwrap();
    drop(entries);
    let file = File::open(path).unwrap();
    let limits = Limits {
        entries: ENTRIES as u64,
        ..LIMITS
    };
    forget_peak_memory();
    let before = peak_memory();
    let format = Format::named("squashfs").unwrap();
    let listed = Listed::read(&file, 0, format, &limits).unwrap();
    assert_eq!(listed.needs().entries, ENTRIES as u64);
    peak_memory() - before
}

#[test]
fn names_are_held_once() {
    const NAME: usize = 250;
    /// Blocks of metadata that are kept.
    const KEPT: usize = 16 << 20;
    let (peak, names) = (peak_of(NAME), NAME * ENTRIES);
    assert!(peak > names as u64, "{peak}");
    assert!(peak < (names + KEPT + 400 * ENTRIES) as u64, "{peak}");
}
