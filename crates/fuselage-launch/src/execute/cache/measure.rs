//! The digest of an archive, found by a worker that reads all of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use fuselage_archive::Digest;
use fuselage_linux::confinement::FilesBy;
use fuselage_linux::open;
use fuselage_linux::own_file::is_settled;
use fuselage_linux::signals::ChildSignal;
use fuselage_plan::SourceEncoding;
use fuselage_store::cache::{Cache, Snapshot, Staging};

use crate::error::LaunchError;
use crate::execute::archive_worker::{About, ArchiveWorker, space_at};
use crate::execute::cache::{Unusable, Wanted};
use crate::execute::procdir::Storage;
use crate::execute::progress::{Amount, TerminalProgress};
use crate::execute::worker::Kept;

/// A directory in which nobody can make anything, and which is there on every host.
const NOWHERE: &str = "/proc/self/fdinfo";

/// An archive whose bytes were read.
pub(crate) struct Measured<'a> {
    /// Of the decoded archive.
    pub(crate) digest: Digest,
    /// Its bytes.
    pub(crate) length: u64,
    /// When reading began.
    pub(crate) begun: SystemTime,
    /// A copy of it that nobody else changes, where one was needed.
    pub(crate) copy: Option<(Staging<'a>, Snapshot)>,
}

/// Reads an archive. Text is decoded on the way; what may change unseen, since it changed just now, is
/// copied, so that what is extracted is what has the digest. Without a cache `own` to write there is no
/// copy.
pub(crate) fn measure<'a>(
    wanted: &Wanted<'_>,
    own: Option<&'a Cache>,
) -> Result<Measured<'a>, Unusable> {
    let begun = SystemTime::now();
    let file = wanted.archive.file.as_fd();
    let looked = |error: io::Error| LaunchError::ArchiveOpen {
        path: wanted.archive.path.clone(),
        source: error,
    };
    let plain = wanted.file.encoding == SourceEncoding::Plain;
    let settled = is_settled(file, begun).map_err(looked)?;
    let copy = match own {
        Some(own) if !(plain && settled) => Some(copy_into(own)?),
        _ => None,
    };
    let into = copy.as_ref().map(|(_, copy)| copy.writer.as_fd());
    let (length, digest) = read(wanted, plain, into)?;
    Ok(Measured {
        digest,
        length,
        begun,
        copy,
    })
}

fn copy_into(own: &Cache) -> Result<(Staging<'_>, Snapshot), Unusable> {
    let staging = own
        .stage()
        .map_err(|error| Unusable::because("it cannot be written", &error))?;
    let copy = staging
        .make_snapshot()
        .map_err(|error| Unusable::because("it cannot be written", &error))?;
    Ok((staging, copy))
}

fn read(
    wanted: &Wanted<'_>,
    plain: bool,
    into: Option<BorrowedFd<'_>>,
) -> Result<(u64, Digest), Unusable> {
    let nowhere = open::open_place(Path::new(NOWHERE))
        .map_err(|error| Unusable::because("there is no /proc", &error))?;
    let (file, offset) = (wanted.archive.file.as_fd(), wanted.file.offset);
    let length = wanted
        .archive
        .file
        .metadata()
        .map_or(0, |facts| facts.len());
    let space = match into {
        Some(into) => Some(
            space_at(into, Storage::Disk)
                .map_err(|error| Unusable::because("it cannot be looked at", &error))?,
        ),
        None => None,
    };
    let kept = Kept {
        root: nowhere.as_fd(),
        files: std::iter::once(file).chain(into).collect(),
        files_by: FilesBy::RootOrRules,
    };
    let children = Rc::new(ChildSignal::begin());
    let mut worker = ArchiveWorker::start(&children, &kept, |(), told| {
        let space = space.as_ref();
        match (plain, into) {
            (true, None) => fuselage_archive::digest(file, offset, Some(told)),
            (true, Some(into)) => fuselage_archive::copy(file, offset, into, space, Some(told)),
            (false, _) => {
                return fuselage_archive::decode_and_digest(file, into, space, Some(told));
            }
        }
        .map(|digest| (length.saturating_sub(offset), digest))
    })?;
    let about = About {
        verb: "read",
        path: wanted.archive.path.clone(),
        storage: Storage::Disk,
    };
    let total = Amount {
        entries: 0,
        bytes: length.saturating_sub(offset),
    };
    let mut progress = TerminalProgress::new("reading ", total);
    let watched = into.unwrap_or(file);
    worker
        .ask(&(), &about, watched, progress.as_mut())
        .map_err(Unusable::of_writing)
}
