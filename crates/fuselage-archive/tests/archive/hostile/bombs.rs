//! Attacks by amounts: sizes, entries, archives in archives; and by content that is not what it is
//! said to be.

use fuselage_archive::Limits;

use crate::hostile::conflicts::image;
use crate::hostile::matrix::{
    Attack, Cell, DAMAGED, DEFAULTS, LIMIT, Node, a_directory, a_file, allowed, allowed_entries,
    cannot_hold, refused,
};
use crate::hostile::overlapping::{overlapping, quoted_entries};
use crate::hostile::quine::{IN_IMAGE, IN_ZIP, quine_image, quine_zip};
use crate::mutations::long;
use crate::squashfs_builder::{BLOCK_SIZE, FileFields, NO_FRAGMENT, STORED};
use crate::zip_builder::{Entry, file, zip};

const CONTENT: &[u8] = &[b'x'; 3000];
const EIGHT_EXBIBYTES: u64 = 8 << 60;
/// The most that `--limit bytes` takes: 8 PiB less one.
const MOST: u64 = (1 << 53) - 1;

/// A zip of one file that says something wrong of itself.
fn lying(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entry = file("f", CONTENT);
    change(&mut entry);
    zip(&[entry])
}

/// An image of one file of `size` bytes in one block with this data.
fn block(data: &[u8], size: u64, stored: bool) -> Vec<u8> {
    image(|image| {
        let start = image.data.len() as u64;
        image.data.extend(data);
        let flag = if stored { STORED } else { 0 };
        let fields = FileFields {
            start,
            size,
            fragment: NO_FRAGMENT,
            offset: 0,
            blocks: vec![data.len() as u32 | flag],
        };
        vec![image.file_of("f", &fields)]
    })
}

fn zlib(content: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::best());
    let mut packed = vec![0; compressor.zlib_compress_bound(content.len())];
    let length = compressor.zlib_compress(content, &mut packed).unwrap();
    packed.truncate(length);
    packed
}

/// An image of one file of nothing but a hole, of whose list of blocks so many are there.
fn hole(size: u64, blocks: usize) -> Vec<u8> {
    image(|image| vec![image.file_of("f", &FileFields::holes(size, blocks))])
}

fn says(what: &str) -> String {
    format!("the entry `f` {what}")
}

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = contents();
    attacks.extend(sizes());
    attacks.extend(shared());
    attacks.extend(nested());
    attacks.extend(many());
    attacks
}

const BLOCK: &str = "has a block that cannot be unpacked, or not to what the image says";

fn contents() -> Vec<Attack> {
    let whole = || vec![a_file("f", CONTENT)];
    let honest = || lying(|_| {});
    let packed = || block(&zlib(CONTENT), CONTENT.len() as u64, false);
    vec![
        Attack {
            name: "content that unpacks to more than it says",
            zip: refused(
                DAMAGED,
                says("unpacks to more than the archive says"),
                lying(|entry| entry.size = Some(1)),
                honest(),
                whole(),
            ),
            squashfs: refused(
                DAMAGED,
                says(BLOCK),
                block(&zlib(CONTENT), 100, false),
                packed(),
                whole(),
            ),
        },
        Attack {
            name: "content that unpacks to less than it says",
            zip: refused(
                DAMAGED,
                says("unpacks to less than the archive says"),
                lying(|entry| entry.size = Some(3001)),
                honest(),
                whole(),
            ),
            squashfs: refused(
                DAMAGED,
                says(BLOCK),
                block(&zlib(CONTENT), 3001, false),
                packed(),
                whole(),
            ),
        },
        Attack {
            name: "content that does not unpack",
            zip: refused(
                DAMAGED,
                says("has data that cannot be unpacked"),
                lying(|entry| entry.packed = Some(vec![0xff; 9])),
                honest(),
                whole(),
            ),
            squashfs: refused(
                DAMAGED,
                says(BLOCK),
                block(&[0xff; 9], CONTENT.len() as u64, false),
                packed(),
                whole(),
            ),
        },
        Attack {
            name: "content with another checksum",
            zip: refused(
                DAMAGED,
                says("does not have the checksum (CRC-32) that the archive gives"),
                lying(|entry| entry.crc = Some(7)),
                honest(),
                whole(),
            ),
            squashfs: cannot_hold("there are no checksums"),
        },
    ]
}

