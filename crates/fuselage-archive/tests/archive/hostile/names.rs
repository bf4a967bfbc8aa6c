//! Attacks by the names of entries.

use fuselage_archive::Limits;

use crate::hostile::matrix::{
    Attack, Cell, DAMAGED, DEFAULTS, HOSTILE, LIMIT, Node, a_directory, a_file, allowed,
    allowed_entries, cannot_hold, refused,
};
use crate::squashfs_builder::{self, Image};
use crate::zip_builder::{Entry, file, zip};

const CONTENT: &[u8] = b"content";

/// A zip of one file.
fn zip_of(name: impl AsRef<[u8]>) -> Vec<u8> {
    zips_of(&[name.as_ref()])
}

fn zips_of(names: &[&[u8]]) -> Vec<u8> {
    let entries: Vec<Entry> = names.iter().map(|name| named(name)).collect();
    zip(&entries)
}

fn named(name: &[u8]) -> Entry {
    Entry {
        name: name.to_vec(),
        ..file("", CONTENT)
    }
}

/// A zip of one file that MS-DOS made.
fn of_windows(name: &str) -> Vec<u8> {
    zip(&[Entry {
        mode: None,
        ..file(name, CONTENT)
    }])
}

/// An image of one file in its root.
fn image_of(name: impl AsRef<[u8]>) -> Vec<u8> {
    images_of(&[name.as_ref()])
}

fn images_of(names: &[&[u8]]) -> Vec<u8> {
    let mut image = Image::new();
    let entries: Vec<_> = names
        .iter()
        .map(|name| squashfs_builder::Entry {
            name: name.to_vec(),
            ..image.file("", CONTENT)
        })
        .collect();
    image.with_root(&entries)
}

/// An image of one file below directories.
fn deep_image(directories: &[&str], name: &str) -> Vec<u8> {
    let mut image = Image::new();
    let mut inner = image.file(name, CONTENT);
    for directory in directories.iter().rev() {
        inner = image.directory(directory, &[inner]);
    }
    image.with_root(&[inner])
}

/// The file at `path`, and the directories on the way to it.
fn below(path: impl AsRef<[u8]>) -> Vec<Node> {
    let path = path.as_ref();
    let slashes = (0..path.len()).filter(|at| path[*at] == b'/');
    slashes
        .map(|at| a_directory(&path[..at]))
        .chain([a_file(path, CONTENT)])
        .collect()
}

fn says(entry: &str, what: &str) -> String {
    format!("the entry `{entry}` {what}")
}

fn zip_refused(bad: &str, what: &str, good: &str) -> Cell {
    let (attack, twin) = (zip_of(bad), zip_of(good));
    refused(HOSTILE, says(bad, what), attack, twin, below(good))
}

fn image_refused(bad: &str, what: &str, good: &str) -> Cell {
    let (attack, twin) = (image_of(bad), image_of(good));
    refused(HOSTILE, says(bad, what), attack, twin, below(good))
}

fn both_allowed(name: &'static str, names: &[&[u8]]) -> Attack {
    let nodes = || names.iter().map(|name| a_file(name, CONTENT)).collect();
    Attack {
        name,
        zip: allowed(zips_of(names), nodes()),
        squashfs: allowed(images_of(names), nodes()),
    }
}

const DOT_DOT: &str = "has a `..` in its path";
const STANDS: &str = "has a name that stands for a directory";
const IN_PLACE_OF_ROOT: &str = "is a file or a link and would stand in place of the root directory";
const SLASH: &str = "has a `/` in its name";
const NUL: &str = "has a NUL byte in its name";
const SEPARATES: &str = "a `/` separates the components of a path";

pub(crate) fn attacks() -> Vec<Attack> {
    [leading_elsewhere(), odd(), long_and_deep()]
        .into_iter()
        .flatten()
        .collect()
}

fn leading_elsewhere() -> Vec<Attack> {
    vec![
        Attack {
            name: "traversal: `..` at the beginning",
            zip: zip_refused("../outside/precious", DOT_DOT, "..outside/precious"),
            squashfs: image_refused("../outside/precious", SLASH, "..outside"),
        },
        Attack {
            name: "traversal: `..` in the middle",
            zip: zip_refused("a/../../outside/precious", DOT_DOT, "a/..b/c../precious"),
            squashfs: refused(
                HOSTILE,
                says("a/..", STANDS),
                deep_image(&["a", "..", "..", "outside"], "precious"),
                deep_image(&["a", "..b", "c..", "outside"], "precious"),
                below("a/..b/c../outside/precious"),
            ),
        },
        Attack {
            name: "traversal: `..` at the end",
            zip: zip_refused("a/..", DOT_DOT, "a/..."),
            squashfs: image_refused("..", STANDS, "..."),
        },
        Attack {
            name: "a file named `.`",
            zip: refused(
                HOSTILE,
                says(".", IN_PLACE_OF_ROOT),
                zip_of("."),
                zip_of(".a"),
                below(".a"),
            ),
            squashfs: image_refused(".", STANDS, ".a"),
        },
        Attack {
            name: "a file without a name",
            zip: refused(
                HOSTILE,
                format!("an entry without a name {IN_PLACE_OF_ROOT}"),
                zip_of(""),
                zip_of(" "),
                below(" "),
            ),
            squashfs: cannot_hold("the length of a name is stored less one: it is never empty"),
        },
        Attack {
            name: "absolute path",
            zip: zip_refused(
                "/fuselage-hostile/out",
                "has an absolute path",
                "fuselage-hostile/out",
            ),
            squashfs: image_refused("/fuselage-hostile", SLASH, "fuselage-hostile"),
        },
        Attack {
            name: "`/` within a component",
            zip: cannot_hold(SEPARATES),
            squashfs: image_refused("a/b", SLASH, "ab"),
        },
        Attack {
            name: "`\\` as a separator of Windows, and `..`",
            zip: refused(
                HOSTILE,
                says("a/../../outside/precious", DOT_DOT),
                of_windows(r"a\..\..\outside\precious"),
                of_windows(r"a\..b\..c\outside\precious"),
                below("a/..b/..c/outside/precious"),
            ),
            squashfs: cannot_hold("`\\` never separates there"),
        },
        Attack {
            name: "`\\` as a separator of Windows, absolute",
            zip: refused(
                HOSTILE,
                says("/fuselage-hostile", "has an absolute path"),
                of_windows(r"\fuselage-hostile"),
                of_windows(r"fuselage\hostile"),
                below("fuselage/hostile"),
            ),
            squashfs: cannot_hold("`\\` never separates there"),
        },
        both_allowed(
            "`\\` in names of Unix",
            &[br"..\..\outside\precious", br"\fuselage-hostile", br"a\b"],
        ),
    ]
}

