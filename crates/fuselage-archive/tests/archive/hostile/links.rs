//! Attacks by links through which something else is written.

use crate::hostile::conflicts::{BELOW, TWICE, image, pair, says, zips};
use crate::hostile::matrix::{Attack, HOSTILE, a_directory, a_file, a_link, allowed, refused};
use crate::squashfs_builder::{self, Image};
use crate::zip_builder::{directory, file, link, zip};

fn a_link_outside(image: &mut Image) -> squashfs_builder::Entry {
    image.symlink("", b"../outside")
}

fn a_directory_of_precious(image: &mut Image) -> squashfs_builder::Entry {
    let precious = image.file("precious", b"gone");
    image.directory("", &[precious])
}

pub(crate) fn through_links() -> Vec<Attack> {
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
                says("l", BELOW),
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
                says("l", TWICE),
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

pub(crate) fn chains() -> Vec<Attack> {
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