fn sizes() -> Vec<Attack> {
    let sized = |size| {
        lying(|entry| {
            entry.zip64 = true;
            entry.size = Some(size);
        })
    };
    let whole = || vec![a_file("f", CONTENT)];
    let honest_zip = || lying(|entry| entry.zip64 = true);
    let honest_image = || block(CONTENT, CONTENT.len() as u64, true);
    let with = "with the entry `f` the archive unpacks to";
    let raised = Limits {
        bytes: MOST,
        ratio: u32::MAX,
        ..DEFAULTS
    };
    let gibibyte = 1 << 30;
    vec![
        Attack {
            name: "8 EiB",
            zip: refused(
                LIMIT,
                format!("{with} {EIGHT_EXBIBYTES} bytes, more than the 274877906944"),
                sized(EIGHT_EXBIBYTES),
                honest_zip(),
                whole(),
            ),
            squashfs: refused(
                LIMIT,
                format!("{with} {EIGHT_EXBIBYTES} bytes, more than the 274877906944"),
                hole(EIGHT_EXBIBYTES, 0),
                honest_image(),
                whole(),
            ),
        },
        Attack {
            name: "as much as the limits can be raised to",
            zip: refused(LIMIT, with, sized(MOST), honest_zip(), whole()).within(raised),
            // Holes need no room; a list of them that long is in no image.
            squashfs: refused(
                DAMAGED,
                says("has a block that lies outside of the image or is too large"),
                hole(MOST, 1000),
                honest_image(),
                whole(),
            )
            .within(raised),
        },
        Attack {
            name: "a hole that needs no room",
            zip: cannot_hold("there are no holes; zeros count as data do"),
            squashfs: allowed_entries(
                hole(gibibyte, (gibibyte / u64::from(BLOCK_SIZE)) as usize),
                1,
            ),
        },
        Attack {
            name: "more unpacked bytes for each of its own than any tool makes",
            zip: refused(LIMIT, with, sized(200 << 30), honest_zip(), whole()),
            squashfs: {
                let nodes = (0..10).map(|number| a_file(format!("f{number:04}"), &[0; 4095]));
                let message = "with the entry `f0";
                refused(
                    LIMIT,
                    message,
                    one_fragment(300),
                    one_fragment(10),
                    nodes.collect(),
                )
                .within(Limits {
                    ratio: 30,
                    ..DEFAULTS
                })
            },
        },
    ]
}

/// So many files with the same data.
fn one_fragment(files: usize) -> Vec<u8> {
    image(|image| {
        let fields = FileFields {
            start: 0,
            size: 4095,
            fragment: image.fragment(&[0; 4095]),
            offset: 0,
            blocks: Vec::new(),
        };
        (0..files)
            .map(|number| image.file_of(&format!("f{number:04}"), &fields))
            .collect()
    })
}

const OVERLAPS: &str = "overlaps what follows it in the archive";

