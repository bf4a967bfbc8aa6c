//! Makes the directories of a tree, and gives them their modes and times in the end.
//!
//! Both go through the tree from parent to child and back with the directories on the way held
//! open, or opened again from the one below: one step costs the same however deep it is.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fuselage_linux::beneath;
use fuselage_linux::file_identity::file_identity;

use crate::error::ArchiveError;
use crate::tree::{Directory, Tree};

/// Directories that are held open at once, the deepest ones; honest trees are hardly deeper.
const HELD: usize = 32;

/// Makes every directory, open to its owner alone.
pub(crate) fn make_directories(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let make = |parent: BorrowedFd<'_>, directory: &Directory| {
        beneath::make_directory(parent, tree.name(directory.name))
    };
    walk(tree, into, make, |_, _| Ok(()))
}

/// Gives every directory its mode, as far as the bits of `permissions` go, and its time, those below it first: what is in it is done, and a mode
/// that locks the owner out locks nobody out of what is still to do.
pub(crate) fn finish_directories(
    tree: &Tree,
    into: BorrowedFd<'_>,
    permissions: u32,
) -> Result<(), ArchiveError> {
    let finish = |parent: BorrowedFd<'_>, directory: &Directory| {
        let name = tree.name(directory.name);
        let mode = match directory.given {
            Some((mode, time)) => {
                beneath::set_time(parent, name, time.seconds, time.nanoseconds)?;
                mode
            }
            None => 0o755,
        };
        beneath::set_mode(parent, name, u32::from(mode) & permissions)
    };
    walk(tree, into, |_, _| Ok(()), finish)
}

/// Goes through all directories but the root: with the parent of each, `enter` is called before and
/// `leave` after all that are in it. Those that have no others in them are not opened.
fn walk(
    tree: &Tree,
    into: BorrowedFd<'_>,
    enter: impl Fn(BorrowedFd<'_>, &Directory) -> io::Result<()>,
    leave: impl Fn(BorrowedFd<'_>, &Directory) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    let children = Children::of(tree);
    let mut way = Way::new(into);
    let mut next = vec![children.of_directory(0)];
    loop {
        let Some(siblings) = next.last_mut() else {
            return Ok(());
        };
        if let Some((number, rest)) = siblings.split_first() {
            *siblings = rest;
            let directory = &tree.directories[*number as usize];
            let below = children.of_directory(*number);
            let mut step = || {
                enter(way.last(), directory)?;
                match below.is_empty() {
                    true => leave(way.last(), directory),
                    false => way.enter(*number, tree.name(directory.name)),
                }
            };
            step().map_err(|error| ArchiveError::write(&tree.directory_path(*number), error))?;
            if !below.is_empty() {
                next.push(below);
            }
        } else {
            next.pop();
            if let Some(number) = way.numbers.pop() {
                let directory = &tree.directories[number as usize];
                // The way back is found before the directory may lock it.
                way.leave()
                    .and_then(|()| leave(way.last(), directory))
                    .map_err(|error| ArchiveError::write(&tree.directory_path(number), error))?;
            }
        }
    }
}

/// The directories from the root, which is not among them, to where the walk is.
struct Way<'a> {
    into: BorrowedFd<'a>,
    numbers: Vec<u32>,
    /// The identities of those that were closed.
    far: Vec<String>,
    /// Those below them, at most [`HELD`]; empty only in the root.
    near: VecDeque<OwnedFd>,
}

impl<'a> Way<'a> {
    fn new(into: BorrowedFd<'a>) -> Self {
        Self {
            into,
            numbers: Vec::new(),
            far: Vec::new(),
            near: VecDeque::new(),
        }
    }

    /// The directory where the walk is.
    fn last(&self) -> BorrowedFd<'_> {
        self.near.back().map_or(self.into, AsFd::as_fd)
    }

    /// Goes to the directory `name` of the last.
    fn enter(&mut self, number: u32, name: &[u8]) -> io::Result<()> {
        let opened = beneath::open_directory(self.last(), name)?;
        self.near.push_back(opened);
        self.numbers.push(number);
        if self.near.len() > HELD
            && let Some(farthest) = self.near.pop_front()
        {
            self.far.push(file_identity(&farthest)?);
        }
        Ok(())
    }

    /// Goes back from the last directory to the one that it is in.
    fn leave(&mut self) -> io::Result<()> {
        if self.near.len() == 1
            && let Some(above) = self.far.pop()
        {
            let above = beneath::open_above(self.last(), &above)?;
            self.near.push_front(above);
        }
        self.near.pop_back();
        Ok(())
    }
}

/// The numbers of the directories in each directory.
struct Children {
    /// By parent.
    numbers: Vec<u32>,
    /// Where those of each begin; one more at the end.
    begins: Vec<u32>,
}

impl Children {
    fn of(tree: &Tree) -> Self {
        let parent = |number: &u32| tree.directories[*number as usize].parent;
        let mut numbers: Vec<u32> = (1..tree.directories.len() as u32).collect();
        numbers.sort_by_key(parent);
        let mut begins = vec![0; tree.directories.len() + 1];
        for number in &numbers {
            begins[parent(number) as usize + 1] += 1;
        }
        for directory in 1..begins.len() {
            begins[directory] += begins[directory - 1];
        }
        Self { numbers, begins }
    }

    fn of_directory(&self, number: u32) -> &[u32] {
        let number = number as usize;
        &self.numbers[self.begins[number] as usize..self.begins[number + 1] as usize]
    }
}
