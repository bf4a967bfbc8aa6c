//! What every format gives: a checked list of entries, and readers of their content.

use crate::error::ArchiveError;
use crate::output::{ContentError, FilePart, Output};
use crate::tree::{Leaf, Tree};

/// An archive whose list of entries was read and checked; of the entries' data nothing was looked
/// at yet.
pub(crate) trait Archive: Sync {
    /// What it holds.
    fn tree(&self) -> &Tree;

    /// A reader of its entries; each thread has its own.
    fn contents(&self) -> Box<dyn Contents + '_>;

    /// How many parts of a file can be had independently, at least one: several threads share the
    /// work on a large one.
    fn parts(&self, _leaf: &Leaf) -> usize {
        1
    }

    /// The entries of directories that are to be checked ([`Contents::check_directory`]): which
    /// entries of the archive they are, as [`Leaf::index`] says of others.
    fn directory_entries(&self) -> Vec<u32> {
        Vec::new()
    }

    /// Wakes readers that wait for each other, so that they look whether they are to stop.
    fn wake(&self) {}
}

/// Reads entries, one after the other.
pub(crate) trait Contents {
    /// Gives the whole content of a file, or the target of a symbolic link, to `to`, in one piece
    /// or in several, and has checked it when it returns.
    fn copy(&mut self, leaf: &Leaf, to: &mut dyn Output) -> Result<(), ContentError>;

    /// Gives the part with the number `part`, of as many as [`Archive::parts`] says, to the place
    /// in the file where it belongs.
    fn copy_part(
        &mut self,
        leaf: &Leaf,
        _part: usize,
        to: &mut FilePart<'_>,
    ) -> Result<(), ContentError> {
        self.copy(leaf, to)
    }

    /// Checks what the archive has of a directory beside its list, by one of
    /// [`Archive::directory_entries`].
    fn check_directory(&mut self, _index: u32) -> Result<(), ArchiveError> {
        Ok(())
    }
}
