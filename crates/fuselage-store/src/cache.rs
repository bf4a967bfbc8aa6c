//! The cache: what was once made of an archive, found again by the digest of the archive.
//!
//! An entry is a tree or an image, and a sentinel that is written last: without a valid one nothing is
//! used. Whoever uses an entry holds its sentinel locked together with others until the tree is mounted,
//! and whoever takes it away holds it alone. `docs/decisions/0015-the-cache.md` has the reasons.

mod build;
mod entry;
mod index;
mod name;
mod open;
mod sentinel;
mod staging;

pub use build::BuildLock;
pub use entry::{Entry, Found};
pub use name::{EntryName, Kind, NotAName};
pub use open::Cache;
pub use sentinel::{FORMAT, Sentinel};
pub use staging::{NewEntry, Snapshot, Staging};
