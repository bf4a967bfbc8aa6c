//! The cache: what archives are like unpacked, kept between runs, in `cache/` of the home.
//!
//! An entry counts by its *sentinel*, which is written last and removed first.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::home::Home;

mod decision;
mod file_name;
mod leavings;
mod listed_entry;
mod listing;
mod prune;
mod removal;
mod trash;

pub use decision::{Decision, Outcome, Removed, Target};
pub use leavings::{Leaving, LeavingKind};
pub use listed_entry::{ListedEntry, State};
pub use listing::{Listing, Use};
pub use prune::PruneLock;

/// The number of the format of entries, a part of their names.
pub const FORMAT: u32 = 1;

/// An open cache directory.
#[derive(Debug)]
pub struct Cache {
    directory: OwnedFd,
    path: PathBuf,
}

impl Cache {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Itself (`O_PATH`).
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Home {
    /// Its cache; `None`: there is none that is this user's.
    pub fn cache(&self) -> Option<Cache> {
        Some(Cache {
            directory: self.own_directory_there("cache")?,
            path: self.path().join("cache"),
        })
    }
}
