//! Zips with something changed: at most an error comes of them.

use std::io::Write;
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::time::Duration;

use fuselage_archive::detect;

use crate::place::Place;
use crate::zip_builder::{Entry, directory, entry, file, link, zip, zip_with};

/// Twenty times as many cases where `FUSELAGE_TEST_LONG` is 1.
pub(crate) fn more(cases: u32) -> u32 {
    if std::env::var_os("FUSELAGE_TEST_LONG").is_some_and(|long| long == "1") {
        cases * 20
    } else {
        cases
    }
}

/// xorshift64 (Marsaglia): the same numbers every time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn originals() -> Vec<Vec<u8>> {
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
    vec![
        zip(&entries),
        zip(&entries[..2]),
        zip_with(&entries, b"#!/bin/sh\n", true),
        zip(&[]),
    ]
}

pub(crate) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.below(256) as u8,
            2 => bytes.truncate(bytes.len() - random.below(bytes.len() / 4)),
            3 => {
                // A field of a header, where it hurts most.
                let magics: Vec<usize> = (0..bytes.len().saturating_sub(46))
                    .filter(|at| bytes[*at..].starts_with(b"PK"))
                    .collect();
                if let Some(magic) = magics.get(random.below(magics.len())) {
                    let field = magic + 4 + random.below(42);
                    let value = [0, 0xff, 0x7f, 0x80][random.below(4)];
                    bytes[field..field + 2].fill(value);
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

#[test]
fn a_thousand_mutations_panic_nowhere_hang_nowhere_and_stay_inside() {
    let (tell, done) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        let mut random = Random(0x5eed_cafe_f00d_0001);
        let originals = originals();
        let count = more(1000);
        let mut detected = 0;
        for number in 0..count {
            let mut bytes = originals[number as usize % originals.len()].clone();
            mutate(&mut bytes, &mut random);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            if detect(file.as_fd()).unwrap().format.is_some() {
                detected += 1;
            }
            let place = Place::new();
            let outside = place.outside();
            // Extracted whatever detection says: it must not be what protects us.
            let _ = place.extract(&bytes);
            assert_eq!(place.outside(), outside, "mutation {number}");
        }
        assert!(
            detected * 2 >= count,
            "{detected} of {count} are still taken for archives"
        );
        tell.send(()).unwrap();
    });
    let limit = Duration::from_secs(120) * more(1);
    let finished = done.recv_timeout(limit);
    assert_ne!(finished, Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    worker.join().unwrap();
}
