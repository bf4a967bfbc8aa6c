//! Looking at any file.

use fuselage_linux::file_facts::{self, FileKind, file_facts};
use napi::bindgen_prelude::{Buffer, Either, Null};
use napi_derive::napi;

use crate::outcome::{FileFound, FileOutcome};
use crate::path::path;
use crate::report::ErrorReport;

/// What stands at a path.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct FileFacts {
    /// What the launcher compares when it opens the file.
    pub identity: String,
    /// `file`, `directory`, `other`.
    #[napi(ts_type = "'file' | 'directory' | 'other'")]
    pub kind: &'static str,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The owner's uid.
    pub owner: u32,
    /// Bytes.
    pub length: i64,
}

impl From<file_facts::FileFacts> for FileFacts {
    fn from(facts: file_facts::FileFacts) -> Self {
        Self {
            identity: facts.identity,
            kind: match facts.kind {
                FileKind::File => "file",
                FileKind::Directory => "directory",
                FileKind::Other => "other",
            },
            mode: facts.mode,
            owner: facts.owner,
            length: i64::try_from(facts.length).unwrap_or(i64::MAX),
        }
    }
}

/// What a path leads to, symbolic links followed; null when nothing is there.
#[napi]
pub fn inspect_file(file: Buffer) -> FileOutcome {
    let path = path(&file);
    let found = |facts: Option<file_facts::FileFacts>| -> FileFound {
        facts.map_or(Either::B(Null), |facts| Either::A(facts.into()))
    };
    file_facts(path)
        .map(found)
        .map_err(|error| {
            let hint = "make the directories above it searchable for this user";
            ErrorReport::call("ERR_ARCHIVE_OPEN", "look at", path, &error, hint)
        })
        .into()
}
