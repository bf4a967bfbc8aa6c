//! Why an archive is not extracted.

use std::io;

use fuselage_linux::causes;
use thiserror::Error;

use crate::detect::Detection;
use crate::format::Format;
use crate::limits::Limited;
use crate::space::LimitedBy;

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
    /// Something that its format allows and this crate does not know.
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
            Self::Damaged { .. } => "fetch or build the archive again",
            Self::Encrypted { .. } => "pack it again without a password",
            Self::Unsupported { .. } => "pack it again with `zip`, or with `mksquashfs -comp zstd`",
            Self::Hostile { .. } => "do not trust this archive, or pack it again with a sane tool",
            Self::Limit { of, allowed, .. } => {
                return vec![match of.option() {
                    Some(name) => format!(
                        "if you trust the archive, raise the limit: --limit {name}=NUMBER (it is \
                         {allowed})"
                    ),
                    None => "pack it again with shorter names: no file system of Linux takes them"
                        .to_owned(),
                }];
            }
            Self::NoSpace {
                needed,
                left,
                limited_by,
            } => return vec![room(*limited_by, *needed, *left)],
            Self::Text { .. } => "fetch the text again, or make it again: `base64 FILE` writes it",
            Self::Write { source, .. } | Self::NotDecoded { source } => match source {
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
            Self::Read { .. } => {
                "copy the archive to a disk of this machine, or fetch it again, and name the copy"
            }
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

const FILE_SIZE: &str = "raise the file size limit (`ulimit -f`) of this shell";

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::detect_bytes;

    /// One of each kind; what the compiler asks for here is added to `every`, too.
    fn number(error: &ArchiveError) -> usize {
        match error {
            ArchiveError::Damaged { .. } => 0,
            ArchiveError::Encrypted { .. } => 1,
            ArchiveError::Unsupported { .. } => 2,
            ArchiveError::Hostile { .. } => 3,
            ArchiveError::Limit { .. } => 4,
            ArchiveError::NoSpace { .. } => 5,
            ArchiveError::Write { .. } => 6,
            ArchiveError::Read { .. } => 7,
            ArchiveError::Text { .. } => 8,
            ArchiveError::NotDecoded { .. } => 9,
            ArchiveError::Unrecognised { .. } => 10,
        }
    }

    const EVERY_LIMIT: [Limited; 6] = [
        Limited::Entries,
        Limited::Bytes,
        Limited::Depth,
        Limited::NameLength,
        Limited::Ratio,
        Limited::Component,
    ];

    fn every() -> Vec<ArchiveError> {
        let entry = || "a".to_owned();
        let what = || "is wrong".to_owned();
        let mut every = vec![
            ArchiveError::damaged(b"a", what()),
            ArchiveError::Encrypted { entry: entry() },
            ArchiveError::Unsupported {
                entry: None,
                what: what(),
            },
            ArchiveError::hostile(b"a", what()),
            ArchiveError::Read {
                source: io::ErrorKind::Other.into(),
            },
            ArchiveError::unrecognised(detect_bytes(b"")),
            ArchiveError::Text {
                line: 1,
                column: 2,
                what: what(),
            },
        ];
        for of in EVERY_LIMIT {
            every.push(ArchiveError::limit(of, b"a", 2, 1));
        }
        for limited_by in [
            LimitedBy::TmpfsBytes,
            LimitedBy::TmpfsInodes,
            LimitedBy::ControlGroup,
        ] {
            every.push(ArchiveError::NoSpace {
                needed: 2,
                left: 1,
                limited_by,
            });
        }
        for kind in [
            io::ErrorKind::StorageFull,
            io::ErrorKind::QuotaExceeded,
            io::ErrorKind::OutOfMemory,
            io::ErrorKind::InvalidInput,
        ] {
            every.push(ArchiveError::write(b"a", kind.into()));
            let source = kind.into();
            every.push(ArchiveError::NotDecoded { source });
        }
        every
    }

    #[test]
    fn every_error_has_a_code_and_a_way_out() {
        let mut seen = std::collections::BTreeSet::new();
        for error in every() {
            seen.insert(number(&error));
            assert!(error.code().starts_with("ERR_"), "{error:?}");
            let hints = error.hints();
            assert!(!hints.is_empty(), "{error:?}");
            assert!(hints.iter().all(|hint| !hint.is_empty()), "{error:?}");
        }
        assert_eq!(seen, (0..11).collect());
    }

    #[test]
    fn a_limit_is_told_with_the_entry_and_the_option_that_raises_it() {
        for of in EVERY_LIMIT {
            let error = ArchiveError::limit(of, b"d/e", 77, 66);
            let (text, hint) = (error.to_string(), error.hints().concat());
            assert!(
                text.contains("`d/e`") && text.contains("77") && text.contains("66"),
                "{text}"
            );
            let named = of
                .option()
                .map(|name| format!("--limit {name}=NUMBER (it is 66)"));
            assert_eq!(
                named.is_some_and(|named| hint.contains(&named)),
                hint.contains("--limit"),
                "{hint}"
            );
            assert_eq!(hint.contains("--limit"), of != Limited::Component);
        }
    }

    #[test]
    fn the_middle_of_a_very_long_name_is_left_out() {
        assert_eq!(shown(&[b'n'; 300]), "n".repeat(300));
        let long = shown(&[&[b'a'; 5000][..], &[b'z'; 5000]].concat());
        assert!(long.starts_with("aaa") && long.contains('…') && long.ends_with("zzz"));
        assert!(long.len() < 300);
        // In the middle of a character.
        assert!(shown("ä".repeat(400).as_bytes()).contains('\u{fffd}'));
    }

    #[test]
    fn the_option_is_named_where_it_helps_and_nowhere_else() {
        assert!(room(LimitedBy::TmpfsBytes, 3 << 20, 1 << 20).contains("--tmpfs-size=4M"));
        assert!(room(LimitedBy::TmpfsInodes, 9, 8).contains("--tmpfs-size SIZE"));
        let group = room(LimitedBy::ControlGroup, 3 << 20, 1 << 20);
        assert!(
            group.contains("by 2 MiB") && !group.contains("--tmpfs-size"),
            "{group}"
        );
    }
}
