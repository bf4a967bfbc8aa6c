//! When a cache was pruned last, and that only one does it.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use fuselage_linux::entry_facts::entry_facts;
use fuselage_linux::file_lock::{lock, open_lock};
use fuselage_linux::own_file::open_file_to_read;

use super::Cache;

/// Its mtime is the time; one without content is of nobody who was done.
const LAST: &str = "last-prune";
const LOCK: &[u8] = b"prune.lock";

/// The right to prune a cache, as long as this exists.
#[derive(Debug)]
pub struct PruneLock {
    _lock: OwnedFd,
}

impl Cache {
    /// When it was claimed last; `None`: never.
    pub fn last_prune(&self) -> Option<SystemTime> {
        let facts = entry_facts(self.directory(), LAST.as_bytes()).ok()??;
        if !facts.status.is_file || facts.status.size == 0 {
            return None;
        }
        let file = open_file_to_read(self.directory(), LAST).ok()?;
        file.metadata().ok()?.modified().ok()
    }

    /// Notes that it is pruned now, if that is longer ago than `interval` or in the future; of several
    /// that ask at once one gets true.
    ///
    /// # Errors
    /// What openat(2), flock(2) and write(2) say.
    pub fn claim_prune(&self, interval: Duration) -> io::Result<bool> {
        let Some(file) = open_lock(self.directory(), LAST.as_bytes())? else {
            return Ok(false);
        };
        let file = File::from(file);
        if !lock(&file)? {
            return Ok(false);
        }
        let found = file.metadata()?;
        // An error is a time in the future.
        let age = found.modified()?.elapsed();
        if found.len() > 0 && age.is_ok_and(|age| age < interval) {
            return Ok(false);
        }
        note(&file).map(|()| true)
    }

    /// The right to prune; `None`: somebody else does.
    ///
    /// # Errors
    /// What openat(2) and flock(2) say.
    pub fn lock_prune(&self) -> io::Result<Option<PruneLock>> {
        let Some(file) = open_lock(self.directory(), LOCK)? else {
            return Err(io::Error::other("prune.lock is no file"));
        };
        Ok(lock(&file)?.then_some(PruneLock { _lock: file }))
    }
}

/// Sets the time and says that it is one.
fn note(mut file: &File) -> io::Result<()> {
    file.rewind()?;
    file.write_all(b"1")?;
    file.set_modified(SystemTime::now())
}
