//! Archives as base64 text: what they are taken for, and what they decode to.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{NO_PAD_INDIFFERENT, STANDARD, STANDARD_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose};
use fuselage_archive::{
    Detection, Digest, Encoding, Format, Space, decode, decode_and_digest, decode_stream, detect,
    detect_bytes, detect_decoded,
};

use crate::contents::noise;
use crate::elf_builder::{LITTLE_64, elf};
use crate::memory::{forget_peak_memory, peak_memory};
use crate::mutations::{Random, ZIP_HEADERS, more, mutate};
use crate::place::Place;
use crate::zip_builder::{file, zip, zip_with};

fn text(bytes: &[u8], width: usize, end: &str) -> Vec<u8> {
    let encoded = STANDARD.encode(bytes);
    let lines: Vec<&[u8]> = encoded.as_bytes().chunks(width).collect();
    [lines.join(end.as_bytes()), end.into()].concat()
}

fn large_zip() -> Vec<u8> {
    zip(&[file("a", &noise(100_000, 1)), file("b", b"beta")])
}

fn stored(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Decodes into a file and says what that is.
fn decoded(text: &[u8]) -> (Vec<u8>, Detection) {
    let (text, mut into) = (stored(text), tempfile::tempfile().unwrap());
    let length = decode(text.as_fd(), into.as_fd(), None, None).unwrap();
    let found = detect_decoded(into.as_fd()).unwrap();
    into.rewind().unwrap();
    let mut bytes = Vec::new();
    into.read_to_end(&mut bytes).unwrap();
    assert_eq!(length, bytes.len() as u64);
    (bytes, found)
}

#[test]
fn texts_of_zips_are_recognised_and_extracted() {
    for (archive, named) in [
        (zip(&[file("a", b"alpha")]), "base64 text of a zip archive"),
        (zip(&[]), "base64 text of an empty zip archive"),
        (large_zip(), "base64 text of a zip archive"),
    ] {
        for (width, end) in [
            (76, "\n"),
            (64, "\r\n"),
            (usize::MAX, ""),
            (1, "\n"),
            (75, "\n#\n"),
        ] {
            let comments = [b"# an archive\n\n".to_vec(), text(&archive, width, end)].concat();
            let found = detect(stored(&comments).as_fd()).unwrap();
            assert_eq!(found.encoding, Encoding::Base64, "{width} {end:?}");
            assert_eq!(found.format, Format::named("zip"));
            assert_eq!((&*found.looks_like, found.offset), (named, 0));
            assert_eq!(found.length, comments.len() as u64);
            let (bytes, found) = decoded(&comments);
            assert!(bytes == archive);
            assert_eq!(
                (found.encoding, found.format),
                (Encoding::Plain, Format::named("zip"))
            );
            Place::new().extract(&bytes).unwrap();
        }
    }
}

#[test]
fn what_only_shows_when_decoded_is_left_open() {
    let entries = [file("a", &noise(30_000, 1))];
    for prefix in [
        elf(LITTLE_64, 20_000),
        b"#!/bin/sh\n".repeat(3000),
        noise(20_000, 1),
    ] {
        let archive = zip_with(&entries, &prefix, true);
        let found = detect_bytes(&text(&archive, 76, "\n"));
        assert_eq!(
            (found.encoding, found.format),
            (Encoding::Base64, None),
            "{found:?}"
        );
        let (_, found) = decoded(&text(&archive, 76, "\n"));
        assert_eq!(found.format, Format::named("zip"));
    }
    // So is a text of which no payload was seen yet.
    let comments = [b"# comment\n".repeat(5000), text(&large_zip(), 76, "\n")].concat();
    let found = detect_bytes(&comments);
    assert_eq!((found.encoding, found.format), (Encoding::Base64, None));
    assert_eq!(decoded(&comments).1.format, Format::named("zip"));
}

#[test]
fn texts_of_anything_else_are_named() {
    let gzip = [&b"\x1f\x8b\x08"[..], &noise(40_000, 1)].concat();
    let pdf = [&b"%PDF-1.7\n"[..], &noise(100, 1)].concat();
    for (bytes, words) in [
        (&gzip, "base64 text of a gzip file, perhaps a tar.gz"),
        (&pdf, "base64 text of a PDF document"),
        (&text(&large_zip(), 76, "\n"), "base64 text of a text"),
        (
            &noise(100, 1),
            "base64 text of a binary file of no kind that is known",
        ),
    ] {
        let found = detect_bytes(&text(bytes, 76, "\n"));
        let kind = (found.encoding, found.format, &*found.looks_like);
        assert_eq!(kind, (Encoding::Plain, None, words));
    }
    let (_, found) = decoded(&text(&noise(50_000, 1), 76, "\n"));
    let words = "base64 text of a binary file of no kind that is known";
    assert_eq!((found.format, &*found.looks_like), (None, words));
    let (_, found) = decoded(b"# nothing\n");
    assert_eq!(found.looks_like, "base64 text of an empty file");
}

#[test]
fn other_texts_are_no_base64() {
    for text in [
        &b"root"[..],
        b"hello\nworld\n",
        b"# only\n# comments\n",
        b"d41d8cd98f00b204e9800998ecf8427e  empty\n",
        b"-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----\n",
    ] {
        let found = detect_bytes(text);
        assert_eq!(
            (found.encoding, found.format),
            (Encoding::Plain, None),
            "{found:?}"
        );
        assert!(found.looks_like.starts_with("a text"), "{found:?}");
    }
}

#[test]
fn a_damaged_text_is_decoded_to_tell_where() {
    let mut damaged = text(&large_zip(), 76, "\n");
    damaged[77 * 3 + 10] = b'*';
    let found = detect_bytes(&damaged);
    assert_eq!(
        (found.encoding, found.format),
        (Encoding::Base64, Format::named("zip"))
    );
    let error = decode_stream(&mut &damaged[..], &mut Vec::new()).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
    let told = "line 4, column 11: `*` is no character of base64";
    assert_eq!(error.to_string(), told);
    assert!(error.hints()[0].contains("base64"), "{:?}", error.hints());
}

#[test]
fn there_is_no_more_written_than_there_is_room_for() {
    let archive = large_zip();
    let text = stored(&text(&archive, 76, "\n"));
    let space = |bytes| Space {
        storage: fuselage_archive::Storage::Tmpfs,
        bytes,
        inodes: 9,
        control_group: None,
    };
    let into = tempfile::tempfile().unwrap();
    let exact = archive.len() as u64;
    let error = decode(text.as_fd(), into.as_fd(), Some(&space(exact - 1)), None).unwrap_err();
    assert_eq!(error.code(), "ERR_EXTRACT_NO_SPACE");
    assert!(error.hints()[0].contains("--tmpfs-size"));
    assert!(into.metadata().unwrap().len() < exact);
    let into = tempfile::tempfile().unwrap();
    decode(text.as_fd(), into.as_fd(), Some(&space(exact)), None).unwrap();
}

#[test]
fn what_a_text_decodes_to_is_digested_with_and_without_writing_it() {
    let archive = large_zip();
    let text = stored(&text(&archive, 76, "\n"));
    let expected = (archive.len() as u64, Digest::of(&archive));
    assert_eq!(
        decode_and_digest(text.as_fd(), None, None, None).unwrap(),
        expected
    );
    let mut into = tempfile::tempfile().unwrap();
    let found = decode_and_digest(text.as_fd(), Some(into.as_fd()), None, None).unwrap();
    assert_eq!(found, expected);
    into.rewind().unwrap();
    let mut written = Vec::new();
    into.read_to_end(&mut written).unwrap();
    assert_eq!(written, archive);
    let room = Space {
        storage: fuselage_archive::Storage::Disk,
        bytes: expected.0 - 1,
        inodes: 9,
        control_group: None,
    };
    let into = tempfile::tempfile().unwrap();
    let error = decode_and_digest(text.as_fd(), Some(into.as_fd()), Some(&room), None);
    assert_eq!(error.unwrap_err().code(), "ERR_EXTRACT_NO_SPACE");
    let damaged = stored(b"QUJD\n*\n");
    let error = decode_and_digest(damaged.as_fd(), None, None, None).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
}

/// The text without what it may have beside its payload, decoded by the crate in one go.
fn reference(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let payload: Vec<u8> = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.starts_with(b"#"))
        .collect::<Vec<_>>()
        .concat();
    let config = NO_PAD_INDIFFERENT.with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url_safe = GeneralPurpose::new(&alphabet::URL_SAFE, config);
    let standard = GeneralPurpose::new(&alphabet::STANDARD, config);
    let decode = |engine: GeneralPurpose| engine.decode(&payload).ok();
    decode(standard).or_else(|| decode(url_safe))
}

