//! Attacks by what entries are: devices, bits that give rights, targets of links.

use crate::hostile::conflicts::image;
use crate::hostile::matrix::{
    Attack, DAMAGED, HOSTILE, Node, a_file, a_link, allowed, cannot_hold, node, refused,
};
use crate::squashfs_builder::{BLOCK_DEVICE, CHARACTER_DEVICE, EXTENDED, FIFO, SOCKET, SYMLINK};
use crate::zip_builder::{Entry, directory, entry, link, zip};

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = vec![special_bits()];
    attacks.extend(special_files());
    attacks.extend(targets());
    attacks
}

fn special_bits() -> Attack {
    let bits = [
        ("setgid", 0o2755),
        ("setuid", 0o4755),
        ("sticky", 0o1777),
        ("whole", 0o7777),
    ];
    let nodes = || {
        bits.iter()
            .flat_map(|(name, mode)| {
                [
                    node(name, 0o100_000 | mode & 0o777, b"run"),
                    node(format!("{name}.d"), 0o040_000 | mode & 0o777, b""),
                ]
            })
            .collect::<Vec<Node>>()
    };
    Attack {
        name: "setuid, setgid and sticky bits",
        zip: {
            let entries: Vec<Entry> = bits
                .iter()
                .flat_map(|(name, mode)| {
                    [
                        entry(name, b"run", 0o100_000 | mode),
                        directory(&format!("{name}.d"), *mode),
                    ]
                })
                .collect();
            allowed(zip(&entries), nodes())
        },
        squashfs: {
            let made = image(|image| {
                bits.iter()
                    .flat_map(|(name, mode)| {
                        let file = image.file(name, b"run");
                        let directory = image.directory(&format!("{name}.d"), &[]);
                        image.set_mode(&file, *mode as u16);
                        image.set_mode(&directory, *mode as u16);
                        [file, directory]
                    })
                    .collect()
            });
            allowed(made, nodes())
        },
    }
}

fn special_files() -> Vec<Attack> {
    let special = |name, mode: u32, kind: u16, what: &str| {
        let message = format!("the entry `s` {what}");
        let nodes = || vec![a_file("s", b"")];
        Attack {
            name,
            zip: refused(
                HOSTILE,
                &message[..],
                zip(&[entry("s", b"", mode | 0o644)]),
                zip(&[entry("s", b"", 0o100_644)]),
                nodes(),
            ),
            squashfs: refused(
                HOSTILE,
                &message[..],
                image(|image| vec![image.special("s", kind)]),
                image(|image| vec![image.file("s", b"")]),
                nodes(),
            ),
        }
    };
    vec![
        special("a block device", 0o060_000, BLOCK_DEVICE, "is a device"),
        special(
            "a character device",
            0o020_000,
            CHARACTER_DEVICE,
            "is a device",
        ),
        special("a FIFO", 0o010_000, FIFO, "is a FIFO"),
        special("a socket", 0o140_000, SOCKET, "is a socket"),
        Attack {
            name: "a device with an extended inode",
            zip: cannot_hold("entries have modes, not inodes"),
            squashfs: refused(
                HOSTILE,
                "the entry `s` is a device",
                image(|image| vec![image.special("s", BLOCK_DEVICE + EXTENDED)]),
                image(|image| vec![image.file("s", b"")]),
                vec![a_file("s", b"")],
            ),
        },
        Attack {
            name: "an entry of no type that there is",
            zip: refused(
                HOSTILE,
                "the entry `s` is of no type that is known",
                zip(&[entry("s", b"", 0o170_644)]),
                zip(&[entry("s", b"", 0o100_644)]),
                vec![a_file("s", b"")],
            ),
            squashfs: refused(
                DAMAGED,
                "the inode table has an inode of no type that is known",
                image(|image| vec![image.special("s", 15)]),
                image(|image| vec![image.file("s", b"")]),
                vec![a_file("s", b"")],
            ),
        },
    ]
}

fn targets() -> Vec<Attack> {
    let with = |name, code, message: &str, bad: &[u8], good: &[u8]| {
        let zipped = |target: &[u8]| {
            zip(&[Entry {
                content: target.to_vec(),
                ..link("l", "")
            }])
        };
        let imaged = |target: &[u8]| image(|image| vec![image.symlink("l", target)]);
        let nodes = || vec![a_link("l", good)];
        Attack {
            name,
            zip: refused(code, message, zipped(bad), zipped(good), nodes()),
            squashfs: refused(code, message, imaged(bad), imaged(good), nodes()),
        }
    };
    let long = [b't'; 4096];
    vec![
        with(
            "a link without a target",
            DAMAGED,
            "the entry `l` is a link whose target has 0 bytes",
            b"",
            b"t",
        ),
        with(
            "a link with a target longer than PATH_MAX",
            DAMAGED,
            "the entry `l` is a link whose target has 4096 bytes",
            &long,
            &long[1..],
        ),
        with(
            "a link with a NUL byte in its target",
            HOSTILE,
            "the entry `l` is a link with a NUL byte in its target",
            b"a\0b",
            b"ab",
        ),
        Attack {
            name: "a link whose target is longer than its table",
            zip: cannot_hold("a target is content, see content that lies"),
            squashfs: refused(
                DAMAGED,
                "something points outside of the inode table",
                image(|image| {
                    let body = [1u32.to_le_bytes(), 4000u32.to_le_bytes()].concat();
                    vec![image.inode(b"l", SYMLINK, 0o777, &body)]
                }),
                image(|image| vec![image.symlink("l", &long[..4000])]),
                vec![a_link("l", &long[..4000])],
            ),
        },
    ]
}
