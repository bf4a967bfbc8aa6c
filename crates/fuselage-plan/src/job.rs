//! What the launcher does in place of a run.

use serde::{Deserialize, Serialize};

use crate::path::PlanPath;
use crate::step::{ArchiveFile, CacheKind, ExtractLimits};

/// A job for the launcher. It prints the result to standard output, for people or as JSON, and ends
/// with 0, with 1 for a negative answer, or with an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(
    tag = "job",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Job {
    /// `cache add`: makes sure that a cache has these archives, on the disk when it ends.
    CacheAdd {
        /// The package version; any other is refused.
        version: String,
        /// The cache.
        cache: CachePlace,
        /// What is added, in order.
        archives: Vec<CachedArchive>,
        /// What each may at most unpack to.
        limits: ExtractLimits,
        /// Threads; without it as many as the processors this process may use.
        jobs: Option<u32>,
        /// Whether the result is printed as JSON.
        json: bool,
    },
    /// `cache verify`: compares trees with their lists of files.
    CacheVerify {
        /// The package version; any other is refused.
        version: String,
        /// The cache.
        cache: CachePlace,
        /// Names of entries, as `cache list` has them; none: all.
        entries: Vec<String>,
        /// Whether entries that are not as they were made are removed.
        repair: bool,
        /// Threads; without it as many as the processors this process may use.
        jobs: Option<u32>,
        /// Whether the result is printed as JSON.
        json: bool,
    },
    /// `cache path FILE`: finds the tree of an archive; 1 where there is none.
    CachePath {
        /// The package version; any other is refused.
        version: String,
        /// The home whose cache is looked at first, where there is a usable one.
        home: Option<PlanPath>,
        /// Further caches.
        others: Vec<PlanPath>,
        /// The archive.
        archive: CachedArchive,
        /// Whether the result is printed as JSON.
        json: bool,
    },
}

/// A cache that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum CachePlace {
    /// `cache` in this home.
    Home(PlanPath),
    /// A directory of its own, for others to read (`--to`); made 0755.
    Shared(PlanPath),
}

/// An archive, and what is to be kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CachedArchive {
    /// The archive.
    pub archive: ArchiveFile,
    /// What is kept.
    pub kind: CacheKind,
}