#[test]
fn mutated_texts_decode_to_what_they_say_or_to_an_error() {
    let mut random = Random(0x7e47_5eed_0000_0001);
    let archive = zip(&[file("a", &noise(700, 1))]);
    let originals = [
        text(&archive, 76, "\n"),
        text(&archive, 13, "\r\n"),
        text(&archive, usize::MAX, ""),
        text(&archive, 60, "\n# comment\n"),
        STANDARD_NO_PAD.encode(&archive).into_bytes(),
    ];
    let (count, mut good) = (more(3000), 0);
    for number in 0..count {
        let mut bytes = originals[number as usize % originals.len()].clone();
        mutate(&mut bytes, &ZIP_HEADERS, &mut random);
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] = b"\n\r #=+-_/A"[random.below(10)];
        }
        detect_bytes(&bytes);
        let mut decoded = Vec::new();
        if decode_stream(&mut &bytes[..], &mut decoded).is_ok() {
            good += 1;
            assert_eq!(Some(decoded), reference(&bytes), "{}", bytes.escape_ascii());
        }
    }
    assert!(good * 20 >= count, "{good} of {count} could be decoded");
}

/// One line without an end, made while it is read.
struct Line {
    left: usize,
    piece: Vec<u8>,
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.piece.len()).min(self.left);
        buffer[..count].copy_from_slice(&self.piece[..count]);
        self.left -= count;
        Ok(count)
    }
}

/// A gigabyte where `FUSELAGE_TEST_LONG` is 1.
#[test]
fn a_line_of_any_length_takes_the_same_memory() {
    let length = more(1) as usize * 50_000_000;
    let mut line = Line {
        left: length,
        piece: STANDARD.encode(noise(96 << 10, 1)).into_bytes(),
    };
    forget_peak_memory();
    let written = decode_stream(&mut line, &mut std::io::sink()).unwrap();
    assert_eq!(written, length as u64 / 4 * 3);
    let peak = peak_memory();
    assert!(peak < 64 << 20, "{peak}");
}
