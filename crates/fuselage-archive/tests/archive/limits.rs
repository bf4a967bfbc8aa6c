//! What is too much is found before anything is written.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use fuselage_archive::{Limits, Space};

use crate::place::{LIMITS, Place};
use crate::zip_builder::{Entry, end64, file, zip};

/// The list is refused with this text, the option that raises the limit is named, and with the
/// usual limits it is extracted.
fn refused(entries: &[Entry], limits: Limits, text: &str, option: &str) {
    let place = Place::new();
    let error = place
        .extract_with(&zip(entries), limits, 2, None)
        .unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT", "{error}");
    assert!(error.to_string().starts_with(text), "{error}");
    let hint = error.hints().concat();
    assert!(hint.contains(&format!("--limit {option}=NUMBER")), "{hint}");
    assert!(place.tree().is_empty());
    Place::new()
        .extract_with(&zip(entries), LIMITS, 2, None)
        .unwrap();
}

#[test]
fn each_limit_holds_and_its_twin_passes() {
    let many: Vec<Entry> = (0..20).map(|n| file(&format!("f{n}"), b"x")).collect();
    refused(
        &many,
        Limits {
            entries: 17,
            ..LIMITS
        },
        "with the entry `f17` the archive has 18 entries, more than the 17 that are allowed",
        "entries",
    );
    refused(
        &[file("a/b/c/d", b"x")],
        Limits {
            entries: 3,
            ..LIMITS
        },
        "with the entry `a/b/c/d` the archive has 4 entries",
        "entries",
    );
    refused(
        &[file("a", &[7; 3000]), file("b", &[7; 3000]), file("c", b"")],
        Limits {
            bytes: 5999,
            ..LIMITS
        },
        "with the entry `b` the archive unpacks to 6000 bytes, more than the 5999",
        "bytes",
    );
    refused(
        &[file("a/b/c", b"x")],
        Limits { depth: 2, ..LIMITS },
        "the entry `a/b/c` is 3 levels deep, more than the 2",
        "depth",
    );
    refused(
        &[file("a/bcd", b"x")],
        Limits {
            name_length: 4,
            ..LIMITS
        },
        "the entry `a/bcd` has a name of 5 bytes, more than the 4",
        "name-length",
    );
    refused(
        &[file("x", b"x"), file("a", &[0; 500_000])],
        Limits {
            ratio: 100,
            ..LIMITS
        },
        "with the entry `a` the archive unpacks to ",
        "ratio",
    );
}

#[test]
fn names_longer_than_a_call_takes_can_be_allowed() {
    let name = format!("{}/end", vec!["d".repeat(200); 30].join("/"));
    let entries = [file(&name, b"x")];
    let error = Place::new().extract(&zip(&entries)).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT");
    let limits = Limits {
        name_length: 10_000,
        ..LIMITS
    };
    let extracted = Place::new().extract_with(&zip(&entries), limits, 2, None);
    assert_eq!(extracted.unwrap().entries, 31);
}

#[test]
fn a_component_that_the_kernel_refuses_is_told_without_an_option() {
    let entry = |length| [file(&format!("d/{}", "n".repeat(length)), b"x")];
    Place::new().extract(&zip(&entry(255))).unwrap();
    let error = Place::new().extract(&zip(&entry(256))).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT");
    assert!(
        error.to_string().contains("a component of 256 bytes"),
        "{error}"
    );
    assert!(!error.hints().concat().contains("--limit"));
}

#[test]
fn room_is_compared_in_pages_before_anything_is_written() {
    let entries: Vec<Entry> = (0..10).map(|n| file(&format!("f{n}"), b"x")).collect();
    let space = |bytes, inodes| {
        Some(Space {
            storage: fuselage_archive::Storage::Tmpfs,
            bytes,
            inodes,
            control_group: None,
        })
    };
    for (space, unit) in [(space(40_959, 100), "bytes"), (space(1 << 20, 9), "inodes")] {
        let place = Place::new();
        let error = place
            .extract_with(&zip(&entries), LIMITS, 2, space)
            .unwrap_err();
        assert_eq!(error.code(), "ERR_EXTRACT_NO_SPACE");
        assert!(error.to_string().contains(unit), "{error}");
        assert!(
            error
                .hints()
                .iter()
                .any(|hint| hint.contains("--tmpfs-size"))
        );
        assert!(place.tree().is_empty());
    }
    Place::new()
        .extract_with(&zip(&entries), LIMITS, 2, space(40_960, 10))
        .unwrap();
}

#[test]
fn a_directory_costs_the_memory_of_its_entries_whatever_length_it_claims() {
    const CLAIMED: u64 = 1 << 40;
    let bytes = zip(&[file("a", b"content")]);
    let entry = (0..bytes.len())
        .find(|at| bytes[*at..].starts_with(b"PK\x01\x02"))
        .unwrap();
    let end = bytes.len() - 22;
    let with_hole = |place: &Place, entries| {
        let mut archive = File::create(place.archive()).unwrap();
        archive.write_all(&bytes[..end]).unwrap();
        // The rest of the directory is a hole of a sparse file.
        archive
            .seek(SeekFrom::Start(entry as u64 + CLAIMED))
            .unwrap();
        archive
            .write_all(&end64(
                entries,
                CLAIMED,
                entry as u64,
                entry as u64 + CLAIMED,
            ))
            .unwrap();
    };
    let place = Place::new();
    with_hole(&place, 1);
    place.extract_there(LIMITS, 1, None).unwrap();
    assert_eq!(place.tree()[&b"a"[..]].2, b"content");
    // With one entry more than there is, the hole is taken for it.
    let place = Place::new();
    with_hole(&place, 2);
    let error = place.extract_there(LIMITS, 1, None).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{error}");
}
