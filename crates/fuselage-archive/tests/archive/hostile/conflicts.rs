//! Attacks by several entries at one path: tools that take the first and tools that take the last
//! differ, and a link lets the second one write somewhere else.

use crate::hostile::matrix::{
    Attack, Cell, DAMAGED, HOSTILE, Node, a_directory, a_file, a_link, allowed, cannot_hold,
    refused,
};
use crate::squashfs_builder::{self, FILE, Image};
use crate::zip_builder::{self, directory, file, link, zip};

const TWICE: &str = "is in the archive twice";
const BELOW: &str = "is a file or a link, and other entries lie below it";

/// An image with the entries that `make` makes in its root.
pub(crate) fn image(make: impl FnOnce(&mut Image) -> Vec<squashfs_builder::Entry>) -> Vec<u8> {
    let mut image = Image::new();
    let entries = make(&mut image);
    image.with_root(&entries)
}

fn says(entry: &str, what: &str) -> String {
    format!("the entry `{entry}` {what}")
}

/// Both entries have the name `l`, or the second one has another.
fn pair(
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

fn a_link_outside(image: &mut Image) -> squashfs_builder::Entry {
    image.symlink("", b"../outside")
}

fn a_directory_of_precious(image: &mut Image) -> squashfs_builder::Entry {
    let precious = image.file("precious", b"gone");
    image.directory("", &[precious])
}

fn zips(
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

fn through_links() -> Vec<Attack> {
    let beside = || {
        vec![
            a_link("l", b"../outside"),
            a_directory("m"),
            a_file("m/precious", b"gone"),
        ]
    };
    vec![
        Attack {
            name: "a link, then a file written through it",
            zip: zips(
                says("l", BELOW),
                &[link("l", "../outside"), file("l/precious", b"gone")],
                &[link("l", "../outside"), file("m/precious", b"gone")],
                beside(),
            ),
            squashfs: pair(a_link_outside, a_directory_of_precious, beside()),
        },
        Attack {
            name: "a file, then a link in place of its directory",
            zip: zips(
                says("l", TWICE),
                &[file("l/precious", b"gone"), link("l", "../outside")],
                &[file("l/precious", b"gone"), link("m", "../outside")],
                vec![
                    a_directory("l"),
                    a_file("l/precious", b"gone"),
                    a_link("m", b"../outside"),
                ],
            ),
            squashfs: pair(
                a_directory_of_precious,
                a_link_outside,
                vec![
                    a_directory("l"),
                    a_file("l/precious", b"gone"),
                    a_link("m", b"../outside"),
                ],
            ),
        },
        Attack {
            name: "a link to a file, then the file written over it",
            zip: zips(
                says("l", TWICE),
                &[link("l", "../outside/precious"), file("l", b"gone")],
                &[link("l", "../outside/precious"), file("m", b"gone")],
                vec![a_link("l", b"../outside/precious"), a_file("m", b"gone")],
            ),
            squashfs: pair(
                |image| image.symlink("", b"../outside/precious"),
                |image| image.file("", b"gone"),
                vec![a_link("l", b"../outside/precious"), a_file("m", b"gone")],
            ),
        },
        Attack {
            name: "a directory over a link",
            zip: zips(
                says("l", BELOW),
                &[link("l", "../outside"), directory("l", 0o777)],
                &[link("l", "../outside"), directory("m", 0o755)],
                vec![a_link("l", b"../outside"), a_directory("m")],
            ),
            squashfs: pair(
                a_link_outside,
                |image| image.directory("", &[]),
                vec![a_link("l", b"../outside"), a_directory("m")],
            ),
        },
        Attack {
            name: "a link over a directory",
            zip: zips(
                says("l", TWICE),
                &[directory("l", 0o755), link("l", "../outside")],
                &[directory("l", 0o755), link("m", "../outside")],
                vec![a_directory("l"), a_link("m", b"../outside")],
            ),
            squashfs: pair(
                |image| image.directory("", &[]),
                a_link_outside,
                vec![a_directory("l"), a_link("m", b"../outside")],
            ),
        },
        Attack {
            name: "an absolute link, then a file written through it",
            zip: zips(
                says("l", BELOW),
                &[link("l", "/"), file("l/fuselage-hostile", b"gone")],
                &[link("l", "/"), file("m/fuselage-hostile", b"gone")],
                vec![
                    a_link("l", b"/"),
                    a_directory("m"),
                    a_file("m/fuselage-hostile", b"gone"),
                ],
            ),
            squashfs: pair(
                |image| image.symlink("", b"/"),
                a_directory_of_precious,
                vec![
                    a_link("l", b"/"),
                    a_directory("m"),
                    a_file("m/precious", b"gone"),
                ],
            ),
        },
        Attack {
            name: "a link to /proc/self/cwd, then a file written through it",
            zip: zips(
                says("l", BELOW),
                &[
                    link("l", "/proc/self/cwd"),
                    file("l/fuselage-hostile", b"gone"),
                ],
                &[
                    link("l", "/proc/self/cwd"),
                    file("m/fuselage-hostile", b"gone"),
                ],
                vec![
                    a_link("l", b"/proc/self/cwd"),
                    a_directory("m"),
                    a_file("m/fuselage-hostile", b"gone"),
                ],
            ),
            squashfs: pair(
                |image| image.symlink("", b"/proc/self/cwd"),
                a_directory_of_precious,
                vec![
                    a_link("l", b"/proc/self/cwd"),
                    a_directory("m"),
                    a_file("m/precious", b"gone"),
                ],
            ),
        },
    ]
}

fn chains() -> Vec<Attack> {
    let targets: [(&str, &str); 5] = [
        ("circle-a", "circle-b"),
        ("circle-b", "circle-a"),
        ("itself", "itself"),
        ("proc", "/proc/self/fd/0"),
        ("root", "/proc/self/root/etc/passwd"),
    ];
    let nodes = || {
        targets
            .iter()
            .map(|(name, target)| a_link(name, target.as_bytes()))
            .collect()
    };
    let chain = || vec![a_link("l", b"next"), a_link("next", b"../outside")];
    vec![
        Attack {
            name: "a chain of links, then a file written through it",
            zip: zips(
                says("l", BELOW),
                &[
                    link("l", "next"),
                    link("next", "../outside"),
                    file("l/precious", b"gone"),
                ],
                &[link("l", "next"), link("next", "../outside")],
                chain(),
            ),
            squashfs: {
                let with = |count: usize| {
                    image(|image| {
                        let precious = image.file("precious", b"gone");
                        let entries = [
                            image.symlink("l", b"next"),
                            image.symlink("next", b"../outside"),
                            image.directory("l", &[precious]),
                        ];
                        entries[..count].to_vec()
                    })
                };
                refused(HOSTILE, says("l", TWICE), with(3), with(2), chain())
            },
        },
        Attack {
            name: "links that stay inside and together lead out",
            zip: zips(
                says("d/up", BELOW),
                &[
                    link("d/up", ".."),
                    link("up", ".."),
                    file("d/up/up/outside/precious", b"gone"),
                ],
                &[
                    link("d/up", ".."),
                    link("up", ".."),
                    file("d/on/up/outside/precious", b"gone"),
                ],
                vec![
                    a_directory("d"),
                    a_directory("d/on"),
                    a_directory("d/on/up"),
                    a_directory("d/on/up/outside"),
                    a_file("d/on/up/outside/precious", b"gone"),
                    a_link("d/up", b".."),
                    a_link("up", b".."),
                ],
            ),
            squashfs: {
                let with = |name: &str| {
                    image(|image| {
                        let up = image.symlink("up", b"..");
                        let precious = image.file("precious", b"gone");
                        let outside = image.directory("outside", &[precious]);
                        let on = image.directory(name, &[outside]);
                        vec![image.directory("d", &[up, on]), image.symlink("up", b"..")]
                    })
                };
                let nodes = vec![
                    a_directory("d"),
                    a_directory("d/on"),
                    a_directory("d/on/outside"),
                    a_file("d/on/outside/precious", b"gone"),
                    a_link("d/up", b".."),
                    a_link("up", b".."),
                ];
                refused(HOSTILE, says("d/up", TWICE), with("up"), with("on"), nodes)
            },
        },
        Attack {
            name: "links in a circle, and into /proc/self",
            zip: {
                let entries = targets.map(|(name, target)| link(name, target));
                allowed(zip(&entries), nodes())
            },
            squashfs: {
                let made = image(|image| {
                    targets
                        .iter()
                        .map(|(name, target)| image.symlink(name, target.as_bytes()))
                        .collect()
                });
                allowed(made, nodes())
            },
        },
    ]
}
