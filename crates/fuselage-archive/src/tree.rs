//! The entries of an archive, checked as a whole: whatever format they come from.

mod known;
mod names;
mod paths;
mod way;

use std::num::NonZeroU64;

use memchr::memchr;

use crate::error::{ArchiveError, shown};
use crate::limits::{Limited, Limits};
use crate::path::split;
use crate::tree::known::{Known, MOST_ENTRIES, Numbered};
pub(crate) use crate::tree::names::Name;
use crate::tree::names::Names;
use crate::tree::way::Way;

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
    pub(crate) name: Name,
    pub(crate) parent: u32,
    /// Components of its path.
    pub(crate) depth: u32,
    /// Bytes of its path.
    pub(crate) path_length: usize,
    /// What an entry of its own gives it; a directory that is only implied has none.
    pub(crate) given: Option<(u16, Time)>,
}

/// What an entry that is no directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafKind {
    File,
    Symlink,
    /// Another name of a file or a symbolic link: of the leaf with this number.
    HardLink {
        to: u32,
    },
}

/// A file, a symbolic link, or another name of one. There may be millions of them.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Number of its directory; the tree sets it, as the name.
    pub(crate) directory: u32,
    /// One component.
    pub(crate) name: Name,
    pub(crate) kind: LeafKind,
    /// Permission bits, 0 to 0777.
    pub(crate) mode: u16,
    pub(crate) time: Time,
    /// Bytes, unpacked; of a symbolic link, those of its target; of a hard link, none.
    pub(crate) size: u64,
    /// How many of them are holes, which need neither room nor data.
    pub(crate) holes: u64,
    /// Files of one group are read best by one thread, one after the other; `None`: those of one
    /// directory are.
    pub(crate) group: Option<NonZeroU64>,
    /// Which entry of the archive it is.
    pub(crate) index: u32,
}

/// What is to be made: no path twice, none below a file or a link, all within the limits.
///
/// Entries hold their names and not their paths: deep trees need no more memory than flat ones.
#[derive(Debug)]
pub struct Tree {
    pub(crate) directories: Vec<Directory>,
    pub(crate) leaves: Vec<Leaf>,
    names: Names,
    /// Bytes of names that are kept elsewhere.
    other_names: u64,
    known: Known,
    way: Way,
    bytes: u64,
    holes: u64,
    limits: Limits,
    /// Bytes of the archive itself, at least one.
    archive: u64,
}

/// What comes to a tree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct More {
    pub(crate) entries: u64,
    /// Unpacked.
    pub(crate) bytes: u64,
    /// How many of them are holes.
    pub(crate) holes: u64,
    /// Bytes of names.
    pub(crate) names: u64,
}

