//! Names of tools of Windows, which separate by `\`.

use crate::place::Place;
use crate::zip_builder::{Entry, file, zip};

fn of_windows(name: &str) -> Entry {
    Entry {
        mode: None,
        ..file(name, b"content")
    }
}

#[test]
fn a_backslash_separates_in_archives_of_windows() {
    let place = Place::new();
    let entries = [
        of_windows(r"a\b"),
        of_windows(r"a\c\d"),
        of_windows(r"empty\"),
        // Where there is a `/`, the tool knew what separates.
        of_windows(r"e/f\g"),
    ];
    place.extract(&zip(&entries)).unwrap();
    let names: Vec<Vec<u8>> = place.tree().into_keys().collect();
    let expected: [&[u8]; 7] = [b"a", b"a/b", b"a/c", b"a/c/d", b"e", br"e/f\g", b"empty"];
    assert_eq!(names, expected);
}

#[test]
fn a_backslash_is_a_byte_in_archives_of_unix() {
    let place = Place::new();
    let entries = [
        file(r"a\b", b"1"),
        file(r"..\..\x", b"2"),
        file(r"\y", b"3"),
    ];
    place.extract(&zip(&entries)).unwrap();
    let names: Vec<Vec<u8>> = place.tree().into_keys().collect();
    let expected: [&[u8]; 3] = [br"..\..\x", br"\y", br"a\b"];
    assert_eq!(names, expected);
}

#[test]
fn a_backslash_leads_no_archive_out_of_its_tree() {
    for name in [
        r"..\..\x",
        r"a\..\..\x",
        r"\x",
        r"..\outside\precious",
        r"..",
        r"a\..",
    ] {
        let place = Place::new();
        let outside = place.outside();
        let error = place.extract(&zip(&[of_windows(name)])).unwrap_err();
        assert_eq!(error.code(), "ERR_ARCHIVE_HOSTILE", "{name}: {error}");
        assert_eq!(place.outside(), outside);
    }
    // Two names that are one, once they are separated.
    let error = Place::new()
        .extract(&zip(&[of_windows(r"a\b"), of_windows("a/b")]))
        .unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_HOSTILE");
}
