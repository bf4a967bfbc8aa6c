//! Decodes base64 text in a worker, into a file that has no name.

use std::os::fd::AsFd;
use std::path::Path;

use fuselage_linux::open;

use crate::error::LaunchError;
use crate::execute::archive_worker::{self, report, space};
use crate::execute::progress::TerminalProgress;
use crate::execute::sources::Archive;

const VERB: &str = "decode";

/// Decodes `text` into a new file on the file system of `directory`. Nobody else can ever open it,
/// and it is gone when it is closed.
pub(crate) fn decode(text: &Archive, directory: &Path) -> Result<Archive, LaunchError> {
    let failed = |source| LaunchError::Directory {
        path: directory.to_owned(),
        source,
    };
    let opened = open::open_directory(directory).map_err(failed)?;
    let file = open::make_unnamed_file(opened.as_fd()).map_err(failed)?;
    archive_worker::run(VERB, &text.path, directory, |notes| {
        let progress = TerminalProgress::new("decoding", &text.path, notes);
        let space = space(&opened);
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
