//! The entries of an archive, checked as a whole: whatever format they come from.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::error::{ArchiveError, shown};
use crate::limits::{Limited, Limits};
use crate::path::split;

/// A modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// Since 1970, UTC.
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

/// A directory of the tree; number 0 is its root, and parents come before their children.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// One component; empty for the root.
    pub(crate) name: Vec<u8>,
    pub(crate) parent: usize,
    /// Components of its path.
    pub(crate) depth: u32,
    /// Bytes of its path.
    pub(crate) path_length: usize,
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
    /// Number of its directory.
    pub(crate) directory: usize,
    /// One component.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: LeafKind,
    /// Permission bits, 0 to 0777.
    pub(crate) mode: u32,
    pub(crate) time: Time,
    /// Bytes, unpacked; of a symbolic link, those of its target; of a hard link, none.
    pub(crate) size: u64,
    /// How many of them are holes, which need neither room nor data.
    pub(crate) holes: u64,
    /// Files of one group are read best by one thread, one after the other; `None`: those of one
    /// directory are.
    pub(crate) group: Option<u64>,
    /// Which entry of the archive it is.
    pub(crate) index: usize,
}

/// What is to be made: no path twice, none below a file or a link, all within the limits.
///
/// Entries hold their names and not their paths: deep trees need no more memory than flat ones.
#[derive(Debug)]
pub struct Tree {
    pub(crate) directories: Vec<Directory>,
    pub(crate) leaves: Vec<Leaf>,
    known: HashMap<Vec<u8>, Known>,
    /// Path and number of the directory that was found last.
    last: (Vec<u8>, usize),
    bytes: u64,
    holes: u64,
    limits: Limits,
    /// Bytes of the archive itself, at least one.
    archive: u64,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Directory(usize),
    Leaf,
}

/// What a name in a directory is known by.
fn key(directory: usize, name: &[u8]) -> Vec<u8> {
    [&directory.to_ne_bytes(), name].concat()
}

impl Tree {
    /// An empty tree: its root; `archive`: the archive's own bytes.
    pub(crate) fn new(limits: &Limits, archive: u64) -> Self {
        let root = Directory {
            name: Vec::new(),
            parent: 0,
            depth: 0,
            path_length: 0,
            given: None,
        };
        Self {
            directories: vec![root],
            leaves: Vec::new(),
            known: HashMap::new(),
            last: (Vec::new(), 0),
            bytes: 0,
            holes: 0,
            limits: *limits,
            archive: archive.max(1),
        }
    }

    /// What every tree is held to.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes sure that so much more, up to `entry`, is within the limits.
    ///
    /// # Errors
    /// [`ArchiveError::Limit`] that names `entry`.
    pub(crate) fn admit(
        &self,
        entry: impl Fn() -> Vec<u8>,
        entries: u64,
        bytes: u64,
        holes: u64,
    ) -> Result<(), ArchiveError> {
        let bytes = self.bytes.saturating_add(bytes);
        let data = bytes.saturating_sub(self.holes.saturating_add(holes));
        for (of, found, allowed) in [
            (
                Limited::Entries,
                self.entries().saturating_add(entries),
                self.limits.entries,
            ),
            (Limited::Bytes, bytes, self.limits.bytes),
            (
                Limited::Ratio,
                data / self.archive,
                self.limits.ratio.into(),
            ),
        ] {
            if found > allowed {
                return Err(ArchiveError::limit(of, &entry(), found, allowed));
            }
        }
        Ok(())
    }

    /// Adds a directory with an entry of its own at a normalised path. The root's is left out: it
    /// is the caller's.
    pub(crate) fn add_directory(
        &mut self,
        path: &[u8],
        mode: u32,
        time: Time,
    ) -> Result<(), ArchiveError> {
        if path.is_empty() {
            return Ok(());
        }
        let number = self.directory_at(path)?;
        let given = &mut self.directories[number].given;
        if given.replace((mode & 0o777, time)).is_some() {
            return Err(ArchiveError::hostile(path, TWICE));
        }
        Ok(())
    }

    /// Adds a directory to another one; returns its number.
    pub(crate) fn add_directory_in(
        &mut self,
        parent: usize,
        name: &[u8],
        mode: u32,
        time: Time,
    ) -> Result<usize, ArchiveError> {
        self.admit(|| self.path_in(parent, name), 1, 0, 0)?;
        let number = self.directories.len();
        match self.known.entry(key(parent, name)) {
            Slot::Vacant(slot) => slot.insert(Known::Directory(number)),
            Slot::Occupied(_) => {
                return Err(ArchiveError::hostile(&self.path_in(parent, name), TWICE));
            }
        };
        let given = Some((mode & 0o777, time));
        self.push_directory(parent, name, given);
        Ok(number)
    }

    /// Adds a file or a link at a normalised path, from which its name and directory are taken;
    /// returns its number.
    pub(crate) fn add_leaf(&mut self, path: &[u8], mut leaf: Leaf) -> Result<usize, ArchiveError> {
        if path.is_empty() {
            return Err(ArchiveError::hostile(b"", "is a file and has no name"));
        }
        let (directory, name) = split(path);
        leaf.directory = self.directory_at(directory)?;
        leaf.name = name.to_vec();
        self.add_leaf_in(leaf)
    }

