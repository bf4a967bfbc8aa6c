//! Archives that other tools made: of which, and by which command, fixtures/README.md says.

use fuselage_archive::{ArchiveError, Format};
use fuselage_linux::local_time::LocalTime;

use crate::formats::detected;
use crate::mutations::more;
use crate::place::Place;
use crate::zip_builder::SECONDS;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_bytes!(concat!("fixtures/", $name)) as &[u8])
    };
}

const METHODS: [(&str, &[u8]); 6] = [
    fixture!("deflate64.zip"),
    fixture!("bzip2.zip"),
    fixture!("lzma.zip"),
    fixture!("lzma-marker.zip"),
    fixture!("zstd.zip"),
    fixture!("xz.zip"),
];

/// Those whose times are of MS-DOS alone: local ones, and of the zone of this test. 7-Zip adds them
/// in UTC, as NTFS has them.
const WITHOUT_ZONE: [&str; 3] = ["bzip2.zip", "lzma-marker.zip", "zstd.zip"];

/// The content of the entry `lines`.
fn lines() -> Vec<u8> {
    let mut text: Vec<u8> = (1..=5000)
        .chain(1..=200)
        .flat_map(|number| format!("line {number}\n").into_bytes())
        .collect();
    text.resize(text.len() + 100_000, b'a');
    text
}

/// The content of the entry `run`.
const RUN: &[u8] = b"#!/bin/sh\nexit 0\n";

#[test]
fn every_method_that_a_real_tool_writes_is_read() {
    let packed = LocalTime {
        year: 2001,
        month: 2,
        day: 3,
        hour: 4,
        minute: 5,
        second: 6,
    };
    for (name, bytes) in METHODS {
        assert_eq!(detected(bytes).format, Format::named("zip"), "{name}");
        let place = Place::new();
        let extracted = place
            .extract(bytes)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(extracted.entries, 3, "{name}");
        let tree = place.tree();
        assert_eq!(tree.len(), 3, "{name}");
        for (entry, mode, content) in [
            ("lines", 0o100_640, lines()),
            ("run", 0o100_755, RUN.to_vec()),
            ("empty", 0o100_600, Vec::new()),
        ] {
            let (found, seconds, read) = &tree[entry.as_bytes()];
            assert!(*read == content, "{name}: {entry}: another content");
            assert_eq!(*found, mode, "{name}: {entry}: {found:o}");
            let expected = match WITHOUT_ZONE.contains(&name) {
                true => packed.seconds(),
                false => Some(SECONDS),
            };
            assert_eq!(Some(*seconds), expected, "{name}: {entry}");
        }
    }
}

#[test]
fn a_changed_byte_in_the_stream_of_every_method_is_noticed() {
    for (name, bytes) in METHODS {
        let mut bytes = bytes.to_vec();
        // In the middle of `lines`, which is nearly all of the file.
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        let error = Place::new().extract(&bytes).unwrap_err();
        assert!(
            matches!(&error, ArchiveError::Damaged { entry: Some(entry), .. } if entry == "lines"),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_changed_byte_anywhere_gives_an_error_or_the_content_that_was_packed() {
    let packed = [lines(), RUN.to_vec(), Vec::new()];
    for (name, bytes) in METHODS {
        let step = (bytes.len() / more(40) as usize).max(1);
        for position in (0..bytes.len()).step_by(step) {
            let mut bytes = bytes.to_vec();
            bytes[position] ^= 0x21;
            let place = Place::new();
            if place.extract(&bytes).is_err() {
                continue;
            }
            for (mode, _, content) in place.tree().into_values() {
                let known = mode & 0o170_000 != 0o100_000 || packed.contains(&content);
                assert!(known, "{name}: byte {position}: another content");
            }
        }
    }
}

#[test]
fn what_is_encrypted_is_refused_and_says_so() {
    for (name, bytes) in [
        fixture!("zipcrypto.zip"),
        fixture!("zipcrypto-7z.zip"),
        fixture!("aes.zip"),
    ] {
        assert_eq!(detected(bytes).format, Format::named("zip"), "{name}");
        let place = Place::new();
        let error = place.extract(bytes).unwrap_err();
        assert_eq!(error.code(), "ERR_ARCHIVE_ENCRYPTED", "{name}");
        assert_eq!(error.to_string(), "the entry `lines` is encrypted");
        assert_eq!(error.hints(), ["pack it again without a password"]);
        assert!(place.tree().is_empty(), "{name}");
    }
}

#[test]
fn a_method_that_is_not_known_is_refused_and_named() {
    let (_, bytes) = fixture!("ppmd.zip");
    let place = Place::new();
    let error = place.extract(bytes).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_UNSUPPORTED");
    let expected = "the entry `lines` is compressed by method 98, which is not known";
    assert_eq!(error.to_string(), expected);
    assert!(place.tree().is_empty());
}
