//! What was evicted: it is moved to `trash/` first, and deleted when nobody has it mounted.
//!
//! A name there is `<name>~<last use>~<eviction>~<unique>`, times in milliseconds since the epoch: it
//! is found in mount tables, so there must never be a second one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use fuselage_linux::entry_facts::{entry_facts, move_entry};
use fuselage_linux::process;

use super::Cache;
use super::listing::now;

/// The directory.
pub(super) const TRASH: &str = "trash";

const MILLISECOND: i128 = 1_000_000;

/// When something was used and evicted, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) last_use: i128,
    pub(super) evicted: i128,
}

/// The times in a name; `None`: it is not one of these.
pub(super) fn times(name: &str) -> Option<Times> {
    let mut parts = name.rsplit('~').skip(1);
    let mut time = || Some(i128::from(parts.next()?.parse::<i64>().ok()?) * MILLISECOND);
    let (evicted, last_use) = (time()?, time()?);
    parts
        .next()
        .is_some()
        .then_some(Times { last_use, evicted })
}

/// The open directory.
pub(super) struct Trash {
    directory: OwnedFd,
}

impl Trash {
    /// Opens it; one that is missing is made.
    pub(super) fn open(cache: &Cache) -> io::Result<Self> {
        let directory = cache.own_directory(TRASH).map_err(io::Error::other)?;
        Ok(Self { directory })
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Moves an entry of a directory here and returns its name; `None`: there is none.
    pub(super) fn take(
        &self,
        from: BorrowedFd<'_>,
        name: &str,
        last_use: i128,
    ) -> io::Result<Option<String>> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let new = format!(
            "{name}~{}~{}~{}.{}",
            last_use / MILLISECOND,
            now() / MILLISECOND,
            process::own_pid(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let moved = move_entry((from, name.as_bytes()), (self.directory(), new.as_bytes()))?;
        Ok(moved.then_some(new))
    }

    /// When an item was used and evicted. Of one without times in its name it is unknown when it was
    /// used: it counts as used until it came here, which changed its ctime.
    pub(super) fn times(&self, name: &str) -> io::Result<Times> {
        match times(name) {
            Some(times) => Ok(times),
            None => {
                let facts = entry_facts(self.directory(), name.as_bytes())?;
                let changed = facts.map_or(0, |facts| facts.status.changed);
                Ok(Times {
                    last_use: changed,
                    evicted: changed,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_it_was_used_and_evicted() {
        let expected = Times {
            last_use: 12 * MILLISECOND,
            evicted: 34 * MILLISECOND,
        };
        assert_eq!(times("a~b.files~12~34~7.0"), Some(expected));
        for other in ["", "a", "12~34~7.0", "a~x~34~7", "a~12~~7"] {
            assert_eq!(times(other), None, "{other}");
        }
    }
}
