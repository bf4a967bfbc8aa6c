//! Lists that are none: an error, and nothing worse.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;

use fuselage_archive::{ArchiveError, compare};
use proptest::prelude::*;

use crate::compared::Compared;
use crate::mutations::more;
use crate::zip_builder::{directory, file, link, zip};

fn tree() -> Compared {
    let archive = zip(&[
        file("a/b/f", b"four"),
        directory("a", 0o755),
        file("a/c", b""),
        link("l", "a/c"),
    ]);
    Compared::of("zip", &archive, 1)
}

fn with_list(tree: &Compared, list: &[u8]) -> Result<usize, ArchiveError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(list).unwrap();
    let root = File::open(tree.place.root()).unwrap();
    compare(root.as_fd(), file.as_fd(), 2, None, 100).map(|found| found.len())
}

#[test]
fn a_list_that_is_no_tree_is_refused() {
    let tree = tree();
    let list = |records: &[&str]| {
        let records: Vec<&str> = [&["fuselage list 1", "d 0 777 - "], records].concat();
        format!("{}\0", records.join("\0"))
    };
    let refused = |records: &[&str], why: &str| {
        let error = with_list(&tree, list(records).as_bytes()).unwrap_err();
        assert_eq!(error.code(), "ERR_CACHE_VERIFY");
        assert!(error.to_string().ends_with(why), "{error}");
    };
    // The twin.
    with_list(&tree, list(&["d 1 755 - a", "d 2 755 - b"]).as_bytes()).unwrap();
    refused(
        &["d 1 755 - a", "d 1 755 - a"],
        "is not in the order of names",
    );
    refused(
        &["d 1 755 - a", "d 2 755 - d", "d 1 755 - Z"],
        "is not in the order of names",
    );
    refused(&["d 2 755 - a"], "is in no directory");
    refused(
        &["l 1 5.000000000 l/t", "d 2 755 - a"],
        "is in no directory",
    );
    refused(&["d 1 755 - a", "d 3 755 - a"], "is in no directory");
    refused(&["d 0 755 - "], "is another root");
    refused(&["d 1 755 - .."], "is no entry of a tree");
    refused(&["d 1 755 - a/b"], "is no entry of a tree");
    let none = with_list(&tree, b"fuselage list 1\0").unwrap_err();
    assert!(
        none.to_string().ends_with("is not the root of the tree"),
        "{none}"
    );
    let other = with_list(&tree, b"fuselage list 1\0d 1 755 - a\0").unwrap_err();
    assert!(
        other.to_string().ends_with("is not the root of the tree"),
        "{other}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(more(300)))]

    #[test]
    fn whatever_bytes_are_no_list(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let list = [&b"fuselage list 1\0d 0 777 - \0"[..], &bytes].concat();
        let _ = with_list(&tree(), &bytes).unwrap_err();
        let _ = with_list(&tree(), &list);
    }

    #[test]
    fn a_changed_byte_gives_an_error_or_differences(
        at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let tree = tree();
        let mut list = tree.text().into_bytes();
        let at = at.index(list.len());
        prop_assume!(list[at] != byte);
        // A file that has a number, as those of several names have, and no other name.
        prop_assume!(!(list[at] == b'-' && byte.is_ascii_digit()));
        list[at] = byte;
        prop_assert!(with_list(&tree, &list).map_or(true, |found| found > 0));
    }

    #[test]
    fn a_list_that_was_cut_off_gives_an_error_or_what_is_not_in_it(
        length in any::<prop::sample::Index>(),
    ) {
        let tree = tree();
        let list = tree.text().into_bytes();
        let list = &list[..length.index(list.len())];
        prop_assert!(with_list(&tree, list).map_or(true, |found| found > 0));
    }
}
