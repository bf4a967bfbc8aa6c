//! Work on an archive in a worker: whatever becomes of it, the answer names the archive.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use fuselage_archive::{ArchiveError, Space};
use fuselage_linux::causes;
use fuselage_linux::memory::{free_bytes, memory_facts};
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_plan::ErrorReport;
use serde::{Deserialize, Serialize};

use crate::error::{LaunchError, WorkerEnd};
use crate::execute::watchdog::{ALLOWANCE, INTERVAL, Watchdog};
use crate::execute::worker::{self, Worked};

#[derive(Serialize, Deserialize)]
enum WorkerAnswer {
    Done,
    Failed(ErrorReport),
}

/// Runs `work` on the archive at `path` in a worker that writes to the file system of `directory`;
/// `verb` is what it does to the archive. The worker notes at which entries it is.
pub(crate) fn run(
    verb: &'static str,
    path: &Path,
    directory: BorrowedFd<'_>,
    work: impl FnOnce(&SharedNotes) -> Result<(), ErrorReport>,
) -> Result<(), LaunchError> {
    let notes = SharedNotes::new().map_err(|error| LaunchError::system("share memory", error))?;
    let in_worker = || {
        let answer = match work(&notes) {
            Ok(()) => WorkerAnswer::Done,
            Err(report) => WorkerAnswer::Failed(report),
        };
        serde_json::to_vec(&answer).unwrap_or_default()
    };
    // An entry that was begun, or anything that was written.
    let progress = || (notes.read(), free_bytes(directory).ok());
    let mut watchdog = Watchdog::new(ALLOWANCE);
    let answer = worker::run(in_worker, INTERVAL, |used| {
        watchdog.is_stuck(progress(), used)
    })
    .map_err(|error| LaunchError::system("start a process to read an archive in", error))?;
    match answer {
        Worked::Answer(bytes) => match serde_json::from_slice(&bytes) {
            Ok(WorkerAnswer::Done) => Ok(()),
            Ok(WorkerAnswer::Failed(report)) => Err(LaunchError::Reported(report)),
            Err(error) => Err(LaunchError::system(
                "read the worker's answer",
                error.into(),
            )),
        },
        Worked::Died(how) => Err(died(verb, path, WorkerEnd::Died(how), &notes)),
        Worked::Stuck => Err(died(verb, path, WorkerEnd::Stuck(ALLOWANCE), &notes)),
    }
}

fn died(verb: &'static str, path: &Path, how: WorkerEnd, notes: &SharedNotes) -> LaunchError {
    let entries = notes.read();
    let entries = entries
        .iter()
        .map(|note| String::from_utf8_lossy(note).into_owned());
    LaunchError::WorkerDied {
        verb,
        archive: path.to_owned(),
        how,
        entries: entries.collect(),
    }
}

/// What there is room for in a directory of the run's tmpfs: what that still takes, or what the
/// control group does.
pub(crate) fn space(directory: &impl AsFd) -> Option<Space> {
    let (bytes, inodes) = free_bytes(directory.as_fd()).ok()?;
    let cgroup = memory_facts().ok().and_then(|facts| facts.cgroup_left);
    Some(match cgroup {
        Some(left) if left < bytes => Space {
            bytes: left,
            inodes,
            limited_by: "the memory limit of the control group",
        },
        _ => Space {
            bytes,
            inodes,
            limited_by: "the size of the run's tmpfs",
        },
    })
}

/// The error of the archive at `path` as it crosses a border.
pub(crate) fn report(verb: &str, path: &Path, error: &ArchiveError) -> ErrorReport {
    let mut reasons = vec![error.to_string()];
    reasons.extend(causes::causes(error));
    ErrorReport {
        code: error.code().to_owned(),
        message: format!("cannot {verb} {}", path.display()),
        hints: error.hints(),
        causes: reasons,
        exit_code: 125,
    }
}
