//! squashfs images that no honest tool makes: what an entry may lie about, beside the table of
//! attacks; and what other tests of images need.

use std::os::unix::fs::MetadataExt;

use fuselage_archive::{ArchiveError, Limits};

use crate::place::{LIMITS, Place};
use crate::squashfs_builder::{DIRECTORY, Entry, Image, SYMLINK, listing_of};

pub(crate) fn refusal(image: &[u8]) -> ArchiveError {
    let place = Place::of("squashfs");
    let outside = place.outside();
    let error = place.extract(image).expect_err("it is hostile");
    assert_eq!(place.outside(), outside);
    error
}

pub(crate) fn refused(code: &str, named: &str, image: &[u8]) {
    let error = refusal(image);
    assert_eq!(
        error.code(),
        format!("ERR_ARCHIVE_{code}"),
        "{named}: {error}"
    );
    assert!(error.to_string().contains(named), "{named}: {error}");
}

pub(crate) fn accepted(image: &[u8]) -> Place {
    let place = Place::of("squashfs");
    place.extract(image).unwrap();
    place
}

/// An image with one entry in its root.
pub(crate) fn one(make: impl FnOnce(&mut Image) -> Entry) -> Vec<u8> {
    let mut image = Image::new();
    let entry = make(&mut image);
    image.with_root(&[entry])
}

/// An image with everything in it that an image can have.
pub(crate) fn whole() -> Vec<u8> {
    whole_with(b"content")
}

pub(crate) fn whole_with(content: &[u8]) -> Vec<u8> {
    let mut image = Image::new();
    let file = image.file("file", content);
    let tail = image.file_in_fragment("tail", b"in a fragment");
    let link = image.symlink("link", b"file");
    let inner = image.file("inner", b"below");
    let directory = image.directory("directory", &[inner]);
    let again = Entry {
        name: b"again".to_vec(),
        ..file.clone()
    };
    image.with_root(&[again, directory, file, link, tail])
}

#[test]
fn an_honest_image_of_the_builder_comes_out() {
    let place = accepted(&whole_with(&[b'f'; 9000]));
    let tree = place.tree();
    assert_eq!(tree[&b"file"[..]].2, [b'f'; 9000]);
    assert_eq!(tree[&b"tail"[..]].2, b"in a fragment");
    assert_eq!(tree[&b"link"[..]].2, b"file");
    assert_eq!(tree[&b"directory/inner"[..]].2, b"below");
    let inode = |name| place.root().join(name).metadata().unwrap().ino();
    assert_eq!(inode("file"), inode("again"));
    assert_eq!(tree.len(), 6);
}

#[test]
fn what_an_entry_says_of_its_inode_is_true() {
    let entry = |change: fn(&mut Entry)| {
        one(|image| {
            let mut entry = image.file("f", b"x");
            change(&mut entry);
            entry
        })
    };
    accepted(&entry(|_| {}));
    refused("DAMAGED", "`f`", &entry(|entry| entry.kind = SYMLINK));
    refused("DAMAGED", "`f`", &entry(|entry| entry.kind = DIRECTORY));
    refused("DAMAGED", "`f`", &entry(|entry| entry.number = 77));
    refused("DAMAGED", "inode table", &entry(|entry| entry.inode = 8000));
    refused(
        "DAMAGED",
        "inode table",
        &entry(|entry| entry.inode = 0xffff),
    );
    refused(
        "DAMAGED",
        "inode table",
        &entry(|entry| entry.inode = 1 << 20),
    );
    refused(
        "DAMAGED",
        "inode table",
        &entry(|entry| entry.inode = u64::MAX),
    );
    // Another inode by the same number.
    let mut image = Image::new();
    let first = image.file("first", b"1");
    let second = Entry {
        number: first.number,
        ..image.file("second", b"2")
    };
    let bytes = image.with_root(&[first, second]);
    refused("DAMAGED", "inode number of `first`", &bytes);
}

#[test]
fn entries_are_counted_before_they_are_kept() {
    // Many names of one file, in a listing that is read again for each of many directories.
    let mut image = Image::new();
    let file = image.file("f", b"x");
    let names: Vec<Entry> = (0..1000)
        .map(|number| Entry {
            name: format!("f{number:04}").into_bytes(),
            ..file.clone()
        })
        .collect();
    let start = image.listed();
    let mut length = 0;
    for entry in &names {
        let listing = listing_of(entry);
        length += listing.len() as u32;
        image.list_raw(&listing);
    }
    let directories: Vec<Entry> = (0..20)
        .map(|number| image.directory_of(&format!("d{number:02}"), start, length))
        .collect();
    let few = image.clone().with_root(&directories[..9]);
    refused(
        "LIMIT",
        "`d09/f0980` the archive has 10001 entries",
        &image.with_root(&directories),
    );
    assert_eq!(accepted(&few).tree().len(), 9 * 1001);
}

#[test]
fn directories_share_no_more_entries_than_their_table_has() {
    const SHARED: usize = 800;
    let with = |directories: usize| {
        let mut image = Image::compressed();
        let file = image.file("", b"x");
        for number in 0..SHARED {
            image.list_raw(&listing_of(&Entry {
                name: format!("{number:0255}").into_bytes(),
                ..file.clone()
            }));
        }
        let length = image.listed() as u32;
        let directories: Vec<Entry> = (0..directories)
            .map(|number| image.directory_of(&format!("d{number:02}"), 0, length))
            .collect();
        let above = image.directory("above", &directories);
        image.with_root(&[above])
    };
    let limits = Limits {
        entries: 1_000_000,
        ..LIMITS
    };
    let place = Place::of("squashfs");
    let listed = |directories| place.listed(&with(directories), &limits);
    assert_eq!(listed(10).unwrap(), 1 + 10 * (1 + SHARED as u64));
    let error = listed(99).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
    let what = "shares its entries with too many other directories";
    assert!(error.to_string().contains(what), "{error}");
    assert!(error.to_string().contains("`above/d"), "{error}");
}
