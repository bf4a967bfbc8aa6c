//! The entries of an archive, as its central directory has them.

use std::borrow::Cow;

use crate::error::ArchiveError;
use crate::tree::{Leaf, Tree};

/// All of them.
#[derive(Debug)]
pub(crate) struct Entries {
    pub(crate) tree: Tree,
    /// In the order of the central directory.
    pub(crate) records: Vec<Record>,
    /// Those of directories, in the same order.
    pub(crate) directories: Vec<OwnEntry>,
}

/// What is needed to read an entry, besides what the tree knows. There may be millions of them.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// As in the archive, where that is not its path in the tree, behind which directories have a
    /// `/`.
    pub(crate) name: Option<Box<[u8]>>,
    pub(crate) name_length: u16,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) compressed: u64,
    /// Where its local header is in the file.
    pub(crate) offset: u64,
    /// Where the next thing in the file begins.
    pub(crate) limit: u64,
}

/// A directory with an entry of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnEntry {
    /// Number of its record.
    pub(crate) index: u32,
    /// Its number in the tree.
    pub(crate) directory: u32,
    /// Bytes that it is said to unpack to.
    pub(crate) size: u64,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    tree: &'a Tree,
    of: Of<'a>,
    pub(crate) record: &'a Record,
}

#[derive(Clone, Copy, Debug)]
enum Of<'a> {
    Leaf(&'a Leaf),
    Directory(&'a OwnEntry),
}

impl Entries {
    /// That of a file or a link.
    pub(crate) fn leaf<'a>(&'a self, leaf: &'a Leaf) -> Entry<'a> {
        self.entry(Of::Leaf(leaf), leaf.index)
    }

    /// That of a directory, by the number of its record.
    pub(crate) fn directory(&self, index: u32) -> Option<Entry<'_>> {
        let key = |own: &OwnEntry| own.index;
        let found = self.directories.binary_search_by_key(&index, key).ok()?;
        Some(self.entry(Of::Directory(&self.directories[found]), index))
    }

    fn entry<'a>(&'a self, of: Of<'a>, index: u32) -> Entry<'a> {
        Entry {
            tree: &self.tree,
            of,
            record: &self.records[index as usize],
        }
    }
}

impl<'a> Entry<'a> {
    /// Bytes that it unpacks to.
    pub(crate) fn size(&self) -> u64 {
        match self.of {
            Of::Leaf(leaf) => leaf.size,
            Of::Directory(own) => own.size,
        }
    }

    /// As in the archive.
    pub(crate) fn name(&self) -> Cow<'a, [u8]> {
        match (&self.record.name, self.of) {
            (Some(name), _) => Cow::Borrowed(name),
            (None, Of::Leaf(leaf)) => Cow::Owned(self.tree.path(leaf)),
            (None, Of::Directory(own)) => Cow::Owned(self.tree.path_in(own.directory, b"")),
        }
    }

    pub(crate) fn name_length(&self) -> usize {
        self.record.name_length.into()
    }

    /// Whether that is its name.
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        match (&self.record.name, self.of) {
            (Some(own), _) => **own == *name,
            (None, Of::Leaf(leaf)) => self.tree.is_path(name, leaf),
            (None, Of::Directory(own)) => name
                .strip_suffix(b"/")
                .is_some_and(|path| self.tree.is_directory_path(path, own.directory)),
        }
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::damaged(&self.name(), what)
    }
}
