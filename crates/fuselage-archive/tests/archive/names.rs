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
fn two_names_that_are_one_once_they_are_separated_are_refused() {
    let error = Place::new()
        .extract(&zip(&[of_windows(r"a\b"), of_windows("a/b")]))
        .unwrap_err();
    assert_eq!(error.to_string(), "the entry `a/b` is in the archive twice");
    let twin = [of_windows(r"a\b"), of_windows("a/c")];
    Place::new().extract(&zip(&twin)).unwrap();
}
