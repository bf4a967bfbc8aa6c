//! Local headers that say something else than the central directory: tools that believe one and
//! tools that believe the other would see two archives.

use crate::place::{LIMITS, Place};
use crate::zip_builder::{Entry, directory, file, zip};

/// The message for an archive of `entry` whose bytes at `at` were replaced.
fn refused(entry: &Entry, at: usize, bytes: &[u8]) -> String {
    let mut archive = zip(std::slice::from_ref(entry));
    Place::new().extract(&archive).unwrap();
    archive[at..at + bytes.len()].copy_from_slice(bytes);
    let place = Place::new();
    let error = place.extract(&archive).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED");
    assert!(
        place
            .tree()
            .values()
            .all(|(_, _, content)| content.is_empty())
    );
    error.to_string()
}

fn told(what: &str, local: &str, central: &str) -> String {
    format!(
        "the entry `name` has two values of its {what}: `{local}` in its local header, \
         `{central}` in the central directory"
    )
}

/// Small, large enough to be unpacked in its file, and streamed.
fn entries() -> Vec<Entry> {
    let large: Vec<u8> = (0..400_000u32)
        .flat_map(|n| (n / 3).to_le_bytes())
        .collect();
    vec![
        file("name", b"some content"),
        file("name", &large),
        Entry {
            method: 0,
            ..file("name", &large)
        },
    ]
}

#[test]
fn both_values_are_named() {
    for entry in entries() {
        let size = entry.content.len() as u32;
        let method = entry.method.to_string();
        let crc = format!("{:08x}", libdeflater::crc32(&entry.content));
        let packed = match entry.method {
            0 => size,
            _ => crate::zip_builder::deflate(&entry.content).len() as u32,
        };
        let cases: [(usize, &[u8], String); 6] = [
            (6, &[1], told("encryption", "on", "none")),
            (8, &[12], told("compression method", "12", &method)),
            (14, &7u32.to_le_bytes(), told("checksum", "00000007", &crc)),
            (
                18,
                &3u32.to_le_bytes(),
                told("compressed size", "3", &packed.to_string()),
            ),
            (
                22,
                &9u32.to_le_bytes(),
                told("size", "9", &size.to_string()),
            ),
            (30, b"game", told("name", "game", "name")),
        ];
        for (at, bytes, message) in cases {
            assert_eq!(refused(&entry, at, bytes), message);
        }
    }
}

#[test]
fn headers_of_directories_are_compared_too() {
    let told = |what: &str, local: &str, central: &str| {
        told(what, local, central).replace("`name` has", "`name/` has")
    };
    let name = Entry {
        extra: Vec::new(),
        ..directory("name", 0o755)
    };
    let long = Entry {
        extra: vec![0; 300],
        ..name.clone()
    };
    for entry in [directory("name", 0o755), name, long] {
        let cases: [(usize, &[u8], String); 7] = [
            (6, &[1], told("encryption", "on", "none")),
            (8, &[8], told("compression method", "8", "0")),
            (14, &[7], told("checksum", "00000007", "00000000")),
            (18, &[3], told("compressed size", "3", "0")),
            (22, &[9], told("size", "9", "0")),
            (30, b"game", told("name", "game/", "name/")),
            (
                0,
                b"XX",
                "the entry `name/` has no local header where it should be".to_owned(),
            ),
        ];
        for (at, bytes, message) in cases {
            assert_eq!(refused(&entry, at, bytes), message);
        }
    }
    // Spelt otherwise than in the tree, and the root.
    for spelt in ["./name/", "name", "./"] {
        let entry = Entry {
            name: spelt.into(),
            ..directory("", 0o755)
        };
        let shown = format!("X{}", &spelt[1..]);
        let message = format!("its name: `{shown}` in its local header, `{spelt}`");
        assert!(refused(&entry, 30, b"X").contains(&message));
    }
}

#[test]
fn the_first_of_many_directories_that_disagree_is_told() {
    let mut entries: Vec<Entry> = (0..300)
        .map(|number| directory(&number.to_string(), 0o755))
        .collect();
    Place::new().extract(&zip(&entries)).unwrap();
    for (number, first) in [(299, 299), (150, 150), (151, 150)] {
        entries[number].local_name = Some(b"7/".to_vec());
        let error = Place::new().extract_with(&zip(&entries), LIMITS, 1, None);
        let message = format!("the entry `{first}/` has two values of its name");
        assert!(error.unwrap_err().to_string().starts_with(&message));
    }
}

#[test]
fn sizes_of_zip64_are_compared_too_wherever_their_field_stands() {
    for entry in entries() {
        for padding in [0, 300] {
            let mut extra = entry.extra.clone();
            extra.extend([0x99, 0x99]);
            extra.extend((padding as u16).to_le_bytes());
            extra.resize(extra.len() + padding, 0);
            let entry = Entry {
                zip64: true,
                extra,
                ..entry.clone()
            };
            let size = entry.content.len() as u64;
            let field = 30 + 4 + entry.extra.len() + 4;
            let message = refused(&entry, field, &(size + 1).to_le_bytes());
            let (local, central) = ((size + 1).to_string(), size.to_string());
            assert_eq!(message, told("size", &local, &central), "{padding}");
            let message = refused(&entry, field + 8, &[0; 8]);
            assert!(
                message.contains("compressed size: `0` in its local header"),
                "{message}"
            );
        }
    }
}

#[test]
fn what_stands_behind_the_data_is_not_compared() {
    for entry in entries() {
        let entry = Entry { flags: 8, ..entry };
        Place::new().extract(&zip(&[entry])).unwrap();
    }
}
