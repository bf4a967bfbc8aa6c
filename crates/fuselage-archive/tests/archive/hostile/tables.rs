//! Attacks by what lists and tables say: where things are, how many, and what they hold.

use crate::hostile::bombs::{first, last};
use crate::hostile::conflicts::image;
use crate::hostile::matrix::{
    Attack, Cell, DAMAGED, HOSTILE, Node, a_directory, a_file, cannot_hold, refused,
};
use crate::squashfs_builder::{
    DIRECTORY, Entry, FileFields, Image, NO_FRAGMENT, STORED, field, listing_of, set,
};
use crate::zip_builder::{end64, file, zip};

const CONTENT: &[u8] = b"content";
/// A zip of this has a local header and data of so many bytes.
const LOCAL: usize = 30 + 1 + 9 + 7;

fn honest_zip() -> Vec<u8> {
    zip(&[crate::zip_builder::Entry {
        method: 0,
        ..file("f", CONTENT)
    }])
}

fn honest_image() -> Vec<u8> {
    image(|image| vec![image.file("f", CONTENT)])
}

fn whole() -> Vec<Node> {
    vec![a_file("f", CONTENT)]
}

/// That zip with bytes changed, at so many bytes behind a signature.
fn zip_with(message: &str, magic: &[u8], at: usize, bytes: &[u8]) -> Cell {
    let mut attack = honest_zip();
    let begin = last(&attack, magic) + at;
    set(&mut attack, begin, bytes);
    refused(DAMAGED, message, attack, honest_zip(), whole())
}

/// That image with bytes of its superblock changed.
fn image_with(message: &str, at: usize, bytes: &[u8]) -> Cell {
    let mut attack = honest_image();
    set(&mut attack, at, bytes);
    refused(DAMAGED, message, attack, honest_image(), whole())
}

/// That image with another entry of its root.
fn entry_with(message: &str, change: fn(&mut Entry)) -> Cell {
    let attack = image(|image| {
        let mut entry = image.file("f", CONTENT);
        change(&mut entry);
        vec![entry]
    });
    refused(DAMAGED, message, attack, honest_image(), whole())
}

const END: &[u8] = b"PK\x05\x06";
const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = outside();
    attacks.extend(contradictions());
    attacks.extend(loops());
    attacks
}

fn outside() -> Vec<Attack> {
    let inodes = "something points outside of the inode table";
    vec![
        Attack {
            name: "the list of entries lies outside",
            zip: zip_with(
                "the central directory is not where the archive says",
                END,
                16,
                &[0xf0, 0xff, 0xff, 0x7f],
            )
            .unseen_behind_a_program(),
            squashfs: image_with(
                "the directory table lies outside of the image",
                field::DIRECTORY_TABLE,
                &[0x7f; 8],
            ),
        },
        Attack {
            name: "the list of entries is longer than the file",
            zip: zip_with(
                "the central directory is longer than the file",
                END,
                12,
                &[0xf0, 0xff, 0xff, 0x7f],
            )
            .unseen_behind_a_program(),
            squashfs: image_with(
                "the image is cut off: it has ",
                field::BYTES_USED,
                &[0x7f; 8],
            ),
        },
        Attack {
            name: "the record of zip64, or the root, lies outside",
            zip: {
                let with = |magic: &[u8]| {
                    let mut bytes = honest_zip();
                    let end = bytes.len() - 22;
                    bytes.truncate(end);
                    let records = end64(1, (end - LOCAL) as u64, LOCAL as u64, u64::MAX);
                    bytes.extend(magic);
                    bytes.extend(&records[4..]);
                    bytes
                };
                let message = "the zip64 end record is not where the archive says";
                refused(
                    DAMAGED,
                    message,
                    with(b"PK\x06\x05"),
                    with(b"PK\x06\x06"),
                    whole(),
                )
            },
            squashfs: image_with(inodes, field::ROOT, &[0xff; 8]),
        },
        Attack {
            name: "an entry lies outside",
            zip: zip_with(
                "the entry `f` lies outside of the archive",
                CENTRAL,
                42,
                &[0xf0, 0xff, 0xff, 0x7f],
            ),
            squashfs: entry_with(inodes, |entry| entry.inode = 0xffff),
        },
        Attack {
            name: "the content of an entry lies outside",
            zip: zip_with(
                "the entry `f` is stored and has two lengths",
                CENTRAL,
                20,
                &[0xf0, 0xff, 0xff, 0x7f],
            ),
            squashfs: {
                let with = |start: u64| {
                    image(|image| {
                        image.data.extend(CONTENT);
                        let fields = FileFields {
                            start,
                            size: CONTENT.len() as u64,
                            fragment: NO_FRAGMENT,
                            offset: 0,
                            blocks: vec![CONTENT.len() as u32 | STORED],
                        };
                        vec![image.file_of("f", &fields)]
                    })
                };
                let message =
                    "the entry `f` has a block that lies outside of the image or is too large";
                refused(DAMAGED, message, with(1 << 40), with(96), whole())
            },
        },
        Attack {
            name: "other tables lie outside",
            zip: cannot_hold("there is no other table"),
            squashfs: image_with(
                "the fragment table lies outside of the image",
                field::FRAGMENT_TABLE,
                &[0x7f; 8],
            ),
        },
    ]
}

