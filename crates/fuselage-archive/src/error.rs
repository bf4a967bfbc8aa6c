//! Why an archive is not extracted.

use std::io;

use fuselage_linux::causes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::advice::Advice;
use crate::carried;
use crate::detect::Detection;
use crate::format::Format;
use crate::limits::Limited;
use crate::space::LimitedBy;

/// An archive that is refused, or a tree that cannot be written.
///
/// Serialized for the way out of a process that an archive may have taken over: code and hints are
/// made of it by whoever gets it, and are never text of that process.
#[derive(Debug, Error, Serialize, Deserialize)]
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
    #[error("{} is encrypted", the(entry))]
    Encrypted {
        /// The entry.
        entry: String,
    },
    /// Something that its format allows and this crate does not know.
    #[error("{}{what}", of(entry))]
    Unsupported {
        /// The entry, where it is one's.
        entry: Option<String>,
        /// What is not known.
        what: String,
    },
    /// What no honest archive has.
    #[error("{} {what}", the(entry))]
    Hostile {
        /// The entry.
        entry: String,
        /// What is wrong about it.
        what: String,
    },
    /// More than was allowed.
    #[error("{}, more than the {allowed} that are allowed", of.exceeded(entry, *found))]
    Limit {
        /// Of what.
        of: Limited,
        /// The entry that has it, or with which a sum went over.
        entry: String,
        /// How much there is, at least.
        found: u64,
        /// How much is allowed.
        allowed: u64,
    },
    /// It would not fit.
    #[error("the trees need {needed} {}, and {limited_by} leaves {left}", limited_by.unit())]
    NoSpace {
        /// What it needs.
        needed: u64,
        /// What there is.
        left: u64,
        /// Of what there is too little.
        limited_by: LimitedBy,
    },
    /// A call failed while writing.
    #[error("cannot write `{entry}`")]
    Write {
        /// The entry.
        entry: String,
        /// Why.
        #[serde(with = "carried")]
        source: io::Error,
    },
    /// It is of no format that can be extracted.
    #[error("it looks like {looks_like}")]
    Unrecognised {
        /// In words.
        looks_like: String,
        /// What to do.
        advice: Option<Advice>,
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
        #[serde(with = "carried")]
        source: io::Error,
    },
    /// A call failed while writing a copy of the archive.
    #[error("cannot write a copy of the archive")]
    NotCopied {
        /// Why.
        #[serde(with = "carried")]
        source: io::Error,
    },
    /// A call failed while reading the archive.
    #[error("cannot read the archive")]
    Read {
        /// Why.
        #[from]
        #[serde(with = "carried")]
        source: io::Error,
    },
}

fn of(entry: &Option<String>) -> String {
    entry
        .as_ref()
        .map(|entry| format!("{} ", the(entry)))
        .unwrap_or_default()
}

fn the(entry: &str) -> String {
    match entry {
        "" => "an entry without a name".to_owned(),
        entry => format!("the entry `{entry}`"),
    }
}

