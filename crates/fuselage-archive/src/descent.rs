//! A walk down a tree and back up, from one directory to the next.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fuselage_linux::beneath;
use fuselage_linux::file_identity::file_identity;

/// Directories that are held open at once, the deepest ones; honest trees are hardly deeper.
const HELD: usize = 32;

/// The directories from the root, which is not among them, to where the walk is.
pub(crate) struct Descent<'a> {
    root: BorrowedFd<'a>,
    /// The identities of those that were closed.
    far: Vec<String>,
    /// Those below them, at most [`HELD`]; empty only in the root.
    near: VecDeque<OwnedFd>,
}

impl<'a> Descent<'a> {
    pub(crate) fn new(root: BorrowedFd<'a>) -> Self {
        Self {
            root,
            far: Vec::new(),
            near: VecDeque::new(),
        }
    }

    /// The directory where the walk is.
    pub(crate) fn last(&self) -> BorrowedFd<'_> {
        self.near.back().map_or(self.root, AsFd::as_fd)
    }

    /// Goes to the directory `name` of the last.
    pub(crate) fn enter(&mut self, name: &[u8]) -> io::Result<()> {
        let opened = beneath::open_directory(self.last(), name)?;
        self.near.push_back(opened);
        if self.near.len() > HELD
            && let Some(farthest) = self.near.pop_front()
        {
            self.far.push(file_identity(&farthest)?);
        }
        Ok(())
    }

    /// Goes back from the last directory to the one that it is in.
    pub(crate) fn leave(&mut self) -> io::Result<()> {
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
