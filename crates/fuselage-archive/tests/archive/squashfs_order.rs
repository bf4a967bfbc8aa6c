//! Images whose entries refer to their inodes in an order that makes work.

use std::fs;

use fuselage_archive::{ArchiveError, Limits};

use crate::place::{LIMITS, Place};
use crate::squashfs_builder::{BLOCK_SIZE, Entry, FileFields, Image};
use crate::squashfs_tools::{image_of, tools};

/// More inodes than are kept of the inode table, of which each has a list of holes.
const FILES: usize = 100_000;
const HOLES: usize = 31;

const LARGE: Limits = Limits {
    entries: 200_000,
    bytes: 1 << 40,
    ..LIMITS
};

fn listed(image: &[u8], limits: &Limits) -> Result<u64, ArchiveError> {
    Place::of("squashfs").listed(image, limits)
}

/// Lists the image of all files, in the order that `place` gives them in their directories.
fn list(place: impl Fn(usize) -> usize) -> Result<u64, ArchiveError> {
    let mut image = Image::new();
    let fields = FileFields::holes(HOLES as u64 * u64::from(BLOCK_SIZE), HOLES);
    let files: Vec<Entry> = (0..FILES)
        .map(|number| image.file_of(&format!("{number}"), &fields))
        .collect();
    let entries: Vec<Entry> = (0..FILES)
        .map(|number| files[place(number)].clone())
        .collect();
    listed(&image.with_root(&entries), &LARGE)
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

/// So many blocks of a table that each is packed to some bytes are more than may be unpacked again.
const BLOCKS: usize = 3000;

#[test]
fn lists_of_holes_are_read_however_small_they_pack() {
    let mut image = Image::compressed();
    let holes = BLOCKS * 8192 / 4;
    let size = holes as u64 * u64::from(BLOCK_SIZE);
    let entry = image.file_of("holes", &FileFields::holes(size, holes));
    let bytes = image.with_root(&[entry]);
    assert!(bytes.len() < 64 * BLOCKS, "{}", bytes.len());
    let limits = Limits {
        bytes: size,
        ..LARGE
    };
    assert_eq!(listed(&bytes, &limits).unwrap(), 1);
    let less = Limits {
        bytes: size - 1,
        ..LARGE
    };
    assert_eq!(
        listed(&bytes, &less).unwrap_err().code(),
        "ERR_ARCHIVE_LIMIT"
    );
}

/// Names of one file that differ at their ends, and the blocks that they unpack to.
const NAMES: usize = 60_000;
const NAMES_BLOCKS: usize = NAMES * (8 + 255) / 8192;

fn name(number: usize) -> String {
    format!("{number:0255}")
}

#[test]
fn names_that_are_nearly_alike_are_read_from_mksquashfs() {
    if !tools("gzip") {
        return;
    }
    let source = tempfile::tempdir().unwrap();
    let path = |number| source.path().join(name(number));
    fs::write(path(0), "x").unwrap();
    for number in 1..NAMES {
        fs::hard_link(path(0), path(number)).unwrap();
    }
    let bytes = image_of(source.path(), "");
    assert!(NAMES_BLOCKS > 1024 + bytes.len() / 512, "{}", bytes.len());
    assert_eq!(listed(&bytes, &LARGE).unwrap(), NAMES as u64);
}

#[test]
fn names_that_are_nearly_alike_are_read_from_one_directory() {
    let mut image = Image::compressed();
    let file = image.file("", b"x");
    let entries: Vec<Entry> = (0..NAMES)
        .map(|number| Entry {
            name: name(number).into_bytes(),
            ..file.clone()
        })
        .collect();
    let bytes = image.with_root(&entries);
    assert!(NAMES_BLOCKS > 1024 + bytes.len() / 512, "{}", bytes.len());
    assert_eq!(listed(&bytes, &LARGE).unwrap(), NAMES as u64);
}
