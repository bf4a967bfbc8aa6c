//! Extracts one archive in a worker.

use std::os::fd::{AsFd, BorrowedFd};

use fuselage_archive::{ArchiveError, Extraction, Format, Limits, detect_decoded};
use fuselage_linux::processors::processors;
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_plan::{ErrorReport, ExtractLimits, FormatName};

use crate::error::LaunchError;
use crate::execute::archive_worker::{self, report, space};
use crate::execute::progress::TerminalProgress;
use crate::execute::sources::Archive;

const VERB: &str = "extract";

/// What is to be extracted.
pub(crate) struct Work<'a> {
    pub(crate) archive: &'a Archive,
    /// What the plan says that it is; without it the worker looks.
    pub(crate) format: Option<&'a FormatName>,
    /// Where it begins in its file, in bytes, if the plan says what it is.
    pub(crate) offset: u64,
    /// An empty directory.
    pub(crate) into: BorrowedFd<'a>,
    pub(crate) limits: &'a ExtractLimits,
    /// Threads; `None`: as many as there are processors for this process.
    pub(crate) jobs: Option<u32>,
}

/// Extracts it; every failure of the worker is an error that names the archive.
pub(crate) fn extract(work: &Work<'_>) -> Result<(), LaunchError> {
    let path = &work.archive.path;
    archive_worker::run(VERB, path, work.into, |notes| in_worker(work, notes))
}

fn in_worker(work: &Work<'_>, notes: &SharedNotes) -> Result<(), ErrorReport> {
    let (format, offset) = format_and_offset(work)?;
    let limits = work.limits;
    let progress = TerminalProgress::new("extracting", &work.archive.path, notes);
    let how = Extraction {
        limits: Limits {
            entries: limits.entries,
            bytes: limits.bytes,
            depth: limits.depth,
            ratio: limits.ratio,
        },
        jobs: work.jobs.map_or_else(processors, |jobs| jobs as usize),
        space: space(&work.into),
        progress: Some(&progress),
    };
    let archive = work.archive.file.as_fd();
    let extracted = fuselage_archive::extract(archive, format, offset, work.into, &how);
    progress.end();
    extracted
        .map(drop)
        .map_err(|error| report(VERB, &work.archive.path, &error))
}

/// What the plan says, or what is found in a file that was decoded.
fn format_and_offset(work: &Work<'_>) -> Result<(Format, u64), ErrorReport> {
    if let Some(name) = work.format {
        let format = Format::named(&name.0).ok_or_else(|| {
            let why = format!("there is no format `{}`", name.0);
            LaunchError::PlanInvalid { why }.into_report()
        })?;
        return Ok((format, work.offset));
    }
    let refused = |error: ArchiveError| report(VERB, &work.archive.path, &error);
    let found = detect_decoded(work.archive.file.as_fd()).map_err(|error| refused(error.into()))?;
    match found.format {
        Some(format) => Ok((format, found.offset)),
        None => Err(refused(ArchiveError::unrecognised(found))),
    }
}
