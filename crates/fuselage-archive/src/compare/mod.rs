//! Compares a tree with the list of its files. Neither is trusted: others may have changed both, and
//! may go on changing the tree meanwhile. Nothing outside of the tree is looked at.

mod difference;
mod files;
mod found;
mod queue;
mod walk;

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

pub use difference::{Change, Difference, Kind};

use crate::compare::files::{Files, Reader};
use crate::compare::found::Found;
use crate::compare::queue::Queue;
use crate::compare::walk::Walk;
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::list::ListReader;

/// Compares the tree below `tree`, an open directory, with the `list` of its files,
/// as [`crate::Listed::write_with_list`] writes it, with `jobs` threads: every entry that is missing,
/// of another kind, mode, size, time, content or target, and every one too many. `progress` is told
/// of files and their bytes.
///
/// Returns at most `most` differences, in the order of their paths; there may be others then. What
/// is in a directory that is missing, or that is too many, is none by itself.
///
/// # Errors
/// `List`: that is no list; `Read`: what pread(2) says of it; `NotCompared`: there are no descriptors
/// or no memory left, or a directory was moved meanwhile.
pub fn compare(
    tree: BorrowedFd<'_>,
    list: BorrowedFd<'_>,
    jobs: usize,
    progress: Option<&(dyn Progress + Sync)>,
    most: usize,
) -> Result<Vec<Difference>, ArchiveError> {
    let list = File::from(list.try_clone_to_owned()?);
    let list = ListReader::new(&list)?;
    let (found, queue) = (Found::new(most), Queue::new(jobs));
    let files = Files::new(&found, progress);
    let help = || {
        let mut reader = Reader::new();
        while let Some(run) = queue.wait() {
            files.compare(&mut reader, &run);
        }
    };
    let walked = std::thread::scope(|scope| {
        for _ in 1..jobs {
            // One that cannot be had leaves its work to the others.
            let _ = std::thread::Builder::new().spawn_scoped(scope, help);
        }
        let walked = Walk::new(tree, &files, &queue).run(list);
        if walked.is_err() {
            found.stop();
        }
        queue.close();
        help();
        walked
    });
    // What the threads could not do comes before what the walk then left.
    let differences = found.all()?;
    walked?;
    Ok(differences)
}

fn not_compared(source: io::Error) -> ArchiveError {
    ArchiveError::NotCompared { source }
}
