//! Lists of entries made up at random: none writes outside, and honest ones come out exactly.

use proptest::prelude::*;

use crate::place::Place;
use crate::zip_builder::{Entry, entry, file, zip};

#[test]
fn an_archive_that_was_cut_off_says_so() {
    let bytes = zip(&[file("a", &[b'x'; 5000])]);
    for length in [0, 3, 21, 50, bytes.len() - 30, bytes.len() - 1] {
        let error = Place::new().extract(&bytes[..length]).unwrap_err();
        assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{length}: {error}");
    }
}

fn component() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => "[abc]",
        1 => Just("..".to_owned()),
        1 => Just(".".to_owned()),
        1 => Just(String::new()),
        1 => Just("outside".to_owned()),
        1 => Just("precious".to_owned()),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let name = prop::collection::vec(component(), 1..4).prop_map(|parts| parts.join("/"));
    let target = prop_oneof![
        Just("../outside".to_owned()),
        Just("../../outside/precious".to_owned()),
        Just("a".to_owned()),
        Just("/".to_owned())
    ];
    let mode = prop_oneof![
        4 => Just(0o100_644u32),
        3 => Just(0o120_777),
        2 => Just(0o040_700),
        1 => any::<u16>().prop_map(u32::from),
    ];
    (name, target, mode).prop_map(|(name, target, mode)| entry(&name, target.as_bytes(), mode))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::mutations::more(300)))]

    #[test]
    fn no_list_of_entries_writes_outside(entries in prop::collection::vec(any_entry(), 0..8)) {
        let place = Place::new();
        let outside = place.outside();
        let _ = place.extract(&zip(&entries));
        prop_assert_eq!(place.outside(), outside);
    }

    #[test]
    fn what_is_harmless_comes_out_exactly(
        files in prop::collection::btree_map("[abc]{1,2}/[def]{1,3}", prop::collection::vec(any::<u8>(), 0..2000), 0..12),
        jobs in 1usize..5,
    ) {
        let entries: Vec<Entry> =
            files.iter().map(|(name, content)| file(name, content)).collect();
        let place = Place::new();
        place.extract_with(&zip(&entries), crate::place::LIMITS, jobs, None).unwrap();
        let mut tree = place.tree();
        tree.retain(|_, (mode, _, _)| *mode & 0o170_000 == 0o100_000);
        let found: Vec<_> = tree.into_iter().map(|(name, (_, _, content))| (name, content)).collect();
        let expected: Vec<_> =
            files.into_iter().map(|(name, content)| (name.into_bytes(), content)).collect();
        prop_assert_eq!(found, expected);
    }
}
