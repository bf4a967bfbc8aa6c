//! Decodes base64 text in a worker, into a file that has no name.

use std::os::fd::AsFd;
use std::rc::Rc;

use fuselage_linux::open;
use fuselage_linux::signals::ChildSignal;

use crate::error::LaunchError;
use crate::execute::archive_worker::{About, ArchiveWorker, space};
use crate::execute::image;
use crate::execute::procdir::Procdir;
use crate::execute::progress::{Amount, TerminalProgress};
use crate::execute::sources::Archive;
use crate::execute::worker::Kept;

const VERB: &str = "decode";

/// Decodes `text` into a new file in the private directory, which is open to read alone then. Nobody
/// else can ever open it, and it is gone when it is closed. What is to be mounted is filled up for
/// that.
pub(crate) fn decode(
    text: &Archive,
    procdir: &Procdir,
    to_be_mounted: bool,
) -> Result<Archive, LaunchError> {
    let root = procdir.root.as_fd();
    let failed_to_make = |source| procdir.failed(source);
    let file = open::make_unnamed_file(root).map_err(failed_to_make)?;
    // The worker needs no directory.
    let nowhere = open::make_removed_directory(root).map_err(failed_to_make)?;
    // Here, since it is read from files.
    let space = space(procdir)?;
    let (text_fd, into) = (text.file.as_fd(), file.writer.as_fd());
    let kept = Kept {
        root: nowhere.as_fd(),
        files: vec![text_fd, into],
        files_by: procdir.files_by(),
    };
    let children = Rc::new(ChildSignal::begin());
    let mut worker = ArchiveWorker::start(&children, &kept, |(), told| {
        fuselage_archive::decode(text_fd, into, Some(&space), Some(told)).map(drop)
    })?;
    let about = About {
        verb: VERB,
        path: text.path.clone(),
        storage: procdir.storage,
    };
    // Three bytes of each four; what is no payload makes it fewer.
    let length = text.file.metadata().map_or(0, |facts| facts.len());
    let total = Amount {
        entries: 0,
        bytes: length / 4 * 3,
    };
    let mut progress = TerminalProgress::new("decoding ", total);
    worker.ask(&(), &about, root, progress.as_mut())?;
    if to_be_mounted {
        image::fill_up(&file.writer).map_err(failed_to_make)?;
    }
    Ok(Archive {
        file: file.reader,
        path: text.path.clone(),
    })
}
