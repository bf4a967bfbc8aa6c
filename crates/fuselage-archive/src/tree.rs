//! The entries of an archive, checked as a whole: whatever format they come from.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::error::{ArchiveError, shown};
use crate::limits::Limits;
use crate::path::split;

/// A modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// Since 1970, UTC.
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// A directory of the tree; number 0 is its root.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// Normalised; empty for the root.
    pub(crate) path: Vec<u8>,
    pub(crate) parent: usize,
    /// What an entry of its own gives it; a directory that is only implied has none.
    pub(crate) given: Option<(u32, Time)>,
}

/// What an entry that is no directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafKind {
    File,
    Symlink,
    /// Another name of a file or a symbolic link: of the leaf with this number.
    HardLink {
        to: usize,
    },
}

/// A file, a symbolic link, or another name of one.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Normalised.
    pub(crate) path: Vec<u8>,
    /// Number of its directory.
    pub(crate) directory: usize,
    pub(crate) kind: LeafKind,
    /// Permission bits, 0 to 0777.
    pub(crate) mode: u32,
    pub(crate) time: Time,
    /// Bytes, unpacked; of a symbolic link, those of its target; of a hard link, none.
    pub(crate) size: u64,
    /// Files of one group are read best by one thread, one after the other; `None`: those of one
    /// directory are.
    pub(crate) group: Option<u64>,
    /// Which entry of the archive it is.
    pub(crate) index: usize,
}

impl Leaf {
    pub(crate) fn name(&self) -> &[u8] {
        split(&self.path).1
    }
}

/// What is to be made: no path twice, none below a file or a link, all within the limits.
#[derive(Debug, Default)]
pub struct Tree {
    pub(crate) directories: Vec<Directory>,
    pub(crate) leaves: Vec<Leaf>,
    known: HashMap<Vec<u8>, Known>,
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Directory(usize),
    Leaf,
}

impl Tree {
    /// An empty tree: its root.
    pub(crate) fn new() -> Self {
        let root = Directory {
            path: Vec::new(),
            parent: 0,
            given: None,
        };
        let known = HashMap::from([(Vec::new(), Known::Directory(0))]);
        Self {
            directories: vec![root],
            leaves: Vec::new(),
            known,
            bytes: 0,
        }
    }

    /// Adds a directory with an entry of its own. The root's is left out: it is the caller's.
    pub(crate) fn add_directory(
        &mut self,
        path: &[u8],
        mode: u32,
        time: Time,
    ) -> Result<(), ArchiveError> {
        if path.is_empty() {
            return Ok(());
        }
        let number = self.directory(path)?;
        let given = &mut self.directories[number].given;
        if given.replace((mode & 0o777, time)).is_some() {
            return Err(ArchiveError::hostile(path, "is in the archive twice"));
        }
        Ok(())
    }

    /// Adds a file or a link, whose `directory` is found here; returns its number.
    pub(crate) fn add_leaf(&mut self, mut leaf: Leaf) -> Result<usize, ArchiveError> {
        if leaf.path.is_empty() {
            return Err(ArchiveError::hostile(b"", "is a file and has no name"));
        }
        leaf.directory = self.directory(split(&leaf.path).0)?;
        match self.known.entry(leaf.path.clone()) {
            Slot::Vacant(slot) => slot.insert(Known::Leaf),
            Slot::Occupied(_) => {
                return Err(ArchiveError::hostile(&leaf.path, "is in the archive twice"));
            }
        };
        self.bytes = self.bytes.saturating_add(leaf.size);
        self.leaves.push(leaf);
        Ok(self.leaves.len() - 1)
    }

    /// The leaves of one kind, in the order of the archive.
    pub(crate) fn leaves_of(&self, kind: LeafKind) -> impl Iterator<Item = &Leaf> {
        self.leaves.iter().filter(move |leaf| leaf.kind == kind)
    }

    /// The number of the directory at `path`, which is made with all above it where it is new.
    fn directory(&mut self, path: &[u8]) -> Result<usize, ArchiveError> {
        match self.known.get(path) {
            Some(Known::Directory(number)) => return Ok(*number),
            Some(Known::Leaf) => {
                let what = "is a file or a link, and other entries lie below it";
                return Err(ArchiveError::hostile(path, what));
            }
            None => {}
        }
        // Deep paths are limited before they come here, so this is not deep either.
        let parent = self.directory(split(path).0)?;
        let number = self.directories.len();
        self.directories.push(Directory {
            path: path.to_vec(),
            parent,
            given: None,
        });
        self.known.insert(path.to_vec(), Known::Directory(number));
        Ok(number)
    }

    /// Directories, files and links; without the root.
    pub fn entries(&self) -> u64 {
        (self.directories.len() - 1 + self.leaves.len()) as u64
    }

    /// Bytes of all files and link targets.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes in pages of 4 KiB, as a tmpfs counts them.
    pub(crate) fn bytes_in_pages(&self) -> u64 {
        const PAGE: u64 = 4096;
        self.leaves.iter().fold(0u64, |sum, leaf| {
            sum.saturating_add(leaf.size.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX))
        })
    }

    /// Checks what grows with every entry.
    pub(crate) fn check(&self, limits: &Limits, archive: u64) -> Result<(), ArchiveError> {
        let over = |of, found, limit| match found > limit {
            true => Err(ArchiveError::Limit { of, found, limit }),
            false => Ok(()),
        };
        over("entries", self.entries(), limits.entries)?;
        over("bytes unpacked", self.bytes, limits.bytes)?;
        let ratio = self.bytes / archive.max(1);
        over(
            "bytes unpacked for each byte of the file",
            ratio,
            limits.ratio.into(),
        )?;
        for leaf in self.leaves_of(LeafKind::Symlink) {
            if leaf.size == 0 || leaf.size > LONGEST_TARGET {
                return Err(ArchiveError::Damaged {
                    entry: Some(shown(&leaf.path)),
                    what: format!("is a link whose target has {} bytes", leaf.size),
                });
            }
        }
        Ok(())
    }
}

/// The longest target of a link, in bytes (`PATH_MAX` less the NUL byte).
const LONGEST_TARGET: u64 = 4095;