fn contradictions() -> Vec<Attack> {
    let other = "is not what its directory says that it is";
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 1].to_vec();
    vec![
        Attack {
            name: "the list has fewer entries than it says",
            zip: zip_with(
                "the central directory is too short for its entries",
                END,
                8,
                &[9, 0, 9, 0],
            ),
            squashfs: {
                // The listing of the root, which is as long, comes first: behind the last entry
                // there is nothing.
                let with = |more: u32| {
                    let mut image = Image::new();
                    let listing = listing_of(&image.file("f", CONTENT));
                    let length = listing.len() as u32 + more;
                    let directory = image.directory_of("d", listing.len(), length);
                    let root = image.directory("", &[directory]);
                    image.list_raw(&listing);
                    image.finish(root.inode)
                };
                let nodes = vec![a_directory("d"), a_file("d/f", CONTENT)];
                let message = "something points outside of the directory table";
                refused(DAMAGED, message, with(100_000), with(0), nodes)
            },
        },
        Attack {
            name: "an entry points at something else",
            zip: zip_with(
                "the entry `f` has no local header where it should be",
                LOCAL_HEADER,
                0,
                b"PK\x03\x03",
            ),
            squashfs: entry_with(&format!("the entry `f` {other}"), |entry| entry.number = 77),
        },
        Attack {
            name: "an entry has two names, or two types",
            zip: zip_with(
                "the entry `f` has two values of its name: `g` in its local header, `f` in",
                LOCAL_HEADER,
                30,
                b"g",
            ),
            squashfs: entry_with(&format!("the entry `f` {other}"), |entry| {
                entry.kind = DIRECTORY;
            }),
        },
        Attack {
            name: "the archive ends too early",
            zip: refused(
                DAMAGED,
                "the end of the archive is missing: it was cut off",
                cut(honest_zip()),
                honest_zip(),
                whole(),
            )
            .unseen_behind_a_program(),
            squashfs: refused(
                DAMAGED,
                "the image is cut off: it has ",
                cut(honest_image()),
                honest_image(),
                whole(),
            ),
        },
    ]
}

fn loops() -> Vec<Attack> {
    const FLAT: &str = "the list is flat: nothing in it refers to a directory";
    let twice = "is a directory that is in the image twice, or holds itself";
    let says = |entry: &str| format!("the entry `{entry}` {twice}");
    let next = |image: &Image, name: &str| {
        let (inode, number) = image.next();
        Entry {
            name: name.into(),
            inode,
            number,
            kind: DIRECTORY,
        }
    };
    let in_itself = image(|image| {
        let itself = next(image, "loop");
        vec![image.directory("loop", &[itself])]
    });
    let in_directory = image(|image| {
        let inner = image.directory("loop", &[]);
        vec![image.directory("loop", &[inner])]
    });
    // The root is made last.
    let root = image(|image| vec![next(image, "root")]);
    let no_root = image(|image| vec![image.directory("root", &[])]);
    let names = |second: Option<&str>| {
        image(|image| {
            let one = image.directory("a", &[]);
            let other = match second {
                Some(name) => image.directory(name, &[]),
                None => Entry {
                    name: b"b".to_vec(),
                    ..one.clone()
                },
            };
            vec![one, other]
        })
    };
    let one_listing = |share: bool| {
        image(|image| {
            let (start, mut entries) = (image.listed(), Vec::new());
            let length = 2 * listing_of(&next(image, "a")).len() as u32;
            for name in ["a", "b"] {
                let length = if share { length } else { 0 };
                entries.push(image.directory_of(name, start, length));
            }
            for entry in &entries {
                image.list_raw(&listing_of(entry));
            }
            entries
        })
    };
    let attack = |name, squashfs| Attack {
        name,
        zip: cannot_hold(FLAT),
        squashfs,
    };
    let two = || vec![a_directory("a"), a_directory("b")];
    let inner = vec![a_directory("loop"), a_directory("loop/loop")];
    vec![
        attack(
            "a directory that holds itself",
            refused(HOSTILE, says("loop/loop"), in_itself, in_directory, inner),
        ),
        attack(
            "a directory that holds the root",
            refused(
                HOSTILE,
                says("root"),
                root,
                no_root,
                vec![a_directory("root")],
            ),
        ),
        attack(
            "a directory with two names",
            refused(HOSTILE, says("b"), names(None), names(Some("b")), two()),
        ),
        attack(
            "two directories with one listing, in which they are",
            refused(
                HOSTILE,
                says("a/a"),
                one_listing(true),
                one_listing(false),
                two(),
            ),
        ),
    ]
}

/// Where the local header of the only entry ends and its data with it.
#[test]
fn the_honest_zip_is_as_long_as_said() {
    assert_eq!(first(&honest_zip(), CENTRAL), LOCAL);
}
