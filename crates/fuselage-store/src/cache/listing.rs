//! What is in a cache: entries, and what is left of others.

use std::collections::HashSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::{SystemTime, UNIX_EPOCH};

use fuselage_linux::in_use::{Mounted, Sight};
use fuselage_linux::network_file_system::network_file_system;
use fuselage_linux::own_directory::names;

use super::Cache;
use super::file_name::{self, Role};
use super::leavings::{self, Leaving, LeavingKind};
use super::listed_entry::{ListedEntry, Observer};

/// Everything in a cache directory.
#[derive(Debug)]
pub struct Listing {
    /// By their sentinels, those that no run would use too.
    pub entries: Vec<ListedEntry>,
    /// What is no entry, and fuselage's.
    pub leavings: Vec<Leaving>,
    /// Whether everybody was seen who may have something mounted.
    pub sight: Sight,
    /// When something was removed by a decision last.
    pub last_prune: Option<SystemTime>,
}

/// Whether somebody uses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Somebody has it mounted.
    Yes,
    /// Nobody has.
    No,
    /// Nobody who was seen has, and not everybody was seen.
    Unknown,
}

impl Use {
    /// Of what is named so.
    pub(super) fn of(mounted: &Mounted, sight: &Sight, name: &str) -> Self {
        match sight {
            _ if mounted.has(name.as_bytes()) => Self::Yes,
            Sight::Whole => Self::No,
            Sight::Partial(_) => Self::Unknown,
        }
    }
}

impl Cache {
    /// Lists what is there, without making or changing anything. What cannot be looked at is listed
    /// as invalid or left out.
    ///
    /// # Errors
    /// The directory itself cannot be read.
    pub fn listing(&self) -> io::Result<Listing> {
        // Before the scan: who has come since has an entry of which only too little is said.
        let names = texts(self.directory())?;
        let mounted = Mounted::scan();
        let sight = self.sight(&mounted);
        let in_use = |name: &str| Use::of(&mounted, &sight, name);
        let observer = Observer::current();
        let mut entries = Vec::new();
        let sentinels: HashSet<&str> = names
            .iter()
            .filter_map(|name| match file_name::parse(name)? {
                (entry, Role::Sentinel) => Some(entry.whole),
                _ => None,
            })
            .collect();
        let mut leavings = Vec::new();
        for name in &names {
            let Some((entry, role)) = file_name::parse(name) else {
                continue;
            };
            let kind = match role {
                Role::Sentinel => {
                    let used = in_use(entry.whole);
                    entries.extend(ListedEntry::look(self.directory(), entry, &observer, used));
                    continue;
                }
                Role::Data | Role::List if sentinels.contains(entry.whole) => continue,
                Role::Data => LeavingKind::Data,
                Role::List => LeavingKind::List,
                Role::Lock => LeavingKind::Lock,
                Role::Temporary => LeavingKind::Temporary,
            };
            leavings.extend(leavings::look(self.directory(), name, kind, in_use(name)));
        }
        let digests: HashSet<&str> = entries.iter().map(|entry| entry.digest.as_str()).collect();
        leavings.append(&mut leavings::of_index(self.directory(), &digests));
        leavings.append(&mut leavings::of_staging(self.directory()));
        leavings.append(&mut leavings::of_trash(self.directory(), in_use));
        Ok(Listing {
            entries,
            leavings,
            sight,
            last_prune: self.last_prune(),
        })
    }

    /// What a scan has seen of those who may use this cache.
    pub(super) fn sight(&self, mounted: &Mounted) -> Sight {
        let sight = mounted.sight().clone();
        match network_file_system(self.directory()) {
            Ok(None) => sight,
            Ok(Some(name)) => sight.without(format!(
                "the cache is on a file system that other hosts may use ({name})"
            )),
            Err(error) => sight.without(format!("statfs of the cache fails: {error}")),
        }
    }
}

/// Names that are text: ours all are.
pub(super) fn texts(directory: BorrowedFd<'_>) -> io::Result<Vec<String>> {
    let mut texts: Vec<String> = names(directory)?
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .collect();
    texts.sort_unstable();
    Ok(texts)
}

/// Nanoseconds since the epoch.
pub(super) fn now() -> i128 {
    let since = |time: std::time::Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(time) => since(time),
        Err(before) => -since(before.duration()),
    }
}
