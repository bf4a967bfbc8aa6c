//! Archives that hold themselves, whole and exactly: unpacked again and again, they would never
//! end.
//!
//! That of zip is the construction of Russ Cox ("Zip Files All The Way Down", 2010), with the bits
//! counted anew for this header.

use crate::squashfs_builder::{BLOCK_SIZE, FileFields, Image, NO_FRAGMENT, STORED};
use crate::zip_builder::{Entry, file, zip};

/// What the file in the zip is called: so long that one match of deflate repeats its header in a
/// block of five bytes.
pub(crate) const IN_ZIP: &str = "itself/and/itself.zip";
pub(crate) const IN_IMAGE: &str = "itself";

/// A zip with one entry that unpacks to the zip.
pub(crate) fn quine_zip() -> Vec<u8> {
    // A change of the checksum changes the checksum by a sum of fixed numbers: 32 equations. The
    // time of day is free where they have no solution.
    (0..)
        .find_map(|seconds| {
            let make = |crc| with_checksum(crc, seconds);
            fixed_point(|crc| libdeflater::crc32(&make(crc))).map(make)
        })
        .expect("one time of many")
}

fn with_checksum(crc: u32, seconds: i64) -> Vec<u8> {
    let entry = |content: &[u8], packed: Vec<u8>| Entry {
        crc: Some(crc),
        size: Some(content.len() as u64),
        packed: Some(packed),
        extra: crate::zip_builder::unix_time(seconds),
        ..file(IN_ZIP, b"")
    };
    let mut bytes = vec![0; 1];
    // Lengths first, then what they are about.
    loop {
        let (before, after) = around(&bytes, IN_ZIP);
        let packed = packed(&before, &after);
        let next = zip(&[entry(&bytes, packed)]);
        if next == bytes {
            return bytes;
        }
        bytes = next;
    }
}

/// What stands before and behind the data of the only entry.
fn around(archive: &[u8], name: &str) -> (Vec<u8>, Vec<u8>) {
    let header = 30 + name.len() + 9;
    let end = 46 + name.len() + 9 + 22;
    match archive.len() > header + end {
        true => (
            archive[..header].to_vec(),
            archive[archive.len() - end..].to_vec(),
        ),
        false => (vec![0; header], vec![0; end]),
    }
}

/// Deflate data that unpacks to `before`, itself, and `after`.
fn packed(before: &[u8], after: &[u8]) -> Vec<u8> {
    let literal = |length: usize| {
        let length = length as u16;
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat()
    };
    let unit = literal(0).len();
    let (first, last) = (repeat(before.len() + unit, false), repeat_last(after.len()));
    let head = literal(before.len() + unit);
    let tail = literal(after.len() + last.len());
    let (one, four, four_again) = (literal(unit), literal(4 * unit), repeat(4 * unit, false));
    let none = literal(0);
    [
        &head,
        before,
        &head,
        &first, // before, head; and again
        &one,
        &first, // first
        &one,
        &one, // one
        &four,
        &first,
        &one,
        &one,
        &four,
        &four_again, // first, one, one, four; and again
        &four,
        &four_again,
        &four,
        &four_again,
        &four,
        &four_again, // and again
        &four,
        &four_again,
        &none,
        &none,
        &tail,
        &four_again, // and again
        &none,
        &none,
        &tail,
        &last,
        after,
        &last, // last, after; and again
    ]
    .concat()
}

/// A block of five bytes that repeats the last `length` bytes (RFC 1951, 3.2.6).
fn repeat(length: usize, is_final: bool) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.begin(is_final);
    match length {
        20 => {
            bits.repeat(10, 20);
            bits.repeat(10, 20);
        }
        _ => bits.repeat(length, length),
    }
    bits.end();
    if bits.count == 30 {
        // An empty block.
        bits.begin(false);
        bits.end();
    }
    assert!(is_final || bits.count == 40, "{} bits", bits.count);
    bits.bytes
}

/// The last block, which repeats what follows it, too: `length` bytes behind its own.
fn repeat_last(length: usize) -> Vec<u8> {
    let own = repeat(length + 4, true);
    assert_eq!(own.len(), 4);
    own
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    /// The lowest bit first.
    fn put(&mut self, value: usize, width: usize) {
        for bit in 0..width {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let at = self.count / 8;
            self.bytes[at] |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
    }

    /// A Huffman code: the highest bit first.
    fn code(&mut self, value: usize, width: usize) {
        for bit in (0..width).rev() {
            self.put(value >> bit & 1, 1);
        }
    }

    /// A block with the fixed codes.
    fn begin(&mut self, is_final: bool) {
        self.put(is_final.into(), 1);
        self.put(1, 2);
    }

    fn end(&mut self) {
        self.code(0, 7);
    }

    /// A match: `length` bytes from `distance` bytes before.
    fn repeat(&mut self, length: usize, distance: usize) {
        // Lengths from 3 to 10 have no extra bits; then four codes for each number of them.
        let (code, extra, base) = match length {
            3..=10 => (length - 3, 0, length),
            _ => {
                let extra = (length - 3).ilog2() as usize - 2;
                let step = (length - 3) >> extra;
                (4 * extra + step, extra, (step << extra) + 3)
            }
        };
        // 257 to 279 have seven bits, the others eight.
        match code + 257 {
            symbol @ ..=279 => self.code(symbol - 256, 7),
            symbol => self.code(symbol - 280 + 0b1100_0000, 8),
        }
        self.put(length - base, extra);
        let distance = distance - 1;
        let extra = distance.ilog2() as usize - 1;
        let step = distance >> extra;
        self.code(2 * extra + step, 5);
        self.put(distance - (step << extra), extra);
    }
}

/// A number that `checksum`, which is affine in its bits, gives itself.
fn fixed_point(checksum: impl Fn(u32) -> u32) -> Option<u32> {
    let constant = checksum(0);
    // Bit by bit: what this bit changes, itself included. In rows of an equation a bit of the
    // result.
    let columns: Vec<u32> = (0..32)
        .map(|bit| checksum(1 << bit) ^ constant ^ (1 << bit))
        .collect();
    let mut rows: Vec<u64> = (0..32)
        .map(|row| {
            let unknowns = (0..32).fold(0, |all, bit| {
                all | u64::from(columns[bit] >> row & 1) << bit
            });
            unknowns | u64::from(constant >> row & 1) << 32
        })
        .collect();
    for bit in 0..32 {
        let pivot = (bit..32).find(|row| rows[*row] >> bit & 1 == 1)?;
        rows.swap(bit, pivot);
        for row in 0..32 {
            if row != bit && rows[row] >> bit & 1 == 1 {
                rows[row] ^= rows[bit];
            }
        }
    }
    Some((0..32).fold(0, |all, bit| all | ((rows[bit] >> 32 & 1) as u32) << bit))
}

/// An image with one file, whose blocks are those of the image from its beginning to its end.
pub(crate) fn quine_image() -> Vec<u8> {
    let mut length = 0;
    loop {
        let mut image = Image::new();
        let blocks = (0..length)
            .step_by(BLOCK_SIZE as usize)
            .map(|at| (length - at).min(BLOCK_SIZE as usize) as u32 | STORED)
            .collect();
        let entry = image.file_of(
            IN_IMAGE,
            &FileFields {
                start: 0,
                size: length as u64,
                fragment: NO_FRAGMENT,
                offset: 0,
                blocks,
            },
        );
        let bytes = image.with_root(&[entry]);
        if bytes.len() == length {
            return bytes;
        }
        length = bytes.len();
    }
}
