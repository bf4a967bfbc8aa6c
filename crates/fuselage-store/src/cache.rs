//! The cache: what was once made of an archive, found again by the digest of the archive.
//!
//! An entry is a tree or an image, and a sentinel that is written last and removed first: without a
//! valid one nothing is used. Whoever uses an entry holds its sentinel locked together with others
//! until the tree is mounted, and whoever takes it away holds it alone.
//! `docs/decisions/0016-the-cache.md` has the reasons.

mod away;
mod build;
mod decision;
mod entry;
mod file_name;
mod index;
mod leavings;
mod listed_entry;
mod listing;
mod lock_file;
mod name;
mod open;
mod prune;
mod read;
mod removal;
mod seal;
mod sentinel;
mod staging;
mod trash;

pub use build::BuildLock;
pub use decision::{Decision, Outcome, Removed, Target};
pub use entry::{Entry, Examined, Found};
pub use leavings::{Leaving, LeavingKind};
pub use listed_entry::{ListedEntry, State};
pub use listing::{Listing, Use};
pub use name::{EntryName, Kind, NotAName};
pub use open::Cache;
pub use prune::PruneLock;
pub use sentinel::{FORMAT, Sentinel};
pub use staging::{NewEntry, Snapshot, Staging};
