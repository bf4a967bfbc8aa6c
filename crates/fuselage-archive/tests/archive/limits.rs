//! What is too much is found before anything is written.

use fuselage_archive::{Limits, Space};

use crate::place::{LIMITS, Place};
use crate::zip_builder::{Entry, file, zip};

fn refused(entries: &[Entry], limits: Limits, word: &str) {
    let place = Place::new();
    let error = place
        .extract_with(&zip(entries), limits, 2, None)
        .unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT", "{error}");
    assert!(error.to_string().contains(word), "{error}");
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
            entries: 19,
            ..LIMITS
        },
        "entries",
    );
    refused(
        &[file("a/b/c/d", b"x")],
        Limits {
            entries: 3,
            ..LIMITS
        },
        "entries",
    );
    refused(
        &[file("a", &[7; 5000])],
        Limits {
            bytes: 4999,
            ..LIMITS
        },
        "bytes",
    );
    refused(
        &[file("a/b/c", b"x")],
        Limits { depth: 2, ..LIMITS },
        "levels",
    );
    refused(
        &[file("a", &[0; 500_000])],
        Limits {
            ratio: 100,
            ..LIMITS
        },
        "each byte",
    );
}

#[test]
fn a_size_that_lies_is_found_while_unpacking() {
    // Says one byte, unpacks to two million: neither memory nor disk get them.
    let bomb = Entry {
        size: Some(1),
        ..file("bomb", &[0; 2_000_000])
    };
    let place = Place::new();
    let error = place.extract(&zip(&[bomb])).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
    assert!(
        place
            .tree()
            .values()
            .all(|(_, _, content)| content.len() <= 1)
    );
}

#[test]
fn room_is_compared_in_pages_before_anything_is_written() {
    let entries: Vec<Entry> = (0..10).map(|n| file(&format!("f{n}"), b"x")).collect();
    let space = |bytes, inodes| {
        Some(Space {
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
