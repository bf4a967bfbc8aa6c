//! What is done in place of a run: jobs that need an archive to be read.

mod add;
mod output;
mod path;
mod verify;

use std::path::{Path, PathBuf};

use fuselage_linux::open;
use fuselage_plan::{CachePlace, CachedArchive, ExtractLimits, Job};
use fuselage_store::cache::Cache;
use fuselage_store::open_home;

use crate::error::LaunchError;
use crate::execute::{Wanted, open_archive};

/// The exit status of a negative answer.
const NEGATIVE: u8 = 1;

/// Does it and prints what came of it; the exit status.
pub(crate) fn perform(job: &Job) -> Result<u8, LaunchError> {
    let (Job::CacheAdd { version, .. }
    | Job::CacheVerify { version, .. }
    | Job::CachePath { version, .. }) = job;
    if version != fuselage_plan::VERSION {
        return Err(LaunchError::PlanInvalid {
            why: format!("the job is of version {version}"),
        });
    }
    // Modes are given when files are made.
    open::replace_umask(0);
    match job {
        Job::CacheAdd {
            cache,
            archives,
            limits,
            jobs,
            json,
            ..
        } => add::add(cache, archives, limits, *jobs, *json),
        Job::CacheVerify {
            cache,
            entries,
            repair,
            jobs,
            json,
            ..
        } => verify::verify(cache, entries, *repair, *jobs, *json),
        Job::CachePath {
            home,
            others,
            archive,
            json,
            ..
        } => path::path(home.as_ref(), others, archive, *json),
    }
}

/// Opens the cache that is written, and makes it if it is missing.
fn make_cache(place: &CachePlace) -> Result<Cache, LaunchError> {
    Ok(match place {
        CachePlace::Home(home) => open_home(home.as_os_str().as_ref())?.make_cache()?,
        CachePlace::Shared(path) => Cache::make_shared(&absolute(path.as_os_str().as_ref()))?,
    })
}

fn absolute(path: &Path) -> PathBuf {
    std::env::current_dir().map_or_else(|_| path.to_owned(), |directory| directory.join(path))
}

/// Opens an archive, and does something with what is wanted of it.
fn with_wanted<T>(
    archive: &CachedArchive,
    limits: &ExtractLimits,
    jobs: Option<u32>,
    body: impl FnOnce(&Wanted<'_>) -> T,
) -> Result<T, LaunchError> {
    let opened = open_archive(&archive.archive.source)?;
    let wanted = Wanted {
        archive: &opened,
        file: &archive.archive,
        kind: archive.kind,
        limits,
        jobs,
    };
    Ok(body(&wanted))
}
