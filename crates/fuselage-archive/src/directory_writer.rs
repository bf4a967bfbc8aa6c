//! Makes the directories of a tree, and gives them their modes and times in the end.
//!
//! Both go through the tree from parent to child with the directories on the way held open: a step
//! costs the same however deep it is, but for one of many on the way up, which opens from the root
//! what it and the next ones need.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fuselage_linux::beneath;

use crate::error::ArchiveError;
use crate::tree::{Directory, Tree};

/// Directories that are held open at once, the deepest ones; honest trees are hardly deeper.
const HELD: usize = 32;

/// Makes every directory, open to its owner alone.
pub(crate) fn make_directories(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let make = |parent: BorrowedFd<'_>, directory: &Directory| {
        beneath::make_directory(parent, &directory.name)
    };
    walk(tree, into, make, |_, _| Ok(()))
}

/// Gives every directory its mode and time, those below it first: what is in it is done, and a mode
/// that locks the owner out locks nobody out of what is still to do.
pub(crate) fn finish_directories(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    walk(tree, into, |_, _| Ok(()), finish)
}

fn finish(open: BorrowedFd<'_>, directory: &Directory) -> io::Result<()> {
    let mode = match directory.given {
        Some((mode, time)) => {
            beneath::set_time(open, time.seconds, time.nanoseconds)?;
            mode
        }
        None => 0o755,
    };
    beneath::set_mode(open, mode)
}

/// Goes through all directories but the root: `enter` is called with the parent before a directory
/// is opened, `leave` with the directory itself after all that are in it.
fn walk(
    tree: &Tree,
    into: BorrowedFd<'_>,
    enter: impl Fn(BorrowedFd<'_>, &Directory) -> io::Result<()>,
    leave: impl Fn(BorrowedFd<'_>, &Directory) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    let children = Children::of(tree);
    let mut way = Way {
        tree,
        into,
        open: Vec::new(),
    };
    let mut next = vec![children.of_directory(0)];
    loop {
        let Some(siblings) = next.last_mut() else {
            return Ok(());
        };
        if let Some((number, rest)) = siblings.split_first() {
            *siblings = rest;
            let directory = &tree.directories[*number];
            let failed = |error| ArchiveError::write(&tree.directory_path(*number), error);
            let parent = way.last().map_err(failed)?;
            enter(parent, directory).map_err(failed)?;
            let opened = beneath::open_directory(parent, &directory.name).map_err(failed)?;
            way.push(*number, opened);
            next.push(children.of_directory(*number));
        } else {
            next.pop();
            if let Some(number) = way.number() {
                let left = way
                    .last()
                    .and_then(|open| leave(open, &tree.directories[number]));
                left.map_err(|error| ArchiveError::write(&tree.directory_path(number), error))?;
                way.open.pop();
            }
        }
    }
}

/// The directories from the root to where the walk is.
struct Way<'a> {
    tree: &'a Tree,
    into: BorrowedFd<'a>,
    /// Numbers, and descriptors of the deepest.
    open: Vec<(usize, Option<OwnedFd>)>,
}

impl Way<'_> {
    fn number(&self) -> Option<usize> {
        self.open.last().map(|(number, _)| *number)
    }

    /// The directory where the walk is, opened again if it was closed meanwhile.
    fn last(&mut self) -> io::Result<BorrowedFd<'_>> {
        if self.open.last().is_some_and(|(_, open)| open.is_none()) {
            self.open_again()?;
        }
        Ok(match self.open.last() {
            Some((_, Some(open))) => open.as_fd(),
            _ => self.into,
        })
    }

    /// Opens the deepest directories, of which none is open.
    fn open_again(&mut self) -> io::Result<()> {
        let first = self.open.len().saturating_sub(HELD);
        let mut parent = None;
        for (number, open) in &mut self.open[first..] {
            let opened = match parent {
                None => beneath::open_directory(self.into, &self.tree.directory_path(*number))?,
                Some(parent) => {
                    beneath::open_directory(parent, &self.tree.directories[*number].name)?
                }
            };
            let opened: &OwnedFd = open.insert(opened);
            parent = Some(opened.as_fd());
        }
        Ok(())
    }

    fn push(&mut self, number: usize, open: OwnedFd) {
        self.open.push((number, Some(open)));
        if let Some(far) = self.open.len().checked_sub(HELD + 1) {
            self.open[far].1 = None;
        }
    }
}

/// The numbers of the directories in each directory.
struct Children {
    /// By parent.
    numbers: Vec<usize>,
    /// Where those of each begin; one more at the end.
    begins: Vec<usize>,
}

impl Children {
    fn of(tree: &Tree) -> Self {
        let mut numbers: Vec<usize> = (1..tree.directories.len()).collect();
        numbers.sort_by_key(|number| tree.directories[*number].parent);
        let mut begins = vec![0; tree.directories.len() + 1];
        for number in &numbers {
            begins[tree.directories[*number].parent + 1] += 1;
        }
        for directory in 1..begins.len() {
            begins[directory] += begins[directory - 1];
        }
        Self { numbers, begins }
    }

    fn of_directory(&self, number: usize) -> &[usize] {
        &self.numbers[self.begins[number]..self.begins[number + 1]]
    }
}
