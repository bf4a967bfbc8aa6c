use super::*;

const LIMITS: Limits = Limits {
    entries: 1000,
    bytes: 1000,
    depth: 1000,
    name_length: 1000,
    ratio: 1000,
};

/// An empty file in the root, which has no name yet.
pub(crate) fn file() -> Leaf {
    Leaf {
        directory: 0,
        name: Name::default(),
        kind: LeafKind::File,
        mode: 0o644,
        time: Time {
            seconds: 0,
            nanoseconds: 0,
        },
        size: 0,
        holes: 0,
        group: None,
        index: 0,
    }
}

fn tree_of(paths: &[&str]) -> Tree {
    let mut tree = Tree::new(&LIMITS, 1);
    for path in paths {
        tree.add_leaf(path.as_bytes(), file()).unwrap();
    }
    tree
}

#[test]
fn a_leaf_is_no_larger_than_it_needs_to_be() {
    assert!(size_of::<Leaf>() <= 72, "there may be millions of them");
    assert!(size_of::<Directory>() <= 56);
}

#[test]
fn directories_on_the_way_are_found_whatever_came_before() {
    let paths = [
        "a/b/1",
        "a/b/2",
        "a/1",
        "ab/1",
        "a/b/c/d/1",
        "1",
        "a/b/3",
        "a/bc/1",
        "b/1",
        "a/b/c/1",
    ];
    let tree = tree_of(&paths);
    let found: Vec<Vec<u8>> = tree.leaves.iter().map(|leaf| tree.path(leaf)).collect();
    let expected: Vec<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
    assert_eq!(found, expected);
    let directories: Vec<Vec<u8>> = (0..tree.directories.len() as u32)
        .map(|number| tree.directory_path(number))
        .collect();
    let expected = ["", "a", "a/b", "ab", "a/b/c", "a/b/c/d", "a/bc", "b"];
    let expected = expected.map(|path| path.as_bytes().to_vec());
    assert_eq!(directories, expected);
}

#[test]
fn a_path_is_that_of_its_leaf_alone() {
    let tree = tree_of(&["ab/c/de"]);
    let is_path = |path: &str| tree.is_path(path.as_bytes(), &tree.leaves[0]);
    assert!(is_path("ab/c/de"));
    for path in [
        "", "de", "/de", "c/de", "/c/de", "b/c/de", "/ab/c/de", "xab/c/de", "ab/c/e", "ab/c/de/",
        "ab/cde", "abxcxde", "ab/c/dex",
    ] {
        assert!(!is_path(path), "{path}");
    }
    let directories = ["", "ab", "ab/c"];
    for (number, own) in (0..).zip(directories) {
        for path in directories
            .iter()
            .copied()
            .chain(["c", "/c", "ab/", "ab/c/de"])
        {
            let is_path = tree.is_directory_path(path.as_bytes(), number);
            assert_eq!(is_path, path == own, "{own}: {path}");
        }
    }
}

#[test]
fn names_are_counted_wherever_they_are_kept() {
    let mut tree = tree_of(&["directory/name"]);
    let counted = "directoryname".len() as u64;
    let long = vec![b'n'; 1 << 20];
    for _ in 0..(names::MOST >> 20) - 1 {
        tree.count_name(&long).unwrap();
    }
    let left = (1 << 20) - counted;
    tree.count_name(&long[..left as usize - 1]).unwrap();
    // One byte is left.
    for name in [&b"n2"[..], b"d/n"] {
        let error = tree.add_leaf(name, file()).unwrap_err();
        assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT");
        assert!(error.to_string().contains("268435457 bytes"), "{error}");
        assert!(error.hints().concat().contains("several archives"));
    }
    assert!(tree.add_leaf(b"n", file()).is_err(), "`d` took it");
}

#[test]
fn the_root_is_given_once_and_counts_for_nothing() {
    let mut tree = tree_of(&["f"]);
    let time = file().time;
    assert_eq!(tree.add_directory(b"", 0o755, time).unwrap(), 0);
    assert_eq!(tree.entries(), 1);
    // Whatever comes in between.
    tree.add_leaf(b"d/f", file()).unwrap();
    let error = tree.add_directory(b"", 0o755, time).unwrap_err();
    assert_eq!(error.to_string(), "the entry `.` is in the archive twice");
}

#[test]
fn what_is_there_already_counts_no_more() {
    let mut tree = Tree::new(
        &Limits {
            entries: 2,
            ..LIMITS
        },
        1,
    );
    let time = file().time;
    tree.add_directory(b"d", 0o755, time).unwrap();
    tree.add_leaf(b"d/1", file()).unwrap();
    // It is the second entry of `d` that is wrong, and not their number.
    let error = tree.add_directory(b"d", 0o755, time).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_HOSTILE", "{error}");
    for error in [
        tree.add_leaf(b"d/2", file()).unwrap_err(),
        tree.add_directory(b"e", 0o755, time).unwrap_err(),
        tree.add_directory_in(0, b"f", 0o755, time).unwrap_err(),
    ] {
        assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT", "{error}");
    }
    assert_eq!(tree.entries(), 2);
}