impl Tree {
    /// An empty tree: its root; `archive`: the archive's own bytes.
    pub(crate) fn new(limits: &Limits, archive: u64) -> Self {
        let root = Directory {
            name: Name::default(),
            parent: 0,
            depth: 0,
            path_length: 0,
            given: None,
        };
        Self {
            directories: vec![root],
            leaves: Vec::new(),
            names: Names::default(),
            other_names: 0,
            known: Known::default(),
            way: Way::default(),
            bytes: 0,
            holes: 0,
            limits: Limits {
                entries: limits.entries.min(MOST_ENTRIES),
                ..*limits
            },
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
        more: More,
    ) -> Result<(), ArchiveError> {
        let bytes = self.bytes.saturating_add(more.bytes);
        let data = bytes.saturating_sub(self.holes.saturating_add(more.holes));
        let names = self.names.length().saturating_add(self.other_names);
        for (of, found, allowed) in [
            (
                Limited::Entries,
                self.entries().saturating_add(more.entries),
                self.limits.entries,
            ),
            (Limited::Bytes, bytes, self.limits.bytes),
            (
                Limited::Ratio,
                data / self.archive,
                self.limits.ratio.into(),
            ),
            (
                Limited::Names,
                names.saturating_add(more.names),
                names::MOST,
            ),
        ] {
            if found > allowed {
                return Err(ArchiveError::limit(of, &entry(), found, allowed));
            }
        }
        Ok(())
    }

    /// Counts a name that is kept beside the tree.
    ///
    /// # Errors
    /// With it there are too many bytes of names.
    pub(crate) fn count_name(&mut self, name: &[u8]) -> Result<(), ArchiveError> {
        let more = More {
            names: name.len() as u64,
            ..More::default()
        };
        self.admit(|| name.to_vec(), more)?;
        self.other_names += more.names;
        Ok(())
    }

    /// Adds a directory with an entry of its own at a normalised path; returns its number. The root
    /// may have one too, though it is the caller's and stays as it is.
    pub(crate) fn add_directory(
        &mut self,
        path: &[u8],
        mode: u16,
        time: Time,
    ) -> Result<u32, ArchiveError> {
        let number = self.directory_at(path, TWICE)?;
        let given = &mut self.directories[number as usize].given;
        if given.replace((mode & 0o777, time)).is_some() {
            let shown = if path.is_empty() { b"." } else { path };
            return Err(ArchiveError::hostile(shown, TWICE));
        }
        Ok(number)
    }

    /// Adds a directory to another one; returns its number.
    pub(crate) fn add_directory_in(
        &mut self,
        parent: u32,
        name: &[u8],
        mode: u16,
        time: Time,
    ) -> Result<u32, ArchiveError> {
        let hash = self.known.hash(parent, name);
        if self.find(hash, parent, name).is_some() {
            return Err(ArchiveError::hostile(&self.path_in(parent, name), TWICE));
        }
        self.push_directory(hash, parent, name, Some((mode & 0o777, time)))
    }

    /// Adds a file or a link at a normalised path, which is not the root's and from which its name
    /// and directory are taken; returns its number.
    pub(crate) fn add_leaf(&mut self, path: &[u8], leaf: Leaf) -> Result<u32, ArchiveError> {
        let (directory, name) = split(path);
        let directory = self.directory_at(directory, BELOW)?;
        self.add_leaf_in(directory, name, leaf)
    }

    /// Adds a file or a link to a directory; returns its number.
    pub(crate) fn add_leaf_in(
        &mut self,
        directory: u32,
        name: &[u8],
        leaf: Leaf,
    ) -> Result<u32, ArchiveError> {
        let hash = self.known.hash(directory, name);
        if let Some(found) = self.find(hash, directory, name) {
            let what = match found {
                Numbered::Directory(number) if self.is_implied(number) => BELOW,
                _ => TWICE,
            };
            return Err(ArchiveError::hostile(&self.path_in(directory, name), what));
        }
        let more = More {
            entries: 1,
            bytes: leaf.size,
            holes: leaf.holes,
            names: name.len() as u64,
        };
        self.admit(|| self.path_in(directory, name), more)?;
        let number = self.leaves.len() as u32;
        self.known.insert(hash, Numbered::Leaf(number));
        self.bytes = self.bytes.saturating_add(leaf.size);
        self.holes = self.holes.saturating_add(leaf.holes);
        self.leaves.push(Leaf {
            directory,
            name: self.names.add(name),
            ..leaf
        });
        Ok(number)
    }

    /// What has that name in a directory; `hash`: of both.
    fn find(&self, hash: u32, directory: u32, name: &[u8]) -> Option<Numbered> {
        self.known.find(hash, |numbered| {
            let (its_directory, its_name) = match numbered {
                Numbered::Directory(number) => {
                    let directory = &self.directories[number as usize];
                    (directory.parent, directory.name)
                }
                Numbered::Leaf(number) => {
                    let leaf = &self.leaves[number as usize];
                    (leaf.directory, leaf.name)
                }
            };
            its_directory == directory && self.names.get(its_name) == name
        })
    }

    /// The bytes of a name.
    pub(crate) fn name(&self, name: Name) -> &[u8] {
        self.names.get(name)
    }

    /// The leaves of one kind, in the order of the archive.
    pub(crate) fn leaves_of(&self, kind: LeafKind) -> impl Iterator<Item = &Leaf> {
        self.leaves.iter().filter(move |leaf| leaf.kind == kind)
    }

    /// Whether a directory has no entry of its own.
    fn is_implied(&self, number: u32) -> bool {
        self.directories[number as usize].given.is_none()
    }

    /// The number of the directory at `path`, which is made with all above it where it is new;
    /// where a file or a link is there, `what` is wrong about it.
    fn directory_at(&mut self, path: &[u8], what: &str) -> Result<u32, ArchiveError> {
        let (mut begin, mut number) = self.way.to(path);
        while begin < path.len() {
            let end = memchr(b'/', &path[begin..]).map_or(path.len(), |length| begin + length);
            let what = if end < path.len() { BELOW } else { what };
            number = self.directory_in(number, &path[begin..end], what)?;
            self.way.found.push((end, number));
            begin = end + 1;
        }
        self.way.path.clear();
        self.way.path.extend_from_slice(path);
        Ok(number)
    }

    fn directory_in(&mut self, parent: u32, name: &[u8], what: &str) -> Result<u32, ArchiveError> {
        let hash = self.known.hash(parent, name);
        match self.find(hash, parent, name) {
            Some(Numbered::Directory(number)) => Ok(number),
            Some(Numbered::Leaf(_)) => {
                Err(ArchiveError::hostile(&self.path_in(parent, name), what))
            }
            None => self.push_directory(hash, parent, name, None),
        }
    }

    fn push_directory(
        &mut self,
        hash: u32,
        parent: u32,
        name: &[u8],
        given: Option<(u16, Time)>,
    ) -> Result<u32, ArchiveError> {
        let more = More {
            entries: 1,
            names: name.len() as u64,
            ..More::default()
        };
        self.admit(|| self.path_in(parent, name), more)?;
        let number = self.directories.len() as u32;
        self.known.insert(hash, Numbered::Directory(number));
        let (depth, path_length) = self.place_in(parent, name);
        let name = self.names.add(name);
        self.directories.push(Directory {
            name,
            parent,
            depth,
            path_length,
            given,
        });
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
        self.known = Known::default();
        self.way = Way::default();
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
pub(crate) const LONGEST_TARGET: u64 = 4095;

const BELOW: &str = "is a file or a link, and other entries lie below it";

const TWICE: &str = "is in the archive twice";

#[cfg(test)]
pub(crate) mod tests;
