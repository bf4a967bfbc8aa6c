//! Makes the directories of a tree, and gives them their modes and times in the end.
//!
//! Both go through the tree from parent to child and back with the directories on the way held
//! open, or opened again from the one below: one step costs the same however deep it is.

use std::io;
use std::os::fd::BorrowedFd;

use fuselage_linux::{beneath, look_beneath};

use crate::descent::Descent;
use crate::error::ArchiveError;
use crate::listing::Listing;
use crate::tree::{Directory, Tree};

/// Makes every directory, open to its owner alone.
pub(crate) fn make_directories(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let make = |parent: BorrowedFd<'_>, _, directory: &Directory| {
        beneath::make_directory(parent, tree.name(directory.name))
    };
    walk(tree, into, make, |_, _, _| Ok(()))
}

/// Gives every directory its mode, as far as the bits of `permissions` go, and its time, those below
/// it first: what is in it is done, and a mode that locks the owner out locks nobody out of what is
/// still to do. `listing` gets what the file system has kept of them.
pub(crate) fn finish_directories(
    tree: &Tree,
    into: BorrowedFd<'_>,
    permissions: u32,
    listing: Option<&Listing>,
) -> Result<(), ArchiveError> {
    let finish = |parent: BorrowedFd<'_>, number, directory: &Directory| {
        let name = tree.name(directory.name);
        let mode = match directory.given {
            Some((mode, time)) => {
                beneath::set_time(parent, name, time.seconds, time.nanoseconds)?;
                mode
            }
            None => 0o755,
        };
        beneath::set_mode(parent, name, u32::from(mode) & permissions)?;
        if let Some(listing) = listing {
            listing.directory(number, look_beneath::status(parent, name)?);
        }
        Ok(())
    };
    walk(tree, into, |_, _, _| Ok(()), finish)
}

/// Goes through all directories but the root: with the parent of each, `enter` is called before and
/// `leave` after all that are in it. Those that have no others in them are not opened.
fn walk(
    tree: &Tree,
    into: BorrowedFd<'_>,
    enter: impl Fn(BorrowedFd<'_>, u32, &Directory) -> io::Result<()>,
    leave: impl Fn(BorrowedFd<'_>, u32, &Directory) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    let children = Children::of(tree);
    let (mut descent, mut way) = (Descent::new(into), Vec::new());
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
                enter(descent.last(), *number, directory)?;
                match below.is_empty() {
                    true => leave(descent.last(), *number, directory),
                    false => descent.enter(tree.name(directory.name)),
                }
            };
            step().map_err(|error| ArchiveError::write(&tree.directory_path(*number), error))?;
            if !below.is_empty() {
                way.push(*number);
                next.push(below);
            }
        } else {
            next.pop();
            if let Some(number) = way.pop() {
                let directory = &tree.directories[number as usize];
                // The way back is found before the directory may lock it.
                descent
                    .leave()
                    .and_then(|()| leave(descent.last(), number, directory))
                    .map_err(|error| ArchiveError::write(&tree.directory_path(number), error))?;
            }
        }
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
