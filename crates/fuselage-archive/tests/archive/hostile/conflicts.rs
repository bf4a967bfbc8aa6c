//! Attacks by several entries at one path: tools that take the first and tools that take the last
//! differ, and a link lets the second one write somewhere else.

use crate::hostile::links::{chains, through_links};
use crate::hostile::matrix::{
    Attack, Cell, DAMAGED, HOSTILE, Node, a_directory, a_file, cannot_hold, refused,
};
use crate::squashfs_builder::{self, FILE, Image};
use crate::zip_builder::{self, directory, file, zip};

pub(crate) const TWICE: &str = "is in the archive twice";
pub(crate) const BELOW: &str = "is a file or a link, and other entries lie below it";

/// An image with the entries that `make` makes in its root.
pub(crate) fn image(make: impl FnOnce(&mut Image) -> Vec<squashfs_builder::Entry>) -> Vec<u8> {
    let mut image = Image::new();
    let entries = make(&mut image);
    image.with_root(&entries)
}

pub(crate) fn says(entry: &str, what: &str) -> String {
    format!("the entry `{entry}` {what}")
}

/// Both entries have the name `l`, or the second one has another.
pub(crate) fn pair(
    first: fn(&mut Image) -> squashfs_builder::Entry,
    second: fn(&mut Image) -> squashfs_builder::Entry,
    nodes: Vec<Node>,
) -> Cell {
    let with = |name: &str| {
        image(|image| {
            let entries = [first(image), second(image)];
            let [first, second] = entries.map(|entry| entry);
            vec![
                squashfs_builder::Entry {
                    name: b"l".to_vec(),
                    ..first
                },
                squashfs_builder::Entry {
                    name: name.into(),
                    ..second
                },
            ]
        })
    };
    refused(HOSTILE, says("l", TWICE), with("l"), with("m"), nodes)
}

pub(crate) fn zips(
    message: String,
    attack: &[zip_builder::Entry],
    twin: &[zip_builder::Entry],
    nodes: Vec<Node>,
) -> Cell {
    refused(HOSTILE, message, zip(attack), zip(twin), nodes)
}

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = twice();
    attacks.extend(through_links());
    attacks.extend(chains());
    attacks
}

fn twice() -> Vec<Attack> {
    vec![
        Attack {
            name: "two files of one name",
            zip: zips(
                says("l", TWICE),
                &[file("l", b"1"), file("l", b"2")],
                &[file("l", b"1"), file("m", b"2")],
                vec![a_file("l", b"1"), a_file("m", b"2")],
            ),
            squashfs: pair(
                |image| image.file("", b"1"),
                |image| image.file("", b"2"),
                vec![a_file("l", b"1"), a_file("m", b"2")],
            ),
        },
        Attack {
            name: "two files of one name that is spelt in two ways",
            zip: zips(
                says("a/l", TWICE),
                &[file("a/l", b"1"), file("a//./l", b"2")],
                &[file("a/l", b"1"), file("a//./m", b"2")],
                vec![a_directory("a"), a_file("a/l", b"1"), a_file("a/m", b"2")],
            ),
            squashfs: cannot_hold("a name is one component, spelt in one way"),
        },
        Attack {
            name: "one file twice by one name",
            zip: cannot_hold("an entry has data of its own; what shares it overlaps"),
            squashfs: {
                let with = |second: &str| {
                    image(|image| {
                        let first = image.file("l", b"1");
                        let second = squashfs_builder::Entry {
                            name: second.into(),
                            ..first.clone()
                        };
                        vec![first, second]
                    })
                };
                let nodes = vec![a_file("l", b"1"), a_file("m", b"1")];
                refused(HOSTILE, says("l", TWICE), with("l"), with("m"), nodes)
            },
        },
        Attack {
            name: "two directories of one name",
            zip: zips(
                says("l", TWICE),
                &[directory("l", 0o755), directory("l", 0o755)],
                &[directory("l", 0o755), directory("m", 0o755)],
                vec![a_directory("l"), a_directory("m")],
            ),
            squashfs: pair(
                |image| image.directory("", &[]),
                |image| image.directory("", &[]),
                vec![a_directory("l"), a_directory("m")],
            ),
        },
        Attack {
            name: "the root directory twice",
            zip: zips(
                says(".", TWICE),
                &[
                    directory(".", 0o755),
                    file("l", b"1"),
                    directory("./.", 0o755),
                ],
                &[directory(".", 0o755), file("l", b"1")],
                vec![a_file("l", b"1")],
            ),
            squashfs: cannot_hold("its superblock names one root"),
        },
        Attack {
            name: "a file and a directory of one name",
            zip: zips(
                says("l", TWICE),
                &[directory("l", 0o755), file("l", b"1")],
                &[directory("l", 0o755), file("m", b"1")],
                vec![a_directory("l"), a_file("m", b"1")],
            ),
            squashfs: pair(
                |image| image.directory("", &[]),
                |image| image.file("", b"1"),
                vec![a_directory("l"), a_file("m", b"1")],
            ),
        },
        Attack {
            name: "a file under a file",
            zip: zips(
                says("l", BELOW),
                &[file("l", b"1"), file("l/below", b"2")],
                &[file("l", b"1"), file("m/below", b"2")],
                vec![a_file("l", b"1"), a_directory("m"), a_file("m/below", b"2")],
            ),
            // What lies below an entry is in its inode: the entry may only lie about its type.
            squashfs: {
                let with = |change: fn(&mut squashfs_builder::Entry)| {
                    image(|image| {
                        let below = image.file("below", b"2");
                        let mut entry = image.directory("l", &[below]);
                        change(&mut entry);
                        vec![entry]
                    })
                };
                let message = says("l", "is not what its directory says that it is");
                let nodes = vec![a_directory("l"), a_file("l/below", b"2")];
                let attack = with(|entry| entry.kind = FILE);
                refused(DAMAGED, message, attack, with(|_| {}), nodes)
            },
        },
    ]
}
