//! Extracts one archive in a worker.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use fuselage_archive::{ArchiveError, Extraction, Format, Limits, Space};
use fuselage_linux::causes;
use fuselage_linux::memory::{free_bytes, memory_facts};
use fuselage_linux::processors::processors;
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_plan::{ErrorReport, ExtractLimits, FormatName};
use serde::{Deserialize, Serialize};

use crate::error::LaunchError;
use crate::execute::progress::TerminalProgress;
use crate::execute::sources::Archive;
use crate::execute::worker::{self, Worked};

/// What is to be extracted.
pub(crate) struct Work<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) format: &'a FormatName,
    /// An empty directory.
    pub(crate) into: BorrowedFd<'a>,
    pub(crate) limits: &'a ExtractLimits,
    /// Threads; `None`: as many as there are processors for this process.
    pub(crate) jobs: Option<u32>,
}

#[derive(Serialize, Deserialize)]
enum WorkerAnswer {
    Extracted,
    Failed(ErrorReport),
}

/// Extracts it; every failure of the worker is an error that names the archive.
pub(crate) fn extract(work: &Work<'_>) -> Result<(), LaunchError> {
    let notes = SharedNotes::new().map_err(|error| LaunchError::system("share memory", error))?;
    let answer = worker::run(|| {
        let answer = match in_worker(work, &notes) {
            Ok(()) => WorkerAnswer::Extracted,
            Err(report) => WorkerAnswer::Failed(report),
        };
        serde_json::to_vec(&answer).unwrap_or_default()
    })
    .map_err(|error| LaunchError::system("start a process to extract in", error))?;
    match answer {
        Worked::Answer(bytes) => match serde_json::from_slice(&bytes) {
            Ok(WorkerAnswer::Extracted) => Ok(()),
            Ok(WorkerAnswer::Failed(report)) => Err(LaunchError::Reported(report)),
            Err(error) => Err(LaunchError::system(
                "read the worker's answer",
                error.into(),
            )),
        },
        Worked::Died(how) => {
            let entries = notes.read();
            let entries = entries
                .iter()
                .map(|note| String::from_utf8_lossy(note).into_owned());
            Err(LaunchError::WorkerDied {
                archive: work.archive.path.clone(),
                how,
                entries: entries.collect(),
            })
        }
    }
}

fn in_worker(work: &Work<'_>, notes: &SharedNotes) -> Result<(), ErrorReport> {
    let format = Format::named(&work.format.0).ok_or_else(|| {
        let why = format!("there is no format `{}`", work.format.0);
        LaunchError::PlanInvalid { why }.into_report()
    })?;
    let limits = work.limits;
    let progress = TerminalProgress::new(&work.archive.path, notes);
    let how = Extraction {
        limits: Limits {
            entries: limits.entries,
            bytes: limits.bytes,
            depth: limits.depth,
            ratio: limits.ratio,
        },
        jobs: work.jobs.map_or_else(processors, |jobs| jobs as usize),
        space: space(work.into),
        progress: Some(&progress),
    };
    let extracted = fuselage_archive::extract(work.archive.file.as_fd(), format, work.into, &how);
    progress.end();
    extracted
        .map(drop)
        .map_err(|error| report(&work.archive.path, &error))
}

/// What there is room for: what the tmpfs still takes, or what the control group does.
fn space(into: BorrowedFd<'_>) -> Option<Space> {
    let (bytes, inodes) = free_bytes(into).ok()?;
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

fn report(archive: &Path, error: &ArchiveError) -> ErrorReport {
    let mut reasons = vec![error.to_string()];
    reasons.extend(causes::causes(error));
    ErrorReport {
        code: error.code().to_owned(),
        message: format!("cannot extract {}", archive.display()),
        hints: error.hints(),
        causes: reasons,
        exit_code: 125,
    }
}