    /// Adds a file or a link whose directory and name are set; returns its number.
    pub(crate) fn add_leaf_in(&mut self, leaf: Leaf) -> Result<usize, ArchiveError> {
        self.admit(|| self.path(&leaf), 1, leaf.size, leaf.holes)?;
        match self.known.entry(key(leaf.directory, &leaf.name)) {
            Slot::Vacant(slot) => slot.insert(Known::Leaf),
            Slot::Occupied(_) => return Err(ArchiveError::hostile(&self.path(&leaf), TWICE)),
        };
        self.bytes = self.bytes.saturating_add(leaf.size);
        self.holes = self.holes.saturating_add(leaf.holes);
        self.leaves.push(leaf);
        Ok(self.leaves.len() - 1)
    }

    /// The leaves of one kind, in the order of the archive.
    pub(crate) fn leaves_of(&self, kind: LeafKind) -> impl Iterator<Item = &Leaf> {
        self.leaves.iter().filter(move |leaf| leaf.kind == kind)
    }

    /// The path of a file or a link.
    pub(crate) fn path(&self, leaf: &Leaf) -> Vec<u8> {
        self.path_in(leaf.directory, &leaf.name)
    }

    /// The path of a directory; empty for the root.
    pub(crate) fn directory_path(&self, mut number: usize) -> Vec<u8> {
        let mut names = Vec::new();
        while number != 0 {
            names.push(&self.directories[number].name[..]);
            number = self.directories[number].parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// The path of `name` in a directory.
    pub(crate) fn path_in(&self, directory: usize, name: &[u8]) -> Vec<u8> {
        let mut path = self.directory_path(directory);
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// The number of the directory at `path`, which is made with all above it where it is new.
    fn directory_at(&mut self, path: &[u8]) -> Result<usize, ArchiveError> {
        if path.is_empty() {
            return Ok(0);
        }
        if self.last.0 == path {
            return Ok(self.last.1);
        }
        let mut number = 0;
        for name in path.split(|byte| *byte == b'/') {
            number = self.directory_in(number, name)?;
        }
        self.last = (path.to_vec(), number);
        Ok(number)
    }

    fn directory_in(&mut self, parent: usize, name: &[u8]) -> Result<usize, ArchiveError> {
        let number = self.directories.len();
        match self.known.entry(key(parent, name)) {
            Slot::Vacant(slot) => slot.insert(Known::Directory(number)),
            Slot::Occupied(slot) => match slot.get() {
                Known::Directory(number) => return Ok(*number),
                Known::Leaf => {
                    let what = "is a file or a link, and other entries lie below it";
                    return Err(ArchiveError::hostile(&self.path_in(parent, name), what));
                }
            },
        };
        self.push_directory(parent, name, None);
        self.admit(|| self.path_in(parent, name), 0, 0, 0)?;
        Ok(number)
    }

    fn push_directory(&mut self, parent: usize, name: &[u8], given: Option<(u32, Time)>) {
        let (depth, path_length) = self.place_in(parent, name);
        self.directories.push(Directory {
            name: name.to_vec(),
            parent,
            depth,
            path_length,
            given,
        });
    }

    /// Components and bytes of the path of `name` in a directory.
    pub(crate) fn place_in(&self, parent: usize, name: &[u8]) -> (u32, usize) {
        let parent = &self.directories[parent];
        let separator = usize::from(parent.depth > 0);
        (
            parent.depth.saturating_add(1),
            parent.path_length + separator + name.len(),
        )
    }

    /// Directories, files and links; without the root.
    pub fn entries(&self) -> u64 {
        (self.directories.len() - 1 + self.leaves.len()) as u64
    }

    /// Bytes of all files and link targets.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that are no holes, in pages of 4 KiB, as a tmpfs counts them.
    pub(crate) fn bytes_in_pages(&self) -> u64 {
        const PAGE: u64 = 4096;
        self.leaves.iter().fold(0u64, |sum, leaf| {
            let data = leaf.size.saturating_sub(leaf.holes);
            sum.saturating_add(data.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX))
        })
    }

    /// Checks a tree to which everything was added, and forgets what only adding needs.
    pub(crate) fn finish(&mut self) -> Result<(), ArchiveError> {
        self.known = HashMap::new();
        for leaf in self.leaves_of(LeafKind::Symlink) {
            if leaf.size == 0 || leaf.size > LONGEST_TARGET {
                return Err(ArchiveError::Damaged {
                    entry: Some(shown(&self.path(leaf))),
                    what: format!("is a link whose target has {} bytes", leaf.size),
                });
            }
        }
        Ok(())
    }
}

/// The longest target of a link, in bytes (`PATH_MAX` less the NUL byte).
const LONGEST_TARGET: u64 = 4095;

const TWICE: &str = "is in the archive twice";