fn shared() -> Vec<Attack> {
    let two = || zip(&[file("a", CONTENT), file("b", CONTENT)]);
    let quoted = quoted_entries();
    let nodes = |entries: &[Entry]| {
        entries
            .iter()
            .map(|entry| a_file(&entry.name, &entry.content))
            .collect::<Vec<Node>>()
    };
    vec![
        Attack {
            name: "two entries with one local header",
            zip: refused(
                DAMAGED,
                format!("the entry `a` {OVERLAPS}"),
                {
                    let mut bytes = two();
                    let second = last(&bytes, b"PK\x01\x02");
                    bytes[second + 42..second + 46].copy_from_slice(&[0; 4]);
                    bytes
                },
                two(),
                vec![a_file("a", CONTENT), a_file("b", CONTENT)],
            ),
            squashfs: cannot_hold("two entries with one inode are two names of one file"),
        },
        Attack {
            name: "entries that overlap",
            zip: refused(
                DAMAGED,
                format!("the entry `f08` {OVERLAPS}"),
                overlapping(&quoted),
                zip(&quoted),
                nodes(&quoted),
            ),
            // Files may share blocks, which count for each; blocks of many files may not overlap.
            squashfs: {
                let with = |shift: u64| {
                    image(|image| {
                        let entries = ["a", "b"]
                            .map(|name| image.file_in_fragment(name, &[b'x'; 100]))
                            .to_vec();
                        image.fragments[1].0 -= shift;
                        entries
                    })
                };
                let nodes = vec![a_file("a", &[b'x'; 100]), a_file("b", &[b'x'; 100])];
                refused(
                    DAMAGED,
                    "two fragment blocks share bytes of the image",
                    with(1),
                    with(0),
                    nodes,
                )
            },
        },
    ]
}

/// Where `magic` stands first.
pub(crate) fn first(bytes: &[u8], magic: &[u8]) -> usize {
    let found = (0..bytes.len()).find(|at| bytes[*at..].starts_with(magic));
    found.expect("it is there")
}

/// Where `magic` stands last.
pub(crate) fn last(bytes: &[u8], magic: &[u8]) -> usize {
    let found = (0..bytes.len()).rfind(|at| bytes[*at..].starts_with(magic));
    found.expect("it is there")
}

fn nested() -> Vec<Attack> {
    let layers = |pack: fn(&[u8]) -> Vec<u8>| {
        let inner = (0..4).fold(vec![0; 100_000], |content, _| pack(&content));
        (pack(&inner), vec![a_file("inner", &inner)])
    };
    let (zips, in_zips) = layers(|content| zip(&[file("inner", content)]));
    let (images, in_images) = layers(|content| image(|image| vec![image.file("inner", content)]));
    let (zip, image) = (quine_zip(), quine_image());
    let directories = (0..IN_ZIP.len())
        .filter(|at| IN_ZIP.as_bytes()[*at] == b'/')
        .map(|at| a_directory(&IN_ZIP[..at]));
    let in_zip = directories.chain([a_file(IN_ZIP, &zip)]).collect();
    let in_image = vec![a_file(IN_IMAGE, &image)];
    vec![
        Attack {
            name: "an archive in an archive in an archive",
            zip: allowed(zips, in_zips),
            squashfs: allowed(images, in_images),
        },
        Attack {
            name: "an archive that holds itself (a quine)",
            zip: allowed(zip, in_zip),
            squashfs: allowed(image, in_image),
        },
    ]
}

/// Empty files: a million where tests may take long.
fn many() -> Vec<Attack> {
    let count: usize = if long() { 1_000_000 } else { 5000 };
    let name = |number: usize| format!("e{number:06}");
    let zips = |count| {
        let entries: Vec<Entry> = (0..count)
            .map(|number| Entry {
                method: 0,
                ..file(&name(number), b"")
            })
            .collect();
        zip(&entries)
    };
    let images = |count| {
        image(|image| {
            (0..count)
                .map(|number| image.file(&name(number), b""))
                .collect()
        })
    };
    let few = Limits {
        entries: 1000,
        ..DEFAULTS
    };
    let cell = |pack: &dyn Fn(usize) -> Vec<u8>, with: &str| -> Cell {
        let message = format!("{with} the archive has 1001 entries, more than the 1000");
        let nodes = (0..1000).map(|number| a_file(name(number), b"")).collect();
        refused(LIMIT, message, pack(70_000), pack(1000), nodes).within(few)
    };
    vec![
        Attack {
            name: "a million entries (5,000 in short tests)",
            zip: allowed_entries(zips(count), count as u64),
            squashfs: allowed_entries(images(count), count as u64),
        },
        Attack {
            name: "more entries than are allowed",
            zip: cell(&zips, "with the entry `e001000`"),
            squashfs: cell(&images, "with the entry `e001000`"),
        },
    ]
}
