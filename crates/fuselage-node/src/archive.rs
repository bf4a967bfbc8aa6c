//! Looking at a file that the user gave as an archive.

use std::fs::{File, FileType};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use fuselage_archive::{Encoding, Format, detect};
use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open::open_source;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::ArchiveOutcome;
use crate::path::path;
use crate::report::ErrorReport;

/// What a file is as an archive.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct ArchiveFacts {
    /// What the launcher compares when it opens the file.
    pub identity: String,
    /// Bytes of the file.
    pub length: i64,
    /// `plain`; `base64`: it is to be decoded first.
    pub encoding: &'static str,
    /// The name of the format, or null when it is none that is accepted, or shows only when
    /// decoded.
    pub format: Option<&'static str>,
    /// Where the archive begins in the file, in bytes.
    pub offset: i64,
    /// How long an image says that it is, in bytes; of base64 text the one that is decoded.
    pub image_length: Option<i64>,
    /// In words, for messages.
    pub looks_like: String,
    /// What helps somebody who gave this file, if it is none that is accepted.
    pub advice: Option<&'static str>,
    /// Everything that is accepted, for messages.
    pub accepted: Vec<&'static str>,
}

/// Where it is not the user who is in the way.
const COPY: &str = "copy the archive to a disk of this machine, and name the copy";

/// Opens a regular file for reading and tells what archive it is.
#[napi(catch_unwind)]
pub fn inspect_archive(archive: Buffer) -> ArchiveOutcome {
    inspect(path(&archive)).into()
}

fn inspect(path: &Path) -> Result<ArchiveFacts, ErrorReport> {
    let file = open_regular(path)?;
    let failed =
        |error| ErrorReport::call("ERR_ARCHIVE_OPEN", "read the archive", path, &error, COPY);
    let identity = file_identity(&file).map_err(failed)?;
    let detection = detect(file.as_fd()).map_err(failed)?;
    Ok(ArchiveFacts {
        identity,
        length: i64::try_from(detection.length).unwrap_or(i64::MAX),
        encoding: match detection.encoding {
            Encoding::Plain => "plain",
            Encoding::Base64 => "base64",
        },
        format: detection.format.map(|format| format.name()),
        offset: i64::try_from(detection.offset).unwrap_or(i64::MAX),
        image_length: detection
            .image_length
            .and_then(|length| i64::try_from(length).ok()),
        looks_like: detection.looks_like,
        advice: detection.advice,
        accepted: Format::accepted().collect(),
    })
}

fn open_regular(path: &Path) -> Result<File, ErrorReport> {
    let file = open_source(path).map_err(|error| not_opened(path, &error))?;
    let failed = |error| {
        ErrorReport::call(
            "ERR_ARCHIVE_OPEN",
            "look at the archive",
            path,
            &error,
            COPY,
        )
    };
    let kind = file.metadata().map_err(failed)?.file_type();
    if kind.is_file() {
        Ok(file)
    } else {
        Err(not_regular(path, kind))
    }
}

fn not_opened(path: &Path, error: &io::Error) -> ErrorReport {
    let report = |code, hint| ErrorReport::call(code, "open the archive", path, error, hint);
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory if path.is_symlink() => {
            let hint = "it is a symbolic link: make it lead to the archive";
            report("ERR_ARCHIVE_MISSING", hint)
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            let hint = "check the path; a relative one starts at the working directory";
            report("ERR_ARCHIVE_MISSING", hint)
        }
        ErrorKind::PermissionDenied => {
            let hint =
                "make the file readable for this user, and the directories above it searchable";
            report("ERR_ARCHIVE_OPEN", hint)
        }
        // Sockets and some devices cannot be opened at all (ENXIO).
        _ => match path.metadata().map(|found| found.file_type()) {
            Ok(kind) if !kind.is_file() => not_regular(path, kind),
            _ => report("ERR_ARCHIVE_OPEN", COPY),
        },
    }
}

fn not_regular(path: &Path, kind: FileType) -> ErrorReport {
    let (what, hint) = match kind {
        kind if kind.is_dir() => (
            "a directory",
            "put it into a zip archive first, and give that",
        ),
        kind if kind.is_fifo() => (
            "a FIFO",
            "write it to a file first: archives are read from their end",
        ),
        kind if kind.is_socket() => ("a socket", "give a file"),
        kind if kind.is_block_device() => ("a block device", "copy it to a file first"),
        _ => ("a character device", "give a file"),
    };
    ErrorReport::new(
        "ERR_ARCHIVE_NOT_REGULAR",
        format!("cannot use {} as an archive", path.display()),
        vec![format!("it is {what}, not a regular file")],
        vec![hint.to_owned()],
    )
}
