//! Archives with something changed: at most an error comes of them.

use std::io::Write;
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::time::Duration;

use fuselage_archive::detect;

use crate::place::Place;
use crate::squashfs_tools::{image_of, make_small_tree, tools};
use crate::zip_builder::{Entry, directory, entry, file, link, zip, zip_with};

/// Whether tests may take long.
pub(crate) fn long() -> bool {
    std::env::var_os("FUSELAGE_TEST_LONG").is_some_and(|long| long == "1")
}

/// Twenty times as many cases where tests may take long.
pub(crate) fn more(cases: u32) -> u32 {
    if long() { cases * 20 } else { cases }
}

/// xorshift64 (Marsaglia): the same numbers every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// For seeds that differ by little.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

const MEBIBYTE: usize = 1 << 20;

/// Archives of one format.
struct Originals {
    format: &'static str,
    archives: Vec<Vec<u8>>,
    headers: Headers,
}

/// What is known of where mutations hurt most.
pub(crate) struct Headers {
    /// Where headers are.
    find: fn(&[u8]) -> Vec<usize>,
    /// Bytes of a header.
    length: usize,
}

/// Those of a zip, which begin with the same two letters.
pub(crate) const ZIP_HEADERS: Headers = Headers {
    find: |bytes| {
        (0..bytes.len().saturating_sub(46))
            .filter(|at| bytes[*at..].starts_with(b"PK"))
            .collect()
    },
    length: 46,
};

fn zips() -> Originals {
    let text = b"words and words and words\n".repeat(100);
    let entries = [
        directory("d", 0o755),
        file("d/a.txt", &text),
        entry("run", b"#!/bin/sh\n", 0o100_755),
        link("l", "d/a.txt"),
        Entry {
            method: 0,
            ..file("stored", &text)
        },
        Entry {
            flags: 8,
            ..file("described", &text)
        },
        Entry {
            zip64: true,
            ..file("big", &text)
        },
    ];
    Originals {
        format: "zip",
        archives: vec![
            zip(&entries),
            zip(&entries[..2]),
            zip_with(&entries, b"#!/bin/sh\n", true),
            zip(&[]),
            // Too large to be decompressed in one piece.
            zip(&[file("large", &text.repeat(2 * MEBIBYTE / text.len() + 1))]),
        ],
        headers: ZIP_HEADERS,
    }
}

/// Images of a real tree: compressed, where mutations change whole blocks, and not, where they
/// change one field of an inode or of a directory.
fn images() -> Originals {
    let source = tempfile::tempdir().unwrap();
    make_small_tree(source.path());
    let plain = "-noI -noD -noF -noX -b 4K -nopad";
    let options = [
        plain,
        "-comp zstd -nopad",
        plain,
        "-comp lz4 -b 4K",
        "-comp xz",
    ];
    Originals {
        format: "squashfs",
        archives: options
            .map(|options| image_of(source.path(), options))
            .to_vec(),
        headers: Headers {
            find: |bytes| {
                let tables = bytes.get(64..96).unwrap_or_default().chunks_exact(8);
                let tables = tables.filter_map(|at| Some(u64::from_le_bytes(at.try_into().ok()?)));
                let inside = |at: &usize| *at < bytes.len();
                let tables = tables.filter_map(|at| usize::try_from(at).ok().filter(inside));
                let mut headers: Vec<usize> = [0, 32].into_iter().chain(tables).collect();
                // Inodes, listings and fragments lie behind where the first table is.
                headers.extend((headers.get(2).map_or(0, |at| *at)..bytes.len()).step_by(64));
                headers
            },
            length: 64,
        },
    }
}

pub(crate) fn mutate(bytes: &mut Vec<u8>, headers: &Headers, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes.truncate(bytes.len() - random.below(bytes.len() / 4)),
            3 => {
                // A field of a header, where it hurts most.
                let found = (headers.find)(bytes);
                if let Some(header) = found.get(random.below(found.len())) {
                    let field = header + random.below(headers.length);
                    let value = [0, 0xff, 0x7f, 0x80][random.below(4)];
                    let end = (field + 2).min(bytes.len());
                    bytes[field.min(end)..end].fill(value);
                }
            }
            4 => {
                let piece = bytes[at..(at + 20).min(bytes.len())].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let middle = bytes.len() / 2;
                bytes.swap(at, middle);
            }
        }
    }
}

fn a_thousand_mutations(originals: Originals) {
    let (tell, done) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        let mut random = Random(0x5eed_cafe_f00d_0001);
        let count = more(1000);
        let mut detected = 0;
        let mut extracted = 0;
        for number in 0..count {
            let archives = &originals.archives;
            let mut bytes = archives[number as usize % archives.len()].clone();
            mutate(&mut bytes, &originals.headers, &mut random);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            if detect(file.as_fd()).unwrap().format.is_some() {
                detected += 1;
            }
            let place = Place::of(originals.format);
            let outside = place.outside();
            // Extracted whatever detection says: it must not be what protects us.
            extracted += u32::from(place.extract(&bytes).is_ok());
            assert_eq!(place.outside(), outside, "mutation {number}");
        }
        assert!(
            detected * 2 >= count,
            "{detected} of {count} are still taken for archives"
        );
        assert!(
            (1..count).contains(&extracted),
            "{extracted} of {count} did no harm"
        );
        tell.send(()).unwrap();
    });
    let limit = Duration::from_secs(120) * more(1);
    let finished = done.recv_timeout(limit);
    assert_ne!(finished, Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    worker.join().unwrap();
}

#[test]
fn a_thousand_mutations_of_zips_panic_nowhere_hang_nowhere_and_stay_inside() {
    a_thousand_mutations(zips());
}

#[test]
fn a_thousand_mutations_of_images_panic_nowhere_hang_nowhere_and_stay_inside() {
    if tools("zstd") {
        a_thousand_mutations(images());
    }
}
