//! Random trees, packed by the tools that people pack with, come out as the tools' own unpackers
//! make them: names, types, modes, times, contents, targets and hard links.
//!
//! A short run packs one tree in each of a tool's ways, a long one 200 trees. A failure says which
//! tree it was and the command that packed it; both are the same in every run.

mod compare;
mod make_tree;
mod mksquashfs;
pub(crate) mod random_names;
pub(crate) mod random_tree;
mod seven_zip;
mod unzip;
mod zip;
mod zipfile;
mod zipper;

use std::process::Command;

use fuselage_archive::Limits;

use crate::differential::make_tree::make_tree;
use crate::differential::random_tree::{Holds, random_tree};
use crate::mutations::more;
use crate::place::{LIMITS, Place, Scratch, Seen};

/// Zeros are packed as tight as the tools can.
const LARGE: Limits = Limits {
    entries: 100_000,
    bytes: 4 << 30,
    ratio: u32::MAX,
    ..LIMITS
};

/// How many trees are packed by a tool that packs in so many ways.
fn trees(ways: usize) -> usize {
    match more(1) {
        1 => ways,
        _ => 200,
    }
}

/// Makes the tree with that number.
pub(crate) fn source(number: usize, holds: &Holds) -> Scratch {
    let source = Scratch::new();
    make_tree(source.path(), &random_tree(number as u64, holds));
    source
}

fn extracted(place: &Place, number: usize, what: &str) -> Seen {
    place
        .extract_there(LARGE, 1 + number % 3, None)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    place.tree()
}

/// What `command` writes to its standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}
