//! What honest tools write comes out as it went in.

use std::fs::File;
use std::io::{Cursor, Write};
use std::os::fd::AsFd;

use fuselage_archive::{Format, detect};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::place::Place;
use crate::zip_builder::{Entry, SECONDS, directory, entry, file, link, zip, zip_with};

fn text() -> Vec<u8> {
    b"some text that is worth compressing, again and again\n".repeat(400)
}

#[test]
fn every_method_small_and_large() {
    let large: Vec<u8> = (0..100_000u32)
        .flat_map(|number| format!("{}\n", number.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    assert!(large.len() > 1 << 20, "above what is unpacked in one go");
    for method in [
        CompressionMethod::Stored,
        CompressionMethod::Deflated,
        CompressionMethod::Bzip2,
        CompressionMethod::Zstd,
        CompressionMethod::Xz,
    ] {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in [
            ("small", text()),
            ("large", large.clone()),
            ("empty", vec![]),
        ] {
            let options = SimpleFileOptions::default().compression_method(method);
            writer.start_file(name, options).unwrap();
            writer.write_all(&content).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        let place = Place::new();
        let extracted = place
            .extract(&bytes)
            .unwrap_or_else(|error| panic!("{method}: {error}"));
        assert_eq!(extracted.entries, 3);
        let tree = place.tree();
        assert!(
            tree[&b"small"[..]].2 == text() && tree[&b"large"[..]].2 == large,
            "{method}"
        );
    }
}

#[test]
fn a_stored_block_of_deflate64_is_read() {
    // One stored block (RFC 1951, 3.2.4), which deflate64 has too.
    let content = b"deflate64";
    let mut packed = vec![1, 9, 0, !9, 0xff];
    packed.extend(content);
    let entry = Entry {
        method: 9,
        packed: Some(packed),
        ..file("a", content)
    };
    let place = Place::new();
    place.extract(&zip(&[entry])).unwrap();
    assert_eq!(place.tree()[&b"a"[..]].2, content);
}

#[test]
fn modes_times_and_links_are_restored_and_special_bits_are_not() {
    let place = Place::new();
    let entries = [
        directory("closed", 0o500),
        entry("closed/run", b"#!/bin/sh\n", 0o104_755),
        entry("secret", b"s", 0o100_600),
        link("closed/up", "../secret"),
        link("away", "/etc/passwd"),
        Entry {
            mode: None,
            ..file("dos", b"d")
        },
        file("implied/below/x", b"x"),
    ];
    place.extract(&zip(&entries)).unwrap();
    let tree = place.tree();
    let expected: [(&[u8], u32); 7] = [
        (b"closed", 0o040_500),
        (b"closed/run", 0o100_755),
        (b"secret", 0o100_600),
        (b"closed/up", 0o120_777),
        (b"dos", 0o100_644),
        (b"implied", 0o040_755),
        (b"implied/below/x", 0o100_644),
    ];
    for (name, mode) in expected {
        let (found, time, _) = &tree[name];
        assert_eq!(*found, mode, "{} {found:o}", name.escape_ascii());
        if name != b"implied" {
            assert_eq!(*time, SECONDS, "{}", name.escape_ascii());
        }
    }
    assert_eq!(tree[&b"away"[..]].2, b"/etc/passwd");
}

#[test]
fn empty_prefixed_described_and_zip64_archives() {
    let plain = [file("a", &text()), file("d/b", b"b")];
    let described = plain.clone().map(|entry| Entry { flags: 8, ..entry });
    let zip64 = plain.clone().map(|entry| Entry {
        zip64: true,
        ..entry
    });
    let script = b"#!/bin/sh\nexec unzip \"$0\"\n".repeat(90);
    for (name, bytes, entries) in [
        ("empty", zip(&[]), 0),
        ("plain", zip(&plain), 3),
        ("described", zip(&described), 3),
        ("zip64", zip(&zip64), 3),
        ("prefixed", zip_with(&plain, &script, false), 3),
        ("prefixed, counted", zip_with(&plain, &script, true), 3),
    ] {
        let place = Place::new();
        let extracted = place
            .extract(&bytes)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(extracted.entries, entries, "{name}");
        assert_eq!(detected(&bytes).format, Format::named("zip"), "{name}");
    }
}

#[test]
fn one_thread_and_many_make_the_same_tree() {
    let entries: Vec<Entry> = (0..700)
        .map(|n| file(&format!("d{}/f{n}", n % 7), &text()[..n]))
        .collect();
    let trees = [1, 4].map(|jobs| {
        let place = Place::new();
        place
            .extract_with(&zip(&entries), crate::place::LIMITS, jobs, None)
            .unwrap();
        place
            .tree()
            .into_iter()
            .map(|(name, (mode, _, content))| (name, mode, content))
            .collect()
    });
    let [one, many]: [Vec<_>; 2] = trees;
    assert!(one == many && one.len() == 707);
}

pub(crate) fn detected(bytes: &[u8]) -> fuselage_archive::Detection {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    detect(file.as_fd()).unwrap()
}

#[test]
fn what_is_no_zip_is_named() {
    for (bytes, looks_like) in [
        (&b""[..], "an empty file"),
        (b"\x1f\x8b\x08\0", "a gzip file, perhaps a tar.gz"),
        (b"root:x:0:0::/root:/bin/sh\n", "a text"),
    ] {
        let found = detected(bytes);
        assert_eq!((found.format, &*found.looks_like), (None, looks_like));
    }
}

#[test]
fn detection_of_a_huge_file_reads_little() {
    let file: File = tempfile::tempfile().unwrap();
    file.set_len(1 << 40).unwrap();
    let before = bytes_read();
    assert_eq!(detect(file.as_fd()).unwrap().format, None);
    assert!(
        bytes_read() - before <= 65_536 + 4096,
        "64 KiB, and /proc/thread-self/io itself"
    );
}

pub(crate) fn bytes_read() -> u64 {
    let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    io.lines()
        .find_map(|line| line.strip_prefix("rchar: "))
        .unwrap()
        .parse()
        .unwrap()
}