fn odd() -> Vec<Attack> {
    vec![
        Attack {
            name: "NUL byte in a name",
            zip: zip_refused("precious\0.txt", NUL, "precious.txt"),
            squashfs: image_refused("precious\0.txt", NUL, "precious.txt"),
        },
        both_allowed("newline in a name", &[b"a\nb", b"\n", b"a\r\nb"]),
        both_allowed("names of options", &[b"--help", b"-rf", b"-"]),
        Attack {
            name: "a refused name that writes to the terminal",
            zip: zip_refused("\x1b[2J\n/../x", DOT_DOT, "\x1b[2J\n/..x"),
            squashfs: image_refused("\x1b[2J\n/x", SLASH, "\x1b[2J\n"),
        },
        both_allowed(
            "names that are no UTF-8",
            &[b"\xff\xfe", b"caf\xe9", b"\xc0\xaf"],
        ),
        both_allowed("twins but for case", &[b"TWIN", b"Twin", b"twin"]),
        both_allowed(
            "twins but for Unicode normalisation",
            &["e\u{301}".as_bytes(), "\u{e9}".as_bytes()],
        ),
    ]
}

fn long_and_deep() -> Vec<Attack> {
    let n = |length| "n".repeat(length);
    let component = |length: usize| format!("has a component of {length} bytes in its name");
    let parts = |count: usize| vec!["d"; count];
    let wide = n(200);
    let long = |count: usize| vec![&wide[..]; count];
    let path = |parts: Vec<&str>| format!("{}/f", parts.join("/"));
    let ends = |parts: Vec<&str>, what: &str| {
        // The middle of a long name is left out of messages.
        let path = path(parts);
        let (start, end) = (&path[..141], &path[path.len() - 141..]);
        says(&format!("{start}…{end}"), what)
    };
    let (names, deep) = ("has a name of 4222 bytes, more than the 4095", 512);
    let levels = |count: usize| format!("is {count} levels deep, more than the {deep} that");
    let raised = Limits {
        depth: 4001,
        name_length: 8001,
        ..DEFAULTS
    };
    vec![
        both_allowed("a name of 255 bytes", &[n(255).as_bytes()]),
        Attack {
            name: "a name of 256 bytes",
            zip: refused(
                LIMIT,
                says(&n(256), &component(256)),
                zip_of(n(256)),
                zip_of(n(255)),
                below(n(255)),
            ),
            squashfs: refused(
                LIMIT,
                says(&n(256), &component(256)),
                image_of(n(256)),
                image_of(n(255)),
                below(n(255)),
            ),
        },
        Attack {
            name: "the longest name that the format can say",
            zip: refused(
                LIMIT,
                says(
                    &format!("{}…{}", n(141), n(141)),
                    "has a component of 65535 bytes",
                ),
                zip_of(n(65_535)),
                zip_of(n(255)),
                below(n(255)),
            ),
            squashfs: refused(
                DAMAGED,
                "the root of the image has a name of more than 256 bytes",
                image_of(n(65_536)),
                image_of(n(255)),
                below(n(255)),
            ),
        },
        Attack {
            name: "a path longer than PATH_MAX",
            zip: refused(
                LIMIT,
                ends(long(21), names),
                zip_of(path(long(21))),
                zip_of(path(long(19))),
                below(path(long(19))),
            ),
            // The directory above the file is too long already.
            squashfs: refused(
                LIMIT,
                says(
                    &format!("{}…{}", n(141), n(141)),
                    "has a name of 4220 bytes, more than the 4095",
                ),
                deep_image(&long(21), "f"),
                deep_image(&long(19), "f"),
                below(path(long(19))),
            ),
        },
        Attack {
            name: "4,000 levels",
            zip: refused(
                LIMIT,
                ends(parts(4000), &levels(4001)),
                zip_of(path(parts(4000))),
                zip_of(path(parts(511))),
                below(path(parts(511))),
            ),
            squashfs: refused(
                LIMIT,
                ends(parts(513), &levels(513)).replace("/f`", "/d`"),
                deep_image(&parts(4000), "f"),
                deep_image(&parts(511), "f"),
                below(path(parts(511))),
            ),
        },
        Attack {
            name: "4,000 levels, with the limits raised",
            zip: allowed_entries(zip_of(path(parts(4000))), 4001).within(raised),
            squashfs: allowed_entries(deep_image(&parts(4000), "f"), 4001).within(raised),
        },
    ]
}