/// A name as text, for messages, a very long one without its middle.
pub(crate) fn shown(name: &[u8]) -> String {
    const WHOLE: usize = 300;
    const END: usize = 141;
    if name.len() <= WHOLE {
        return String::from_utf8_lossy(name).into_owned();
    }
    let (start, end) = (&name[..END], &name[name.len() - END..]);
    format!(
        "{}…{}",
        String::from_utf8_lossy(start),
        String::from_utf8_lossy(end)
    )
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

    pub(crate) fn limit(of: Limited, entry: &[u8], found: u64, allowed: u64) -> Self {
        Self::Limit {
            of,
            entry: shown(entry),
            found,
            allowed,
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
            advice: found.advice.map(Advice),
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
            Self::Write { source, .. }
            | Self::NotDecoded { source }
            | Self::NotCopied { source }
                if is_full(source) =>
            {
                "ERR_EXTRACT_NO_SPACE"
            }
            Self::Write { .. } | Self::NotDecoded { .. } | Self::NotCopied { .. } => {
                "ERR_EXTRACT_FAILED"
            }
            Self::Read { .. } => "ERR_ARCHIVE_OPEN",
        }
    }

    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unrecognised { advice, .. } => {
                let advice = advice.map(|Advice(text)| text.to_owned());
                return advice.into_iter().chain([accepted()]).collect();
            }
            Self::Damaged { .. } => "fetch or build the archive again",
            Self::Encrypted { .. } => "pack it again without a password",
            Self::Unsupported { .. } => "pack it again with `zip`, or with `mksquashfs -comp zstd`",
            Self::Hostile { .. } => "do not trust this archive, or pack it again with a sane tool",
            Self::Limit { of, allowed, .. } => {
                return vec![match (of, of.option()) {
                    (_, Some(name)) => format!(
                        "if you trust the archive, raise the limit: --limit {name}=NUMBER (it is \
                         {allowed})"
                    ),
                    (Limited::Names, None) => "pack it again as several archives".to_owned(),
                    (_, None) => "pack it again with shorter names: no file system of Linux takes \
                                  them"
                        .to_owned(),
                }];
            }
            Self::NoSpace {
                needed,
                left,
                limited_by,
            } => return vec![room(*limited_by, *needed, *left)],
            Self::Text { .. } => "fetch the text again, or make it again: `base64 FILE` writes it",
            Self::Write { source, .. }
            | Self::NotDecoded { source }
            | Self::NotCopied { source } => match source {
                full if is_full(full) => ROOM,
                error if causes::is_out_of_descriptors(error) => {
                    "raise the limit of open files (`ulimit -n`), or use fewer threads: --jobs 1"
                }
                error if error.kind() == io::ErrorKind::FileTooLarge => FILE_SIZE,
                error if error.kind() == io::ErrorKind::OutOfMemory => {
                    "end other programs, or give this one more memory"
                }
                _ => "please report this, with the archive or the way to make such a one",
            },
            Self::Read { source } => causes::exhausted(source).unwrap_or(
                "copy the archive to a disk of this machine, or fetch it again, and name the copy",
            ),
        };
        vec![hint.to_owned()]
    }
}

/// What helps where there is too little room; only some of it is fuselage's to give.
fn room(limited_by: LimitedBy, needed: u64, left: u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    match limited_by {
        LimitedBy::TmpfsBytes => format!(
            "give the run more memory, if the machine has it: --tmpfs-size={}M (or \
             FUSELAGE_TMPFS_SIZE)",
            // What the directories of the run take besides is less than this.
            needed.div_ceil(MEBIBYTE).saturating_add(1)
        ),
        LimitedBy::TmpfsInodes => "give the run a larger tmpfs, which also holds more entries: \
                                   --tmpfs-size SIZE (or FUSELAGE_TMPFS_SIZE)"
            .to_owned(),
        LimitedBy::DiskBytes | LimitedBy::DiskInodes => DISK.to_owned(),
        LimitedBy::ControlGroup => format!(
            "raise the memory limit of the control group by {} MiB (`docker run --memory`, \
             `MemoryMax=` of systemd), or end what uses it up",
            needed.saturating_sub(left).div_ceil(MEBIBYTE)
        ),
    }
}

/// What is taken, in words.
fn accepted() -> String {
    let accepted: Vec<&str> = Format::accepted().collect();
    format!("accepted are: {}", accepted.join(", "))
}

const ROOM: &str = "give the run more memory with --tmpfs-size SIZE (or FUSELAGE_TMPFS_SIZE), \
                    within what the machine and its control group have";

/// What to do where a tree on a disk finds no room.
pub const DISK: &str =
    "make room there, or set FUSELAGE_HOME to a directory on a larger file system";

const FILE_SIZE: &str = "raise the file size limit (`ulimit -f`) of this shell";

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests;
