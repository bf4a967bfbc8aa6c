//! Compares a tree of the cache with the list of its files, in a worker.

use std::os::fd::AsFd;
use std::rc::Rc;

use fuselage_archive::{Difference, digest};
use fuselage_linux::confinement::FilesBy;
use fuselage_linux::own_directory::open_to_read;
use fuselage_linux::processors::processors;
use fuselage_linux::signals::ChildSignal;
use fuselage_store::cache::{Cache, Entry, EntryName};

use crate::error::LaunchError;
use crate::execute::archive_worker::{About, ArchiveWorker};
use crate::execute::procdir::Storage;
use crate::execute::progress::{Amount, TerminalProgress};
use crate::execute::worker::Kept;

/// More are not told.
const MOST: usize = 1000;

/// What came of it.
pub(crate) enum Compared {
    /// It is as it was made, but for these.
    Differs(Vec<Difference>),
    /// There is nothing to compare it with: why, in words.
    WithoutList(String),
}

/// Compares the tree of an entry with its list, with `jobs` threads.
///
/// # Errors
/// The worker died, or has no descriptors or no memory left.
pub(crate) fn compare(
    cache: &Cache,
    name: &EntryName,
    entry: &Entry,
    jobs: Option<u32>,
) -> Result<Compared, LaunchError> {
    let list = match cache.open_list(name) {
        Ok(list) => list,
        Err(error) => {
            return Ok(Compared::WithoutList(format!(
                "its list cannot be read: {error}"
            )));
        }
    };
    match digest(list.as_fd(), 0, None) {
        Ok(found) if Some(found) == entry.sentinel().list => {}
        _ => {
            return Ok(Compared::WithoutList(
                "its list is not that which was made".to_owned(),
            ));
        }
    }
    let tree = match open_to_read(entry.data()) {
        Ok(tree) => tree,
        Err(error) => return Ok(Compared::WithoutList(format!("it cannot be read: {error}"))),
    };
    let jobs = jobs.map_or_else(processors, |jobs| jobs as usize);
    let kept = Kept {
        root: tree.as_fd(),
        files: vec![list.as_fd()],
        files_by: FilesBy::RootOrRules,
    };
    let children = Rc::new(ChildSignal::begin());
    let mut worker = ArchiveWorker::start(&children, &kept, |(), told| {
        fuselage_archive::compare(tree.as_fd(), list.as_fd(), jobs, Some(told), MOST)
    })?;
    let about = About {
        verb: "compare",
        path: entry.path(),
        storage: Storage::Disk,
    };
    let total = Amount {
        entries: entry.sentinel().entries,
        bytes: entry.sentinel().bytes,
    };
    let mut progress = TerminalProgress::new("comparing ", total);
    worker
        .ask(&(), &about, tree.as_fd(), progress.as_mut())
        .map(Compared::Differs)
}
