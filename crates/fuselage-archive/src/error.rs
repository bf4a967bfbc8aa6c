//! Why an archive is not extracted.

use std::io;

use thiserror::Error;

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

    /// The word of `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "ERR_ARCHIVE_DAMAGED",
            Self::Encrypted { .. } => "ERR_ARCHIVE_ENCRYPTED",
            Self::Unsupported { .. } => "ERR_ARCHIVE_UNSUPPORTED",
            Self::Hostile { .. } => "ERR_ARCHIVE_HOSTILE",
            Self::Limit { .. } => "ERR_ARCHIVE_LIMIT",
            Self::NoSpace { .. } => "ERR_EXTRACT_NO_SPACE",
            Self::Write { source, .. } if is_full(source) => "ERR_EXTRACT_NO_SPACE",
            Self::Write { .. } => "ERR_EXTRACT_FAILED",
            Self::Read { .. } => "ERR_ARCHIVE_OPEN",
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Damaged { .. } => "fetch or build the archive again; `unzip -t` checks it",
            Self::Encrypted { .. } => "pack it again without a password",
            Self::Unsupported { .. } => "pack it again with `zip`, which compresses by deflate",
            Self::Hostile { .. } => "do not trust this archive, or pack it again with a sane tool",
            Self::Limit { .. } => "if you trust the archive, raise the limit: --limit NAME=NUMBER",
            Self::NoSpace { .. } => ROOM,
            Self::Write { source, .. } if is_full(source) => ROOM,
            Self::Write { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => FILE_SIZE,
            Self::Write { .. } | Self::Read { .. } => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

const ROOM: &str = "give the run more memory with --tmpfs-size SIZE (or FUSELAGE_TMPFS_SIZE), \
                    within what the machine and its control group have";

const FILE_SIZE: &str = "raise the file size limit (`ulimit -f`) of this shell";

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
