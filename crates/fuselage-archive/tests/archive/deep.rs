//! Trees that are deeper than what is held open of them.

use fuselage_archive::Limits;

use crate::place::{LIMITS, Place};
use crate::zip_builder::{SECONDS, directory, file, zip};

const DEEP: usize = 300;
const LIMITS_DEEP: Limits = Limits {
    depth: DEEP as u32,
    ..LIMITS
};

/// A path of so many directories.
fn path(depth: usize) -> String {
    vec!["d"; depth].join("/")
}

#[test]
fn every_directory_gets_what_it_should_have_on_the_way_back() {
    let mode = |depth: usize| [0o700, 0o755, 0o500, 0o000][depth % 4];
    let mut entries: Vec<_> = (1..DEEP)
        .map(|depth| directory(&path(depth), mode(depth)))
        .collect();
    // More than once down and up, over the border of what is held open.
    let branches = [1, 31, 32, 33, 34, 63, 64, 65, 200, DEEP - 2];
    for depth in branches {
        let path = path(depth);
        entries.push(directory(&format!("{path}/a"), 0o711));
        entries.push(directory(&format!("{path}/e/f"), 0o711));
        entries.push(file(&format!("{path}/e/f/file"), path.as_bytes()));
    }
    let place = Place::new();
    let limits = Limits {
        depth: DEEP as u32 + 2,
        ..LIMITS
    };
    place.extract_with(&zip(&entries), limits, 2, None).unwrap();
    let tree = place.tree();
    for depth in 1..DEEP {
        let (found, time, _) = &tree[path(depth).as_bytes()];
        let expected = (mode(depth) | 0o040_000, SECONDS);
        assert_eq!((*found, *time), expected, "{depth}");
    }
    for depth in branches {
        let path = path(depth);
        for (below, mode) in [("a", 0o711), ("e", 0o755), ("e/f", 0o711)] {
            let (found, ..) = tree[format!("{path}/{below}").as_bytes()];
            assert_eq!(found, mode | 0o040_000, "{path}/{below}");
        }
        let (.., content) = &tree[format!("{path}/e/f/file").as_bytes()];
        assert_eq!(content, path.as_bytes());
    }
}

#[test]
fn one_level_more_than_allowed_is_refused() {
    let extract = |depth| {
        let entries = [directory(&path(depth), 0o755)];
        Place::new().extract_with(&zip(&entries), LIMITS_DEEP, 1, None)
    };
    extract(DEEP).unwrap();
    let error = extract(DEEP + 1).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT");
}
