//! Decodes base64 text in a worker, into a file that has no name.

use std::os::fd::AsFd;

use fuselage_linux::open;

use crate::error::LaunchError;
use crate::execute::archive_worker::{self, report, space};
use crate::execute::procdir::Procdir;
use crate::execute::progress::TerminalProgress;
use crate::execute::sources::Archive;

const VERB: &str = "decode";

/// Decodes `text` into a new file on the run's tmpfs. Nobody else can ever open it, and it is gone
/// when it is closed.
pub(crate) fn decode(text: &Archive, procdir: &Procdir) -> Result<Archive, LaunchError> {
    let root = procdir.root.as_fd();
    let file = open::make_unnamed_file(root).map_err(|source| LaunchError::Directory {
        path: procdir.path.clone(),
        source,
    })?;
    archive_worker::run(VERB, &text.path, root, |notes| {
        let progress = TerminalProgress::new("decoding", &text.path, notes);
        let space = space(&root);
        let decoded = fuselage_archive::decode(
            text.file.as_fd(),
            file.as_fd(),
            space.as_ref(),
            Some(&progress),
        );
        progress.end();
        decoded
            .map(drop)
            .map_err(|error| report(VERB, &text.path, &error))
    })?;
    Ok(Archive {
        file,
        path: text.path.clone(),
    })
}
