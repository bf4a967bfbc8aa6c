//! Why an archive is not extracted.

use std::io;

use thiserror::Error;

use crate::detect::Detection;
use crate::format::Format;

/// An archive that is refused, or a tree that cannot be written.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It contradicts itself or ends too early.
    #[error("{}{what}", of(entry))]
    Damaged {
        /// The entry, where it is one's.
        entry: Option<String>,
        /// What is wrong.
        what: String,
    },
    /// A password would be needed.
    #[error("the entry `{entry}` is encrypted")]
    Encrypted {
        /// The entry.
        entry: String,
    },
    /// Something that zip allows and this crate does not know.
    #[error("{}{what}", of(entry))]
    Unsupported {
        /// The entry, where it is one's.
        entry: Option<String>,
        /// What is not known.
        what: String,
    },
    /// What no honest archive has.
    #[error("the entry `{entry}` {what}")]
    Hostile {
        /// The entry.
        entry: String,
        /// What is wrong about it.
        what: String,
    },
    /// More than was allowed.
    #[error("the archive has {found} {of}, more than the limit of {limit}")]
    Limit {
        /// Of what.
        of: &'static str,
        /// How much there is, at least.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// It would not fit.
    #[error("the tree needs {needed} {unit} and {limited_by} leaves {left}")]
    NoSpace {
        /// What it needs.
        needed: u64,
        /// What there is.
        left: u64,
        /// Of what: bytes, inodes.
        unit: &'static str,
        /// What limits it.
        limited_by: String,
    },
    /// A call failed while writing.
    #[error("cannot write `{entry}`")]
    Write {
        /// The entry.
        entry: String,
        /// Why.
        source: io::Error,
    },
    /// It is of no format that can be extracted.
    #[error("it looks like {looks_like}")]
    Unrecognised {
        /// In words.
        looks_like: String,
        /// What to do.
        advice: Option<&'static str>,
    },
    /// It is no base64 text.
    #[error("line {line}, column {column}: {what}")]
    Text {
        /// From 1.
        line: u64,
        /// In bytes, from 1.
        column: u64,
        /// What is wrong there.
        what: String,
    },
    /// A call failed while writing what base64 text decodes to.
    #[error("cannot write the decoded archive")]
    NotDecoded {
        /// Why.
        source: io::Error,
    },
    /// A call failed while reading the archive.
    #[error("cannot read the archive")]
    Read {
        /// Why.
        #[from]
        source: io::Error,
    },
}

fn of(entry: &Option<String>) -> String {
    entry
        .as_ref()
        .map(|entry| format!("the entry `{entry}` "))
        .unwrap_or_default()
}

/// A name as text, for messages.
pub(crate) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

impl ArchiveError {
    pub(crate) fn damaged(entry: &[u8], what: impl Into<String>) -> Self {
        Self::Damaged {
            entry: Some(shown(entry)),
            what: what.into(),
        }
    }

    pub(crate) fn hostile(entry: &[u8], what: impl Into<String>) -> Self {
        Self::Hostile {
            entry: shown(entry),
            what: what.into(),
        }
    }

    pub(crate) fn write(entry: &[u8], source: io::Error) -> Self {
        Self::Write {
            entry: shown(entry),
            source,
        }
    }

    /// What detection says of a file that is no archive.
    pub fn unrecognised(found: Detection) -> Self {
        Self::Unrecognised {
            looks_like: found.looks_like,
            advice: found.advice,
        }
    }

    /// The word of `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } | Self::Text { .. } => "ERR_ARCHIVE_DAMAGED",
            Self::Unrecognised { .. } => "ERR_ARCHIVE_UNRECOGNISED",
            Self::Encrypted { .. } => "ERR_ARCHIVE_ENCRYPTED",
            Self::Unsupported { .. } => "ERR_ARCHIVE_UNSUPPORTED",
            Self::Hostile { .. } => "ERR_ARCHIVE_HOSTILE",
            Self::Limit { .. } => "ERR_ARCHIVE_LIMIT",
            Self::NoSpace { .. } => "ERR_EXTRACT_NO_SPACE",
            Self::Write { source, .. } | Self::NotDecoded { source } if is_full(source) => {
                "ERR_EXTRACT_NO_SPACE"
            }
            Self::Write { .. } | Self::NotDecoded { .. } => "ERR_EXTRACT_FAILED",
            Self::Read { .. } => "ERR_ARCHIVE_OPEN",
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unrecognised { advice, .. } => {
                let advice = advice.map(str::to_owned);
                return advice.into_iter().chain([accepted()]).collect();
            }
            Self::Damaged { .. } => "fetch or build the archive again; `unzip -t` checks it",
            Self::Encrypted { .. } => "pack it again without a password",
            Self::Unsupported { .. } => "pack it again with `zip`, which compresses by deflate",
            Self::Hostile { .. } => "do not trust this archive, or pack it again with a sane tool",
            Self::Limit { .. } => "if you trust the archive, raise the limit: --limit NAME=NUMBER",
            Self::NoSpace { .. } => ROOM,
            Self::Text { .. } => "fetch the text again, or make it again: `base64 FILE` writes it",
            Self::Write { source, .. } | Self::NotDecoded { source } if is_full(source) => ROOM,
            Self::Write { .. } | Self::NotDecoded { .. } | Self::Read { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// What is taken, in words.
fn accepted() -> String {
    let accepted: Vec<&str> = Format::accepted().collect();
    format!("accepted are: {}", accepted.join(", "))
}

const ROOM: &str = "give the run more memory with --tmpfs-size SIZE (or FUSELAGE_TMPFS_SIZE), \
                    within what the machine and its control group have";

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
