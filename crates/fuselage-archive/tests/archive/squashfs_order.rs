//! Images whose entries refer to their inodes in an order that makes work.

use std::fs;
use std::fs::File;

use fuselage_archive::{ArchiveError, Format, Limits, Listed};

use crate::place::LIMITS;
use crate::squashfs_builder::{BLOCK_SIZE, Entry, FileFields, Image, NO_FRAGMENT};

/// More inodes than are kept of the inode table, of which each has a list of holes.
const FILES: usize = 100_000;
const HOLES: usize = 31;

const LARGE: Limits = Limits {
    entries: 200_000,
    bytes: 1 << 40,
    ..LIMITS
};

/// Lists the image of all files, in the order that `place` gives them in their directories.
fn list(place: impl Fn(usize) -> usize) -> Result<u64, ArchiveError> {
    let mut image = Image::new();
    let fields = FileFields {
        start: 0,
        size: HOLES as u64 * u64::from(BLOCK_SIZE),
        fragment: NO_FRAGMENT,
        offset: 0,
        blocks: vec![0; HOLES],
    };
    let files: Vec<Entry> = (0..FILES)
        .map(|number| image.file_of(&format!("{number}"), &fields))
        .collect();
    let entries: Vec<Entry> = (0..FILES)
        .map(|number| files[place(number)].clone())
        .collect();
    let bytes = image.with_root(&entries);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    fs::write(&path, bytes).unwrap();
    let file = File::open(path).unwrap();
    let format = Format::named("squashfs").unwrap();
    Listed::read(&file, 0, format, &LARGE).map(|listed| listed.needs().entries)
}

#[test]
fn inodes_in_an_order_that_tools_write_are_read_however_many() {
    assert_eq!(list(|number| number).unwrap(), FILES as u64);
    // From several places at once, as by depth or by kind.
    let rows = |number| number % 100 * (FILES / 100) + number / 100;
    assert_eq!(list(rows).unwrap(), FILES as u64);
}

#[test]
fn inodes_that_each_cost_a_block_are_refused() {
    // Each in another block than the one before: when one comes again, it is no longer kept.
    let step = 47;
    let error = list(|number| number * step % FILES).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
    let what = "the inode table would have to be unpacked again and again";
    assert!(error.to_string().starts_with(what), "{error}");
}
