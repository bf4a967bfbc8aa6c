//! What the walk through an image finds: the tree, and where the content of its leaves is.

use std::num::NonZeroU64;
use std::ops::Range;

use crate::error::ArchiveError;
use crate::limits::Limits;
use crate::squashfs::blocks::BlockLists;
use crate::squashfs::fragments::Fragment;
use crate::squashfs::inodes::Inode;
use crate::squashfs::metadata::Reference;
use crate::tree::{Leaf, LeafKind, Name, Tree};

/// Where the content of a leaf is.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    File(FileRecord),
    Symlink {
        /// Of the target's first byte, in the inode table.
        target: Reference,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct FileRecord {
    /// Whole blocks, and the last one where it is not in a fragment block.
    pub(crate) parts: Range<usize>,
    pub(crate) tail: Option<Tail>,
    pub(crate) size: u64,
    /// How many of its bytes are holes.
    pub(crate) holes: u64,
}

/// The end of a file, in a block together with those of other files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) fragment: Fragment,
    /// Where in the fragment block, unpacked, in bytes.
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

/// What an image holds, and where.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) tree: Tree,
    /// By the index of leaves.
    pub(crate) records: Vec<Record>,
    pub(crate) lists: BlockLists,
}

impl Walked {
    /// Nothing yet; `archive`: the image's own bytes.
    pub(crate) fn new(limits: &Limits, archive: u64) -> Self {
        Self {
            tree: Tree::new(limits, archive),
            records: Vec::new(),
            lists: BlockLists::default(),
        }
    }

    /// Adds a file; the number of its leaf.
    pub(crate) fn add_file(
        &mut self,
        parent: u32,
        name: &[u8],
        inode: &Inode,
        file: FileRecord,
    ) -> Result<u32, ArchiveError> {
        let leaf = Leaf {
            size: file.size,
            holes: file.holes,
            group: file
                .tail
                .and_then(|tail| NonZeroU64::new(tail.fragment.start)),
            ..self.leaf(inode)
        };
        self.records.push(Record::File(file));
        self.tree.add_leaf_in(parent, name, leaf)
    }

    /// Adds a symbolic link whose target has `length` bytes; the number of its leaf.
    pub(crate) fn add_symlink(
        &mut self,
        parent: u32,
        name: &[u8],
        inode: &Inode,
        target: Reference,
        length: u32,
    ) -> Result<u32, ArchiveError> {
        let leaf = Leaf {
            kind: LeafKind::Symlink,
            size: length.into(),
            ..self.leaf(inode)
        };
        self.records.push(Record::Symlink { target });
        self.tree.add_leaf_in(parent, name, leaf)
    }

    /// Adds another name of the leaf with the number `to`.
    pub(crate) fn add_hard_link(
        &mut self,
        parent: u32,
        name: &[u8],
        to: u32,
    ) -> Result<(), ArchiveError> {
        let first = &self.tree.leaves[to as usize];
        let leaf = Leaf {
            kind: LeafKind::HardLink { to },
            size: 0,
            holes: 0,
            group: None,
            ..first.clone()
        };
        self.tree.add_leaf_in(parent, name, leaf).map(drop)
    }

    fn leaf(&self, inode: &Inode) -> Leaf {
        Leaf {
            directory: 0,
            name: Name::default(),
            kind: LeafKind::File,
            mode: inode.mode,
            time: inode.time,
            size: 0,
            holes: 0,
            group: None,
            index: self.records.len() as u32,
        }
    }
}
