//! What is gathered for the list of a tree's files while the tree is written.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fuselage_linux::look_beneath::EntryStatus;

use crate::digest::Digest;
use crate::tree::Time;

/// What the file system has kept of an entry, which may be less than it was given: times are cut to
/// what it can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) mode: u32,
    pub(crate) time: Time,
}

impl From<EntryStatus> for Kept {
    fn from(status: EntryStatus) -> Self {
        Self {
            mode: status.mode,
            time: Time {
                seconds: status.seconds,
                nanoseconds: status.nanoseconds,
            },
        }
    }
}

/// Gathered by several threads. Leaves are known by the index of their entry of the archive.
#[derive(Debug, Default)]
pub(crate) struct Listing(Mutex<Gathered>);

/// All that was gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// By number.
    pub(crate) directories: HashMap<u32, Kept>,
    pub(crate) files: HashMap<u32, (Digest, Kept)>,
    /// With their targets.
    pub(crate) symlinks: HashMap<u32, (Vec<u8>, Kept)>,
}

impl Listing {
    pub(crate) fn directory(&self, number: u32, status: EntryStatus) {
        self.add(|gathered| gathered.directories.insert(number, status.into()));
    }

    pub(crate) fn file(&self, index: u32, digest: Digest, status: EntryStatus) {
        self.add(|gathered| gathered.files.insert(index, (digest, status.into())));
    }

    pub(crate) fn symlink(&self, index: u32, target: Vec<u8>, status: EntryStatus) {
        self.add(|gathered| gathered.symlinks.insert(index, (target, status.into())));
    }

    fn add<T>(&self, add: impl FnOnce(&mut Gathered) -> T) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// All of it, when no thread adds any more.
    pub(crate) fn gathered(self) -> Gathered {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
