//! Writes the list of a tree that was just written.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use fuselage_linux::look_beneath::EntryStatus;

use crate::list::{Entry, HEADER, Record};
use crate::listing::Gathered;
use crate::tree::{Leaf, LeafKind, Name, Tree};

/// Bytes of records that are written at once, at least.
const PIECE: usize = 128 << 10;

/// Writes the list of `tree` to the empty file `list`, with what was `gathered` while the tree was
/// written, and what its root is now.
///
/// # Errors
/// What write(2) says.
pub(crate) fn write_list(
    tree: &Tree,
    root: EntryStatus,
    gathered: &Gathered,
    list: BorrowedFd<'_>,
) -> io::Result<()> {
    let mut list = File::from(list.try_clone_to_owned()?);
    let mut text = [HEADER, b"\0"].concat();
    let root = Entry::Directory {
        mode: root.mode,
        time: None,
    };
    let record = Record {
        depth: 0,
        name: b"",
        entry: root,
    };
    record.write(&mut text);
    let children = Children::of(tree);
    let mut same = Same::of(tree);
    let mut next = vec![children.of_directory(0)];
    while let Some(siblings) = next.last_mut() {
        let Some((child, rest)) = siblings.split_first() else {
            next.pop();
            continue;
        };
        *siblings = rest;
        let depth = next.len() as u32;
        let name = tree.name(child.name(tree));
        // What is written was gathered.
        let entry = match *child {
            Child::Directory(number) => directory(tree, gathered, number),
            Child::Leaf(number) => leaf(tree, gathered, number, &mut same),
        }
        .ok_or(io::ErrorKind::NotFound)?;
        Record { depth, name, entry }.write(&mut text);
        if text.len() >= PIECE {
            list.write_all(&text)?;
            text.clear();
        }
        if let Child::Directory(number) = *child {
            next.push(children.of_directory(number));
        }
    }
    list.write_all(&text)
}

fn directory<'a>(tree: &Tree, gathered: &Gathered, number: u32) -> Option<Entry<'a>> {
    let kept = gathered.directories.get(&number)?;
    let is_given = tree.directories[number as usize].given.is_some();
    Some(Entry::Directory {
        mode: kept.mode,
        time: is_given.then_some(kept.time),
    })
}

fn leaf<'a>(
    tree: &Tree,
    gathered: &'a Gathered,
    number: u32,
    same: &mut Same,
) -> Option<Entry<'a>> {
    let number = first_name(&tree.leaves[number as usize]).unwrap_or(number);
    let leaf = &tree.leaves[number as usize];
    if leaf.kind == LeafKind::Symlink {
        let (target, kept) = gathered.symlinks.get(&leaf.index)?;
        return Some(Entry::Symlink {
            time: kept.time,
            target,
        });
    }
    let (digest, kept) = gathered.files.get(&leaf.index)?;
    Some(Entry::File {
        mode: kept.mode,
        time: kept.time,
        size: leaf.size,
        digest: *digest,
        same: same.number(number),
    })
}

/// The number of the leaf that a hard link is another name of.
fn first_name(leaf: &Leaf) -> Option<u32> {
    match leaf.kind {
        LeafKind::HardLink { to } => Some(to),
        LeafKind::File | LeafKind::Symlink => None,
    }
}

/// Files with several names, by the number of their leaf, numbered in the order of the list.
struct Same {
    numbers: HashMap<u32, Option<u64>>,
    next: u64,
}

impl Same {
    fn of(tree: &Tree) -> Self {
        let several = tree.leaves.iter().filter_map(first_name);
        Self {
            numbers: several.map(|number| (number, None)).collect(),
            next: 0,
        }
    }

    fn number(&mut self, leaf: u32) -> Option<u64> {
        let number = self.numbers.get_mut(&leaf)?;
        Some(*number.get_or_insert_with(|| {
            self.next += 1;
            self.next - 1
        }))
    }
}

#[derive(Clone, Copy)]
enum Child {
    Directory(u32),
    Leaf(u32),
}

impl Child {
    fn parent(self, tree: &Tree) -> u32 {
        match self {
            Self::Directory(number) => tree.directories[number as usize].parent,
            Self::Leaf(number) => tree.leaves[number as usize].directory,
        }
    }

    fn name(self, tree: &Tree) -> Name {
        match self {
            Self::Directory(number) => tree.directories[number as usize].name,
            Self::Leaf(number) => tree.leaves[number as usize].name,
        }
    }
}

/// What is in each directory, by name.
struct Children {
    /// By directory.
    all: Vec<Child>,
    /// Where those of each begin; one more at the end.
    begins: Vec<usize>,
}

impl Children {
    fn of(tree: &Tree) -> Self {
        let directories = (1..tree.directories.len() as u32).map(Child::Directory);
        let leaves = (0..tree.leaves.len() as u32).map(Child::Leaf);
        let mut all: Vec<Child> = directories.chain(leaves).collect();
        all.sort_unstable_by(|one, other| {
            let parents = one.parent(tree).cmp(&other.parent(tree));
            parents.then_with(|| tree.name(one.name(tree)).cmp(tree.name(other.name(tree))))
        });
        let mut begins = vec![0; tree.directories.len() + 1];
        for child in &all {
            begins[child.parent(tree) as usize + 1] += 1;
        }
        for directory in 1..begins.len() {
            begins[directory] += begins[directory - 1];
        }
        Self { all, begins }
    }

    fn of_directory(&self, number: u32) -> &[Child] {
        let number = number as usize;
        &self.all[self.begins[number]..self.begins[number + 1]]
    }
}
