//! squashfs images that no honest tool makes: each is refused by name, nothing outside is touched,
//! and its harmless twin comes out.

use std::os::unix::fs::MetadataExt;

use fuselage_archive::ArchiveError;

use crate::place::{LIMITS, Place};
use crate::squashfs_builder::{
    BLOCK_DEVICE, CHARACTER_DEVICE, DIRECTORY, Entry, FIFO, FILE, Image, SOCKET, SYMLINK,
    listing_of,
};

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
fn names_that_lead_elsewhere_are_refused() {
    for name in ["../out", "..", ".", "/etc/x", "a/b", "a\0b"] {
        refused("HOSTILE", name, &one(|image| image.file(name, b"x")));
        refused("HOSTILE", name, &one(|image| image.directory(name, &[])));
        refused("HOSTILE", name, &one(|image| image.symlink(name, b"x")));
    }
    let long = "n".repeat(256);
    refused("LIMIT", &long, &one(|image| image.file(&long, b"x")));
    let longer = "n".repeat(300);
    refused("DAMAGED", "256", &one(|image| image.file(&longer, b"x")));
    let whole = "n".repeat(255);
    for name in ["..out", "...", "a\\b", "a\nb", &whole] {
        accepted(&one(|image| image.file(name, b"x")));
    }
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let pair = |first: &str, second: &str| {
        let mut image = Image::new();
        let precious = image.file("precious", b"gone");
        let entries = [
            image.symlink(first, b"../outside"),
            image.directory(second, &[precious]),
        ];
        image.with_root(&entries)
    };
    refused("HOSTILE", "twice", &pair("l", "l"));
    assert_eq!(accepted(&pair("l", "L")).tree().len(), 3);
    let mut image = Image::new();
    let entries = [image.file("f", b"1"), image.file("f", b"2")];
    refused("HOSTILE", "twice", &image.with_root(&entries));
    // The same inode, too.
    let mut image = Image::new();
    let entry = image.file("f", b"1");
    refused(
        "HOSTILE",
        "twice",
        &image.with_root(&[entry.clone(), entry]),
    );
}

#[test]
fn a_directory_is_met_once() {
    // Holds itself.
    let mut image = Image::new();
    let (inode, number) = image.next();
    let itself = Entry {
        name: b"loop".to_vec(),
        inode,
        number,
        kind: DIRECTORY,
    };
    let directory = image.directory("loop", &[itself]);
    refused("HOSTILE", "loop/loop", &image.with_root(&[directory]));
    // Holds the root.
    let image = Image::new();
    let (inode, number) = image.next();
    let root = Entry {
        name: b"root".to_vec(),
        inode,
        number,
        kind: DIRECTORY,
    };
    refused("HOSTILE", "root", &image.with_root(&[root]));
    // Two names.
    let twice = |second: &str| {
        let mut image = Image::new();
        let directory = image.directory("a", &[]);
        let other = match second {
            "b" => Entry {
                name: b"b".to_vec(),
                ..directory.clone()
            },
            _ => image.directory("c", &[]),
        };
        image.with_root(&[directory, other])
    };
    refused("HOSTILE", "`b`", &twice("b"));
    accepted(&twice("c"));
    // A loop through a listing: two inodes with one listing, in which both are.
    let mut image = Image::new();
    let (start, mut entries) = (image.listed(), Vec::new());
    let length = 2 * listing_of(&fake("a")).len() as u32;
    for name in ["a", "b"] {
        entries.push(image.directory_of(name, start, length));
    }
    for entry in &entries {
        image.list_raw(&listing_of(entry));
    }
    let bytes = image.clone().with_root(&entries[..1]);
    refused("HOSTILE", "a/a", &bytes);
}

pub(crate) fn fake(name: &str) -> Entry {
    Entry {
        name: name.into(),
        inode: 0,
        number: 99,
        kind: FILE,
    }
}

#[test]
fn special_files_are_refused() {
    for (kind, what) in [
        (FIFO, "is a FIFO"),
        (SOCKET, "is a socket"),
        (BLOCK_DEVICE, "is a device"),
        (CHARACTER_DEVICE, "is a device"),
    ] {
        let error = refusal(&one(|image| image.special("s", kind)));
        assert_eq!(error.to_string(), format!("the entry `s` {what}"));
        assert_eq!(error.code(), "ERR_ARCHIVE_HOSTILE");
    }
    refused("DAMAGED", "no type", &one(|image| image.special("s", 15)));
    refused("DAMAGED", "no type", &one(|image| image.special("s", 0)));
}

#[test]
fn targets_of_links_have_one_to_4095_bytes_and_no_nul() {
    let long = vec![b't'; 4096];
    refused("DAMAGED", "`l`", &one(|image| image.symlink("l", b"")));
    refused("DAMAGED", "`l`", &one(|image| image.symlink("l", &long)));
    refused("HOSTILE", "NUL", &one(|image| image.symlink("l", b"a\0b")));
    let place = accepted(&one(|image| image.symlink("l", &long[1..])));
    assert_eq!(place.tree()[&b"l"[..]].2, &long[1..]);
    // A length that the table does not have.
    let endless = one(|image| {
        let body = [1u32.to_le_bytes(), 4000u32.to_le_bytes()].concat();
        image.inode(b"l", SYMLINK, 0o777, &body)
    });
    refused("DAMAGED", "inode table", &endless);
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
fn depth_is_limited_and_memory_with_it() {
    let deep = |levels: usize| {
        let mut image = Image::new();
        let mut inner = image.file("f", b"x");
        for _ in 0..levels {
            inner = image.directory("d", &[inner]);
        }
        image.with_root(&[inner])
    };
    refused("LIMIT", "levels", &deep(4000));
    refused("LIMIT", "levels", &deep(LIMITS.depth as usize));
    assert_eq!(accepted(&deep(63)).tree().len(), 64);
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
    refused("LIMIT", "10001 entries", &image.with_root(&directories));
    assert_eq!(accepted(&few).tree().len(), 9 * 1001);
}
