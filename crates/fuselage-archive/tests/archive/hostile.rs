//! Entries that no honest archive has are refused by name, and nothing outside is touched.

use fuselage_archive::ArchiveError;
use proptest::prelude::*;

use crate::place::Place;
use crate::zip_builder::{Entry, directory, entry, file, link, zip};

fn refusal(entries: &[Entry]) -> ArchiveError {
    let place = Place::new();
    let outside = place.outside();
    let error = place.extract(&zip(entries)).expect_err("it is hostile");
    assert_eq!(place.outside(), outside);
    error
}

#[test]
fn each_attack_is_named() {
    let deep = "d/".repeat(70) + "f";
    let long = "n".repeat(256);
    let attacks: Vec<(&str, &str, Vec<Entry>)> = vec![
        ("HOSTILE", "../out", vec![file("../out", b"x")]),
        ("HOSTILE", "a/../../out", vec![file("a/../../out", b"x")]),
        ("HOSTILE", "/etc/x", vec![file("/etc/x", b"x")]),
        (
            "HOSTILE",
            "twice",
            vec![file("twice", b"1"), file("./twice", b"2")],
        ),
        (
            "HOSTILE",
            "twice",
            vec![file("twice", b"1"), directory("twice", 0o755)],
        ),
        (
            "HOSTILE",
            "l",
            vec![link("l", "../outside"), file("l/precious", b"gone")],
        ),
        (
            "HOSTILE",
            "l",
            vec![file("l/precious", b"gone"), link("l", "../outside")],
        ),
        ("HOSTILE", "f", vec![file("f", b""), file("f/below", b"x")]),
        ("HOSTILE", "fifo", vec![entry("fifo", b"", 0o010_644)]),
        ("HOSTILE", "disk", vec![entry("disk", b"", 0o060_644)]),
        ("HOSTILE", "socket", vec![entry("socket", b"", 0o140_644)]),
        ("HOSTILE", "a\0b", vec![file("a\0b", b"x")]),
        ("HOSTILE", "l", vec![link("l", "a\0b")]),
        ("DAMAGED", "l", vec![link("l", "")]),
        ("DAMAGED", "l", vec![link("l", &"t".repeat(5000))]),
        ("LIMIT", &long, vec![file(&long, b"x")]),
        ("LIMIT", "levels", vec![file(&deep, b"x")]),
        (
            "ENCRYPTED",
            "e",
            vec![Entry {
                flags: 1,
                ..file("e", b"x")
            }],
        ),
        (
            "UNSUPPORTED",
            "method 6",
            vec![Entry {
                method: 6,
                ..file("m", b"x")
            }],
        ),
        (
            "DAMAGED",
            "sum",
            vec![Entry {
                crc: Some(7),
                ..file("sum", b"x")
            }],
        ),
        (
            "DAMAGED",
            "less",
            vec![Entry {
                size: Some(9),
                ..file("less", b"x")
            }],
        ),
        (
            "DAMAGED",
            "more",
            vec![Entry {
                size: Some(1),
                ..file("more", &[b'x'; 9000])
            }],
        ),
        (
            "DAMAGED",
            "n",
            vec![Entry {
                local_name: Some(b"m".to_vec()),
                ..file("n", b"x")
            }],
        ),
        (
            "DAMAGED",
            "p",
            vec![Entry {
                packed: Some(vec![0xff; 9]),
                ..file("p", b"x")
            }],
        ),
    ];
    for (code, named, entries) in attacks {
        let error = refusal(&entries);
        assert_eq!(
            error.code(),
            format!("ERR_ARCHIVE_{code}"),
            "{named}: {error}"
        );
        assert!(error.to_string().contains(named), "{named}: {error}");
    }
}

#[test]
fn the_harmless_twins_are_accepted() {
    for entries in [
        vec![file("..out", b"x"), file("a/..b/out", b"x")],
        vec![file("twice", b"1"), file("Twice", b"2")],
        vec![directory("d", 0o755), file("d/x", b"x")],
        vec![file("d/x", b"x"), directory("d", 0o755)],
        vec![link("l", "../outside"), file("m/precious", b"kept")],
        vec![link("l", &"t".repeat(4000))],
    ] {
        Place::new().extract(&zip(&entries)).unwrap();
    }
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut bytes = zip(&[file("a", b"one"), file("b", b"two")]);
    let second = find(&bytes, b"PK\x01\x02", 1);
    bytes[second + 42..second + 46].copy_from_slice(&[0; 4]);
    let place = Place::new();
    let error = place.extract(&bytes).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
    assert!(place.tree().is_empty(), "found before anything was written");
}

#[test]
fn an_archive_that_was_cut_off_says_so() {
    let bytes = zip(&[file("a", &[b'x'; 5000])]);
    for length in [0, 3, 21, 50, bytes.len() - 30, bytes.len() - 1] {
        let error = Place::new().extract(&bytes[..length]).unwrap_err();
        assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{length}: {error}");
    }
}

fn find(bytes: &[u8], magic: &[u8], nth: usize) -> usize {
    (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(magic))
        .nth(nth)
        .unwrap()
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
