//! Extraction: the list of entries, its checks, and the writer, put together.

use std::fs::File;
use std::os::fd::BorrowedFd;

use crate::error::ArchiveError;
use crate::format::Format;
use crate::limits::Limits;
use crate::source::Source;
use crate::tree::Tree;
use crate::tree_writer::write_tree;

/// How to extract.
pub struct Extraction<'a> {
    /// What the archive may at most unpack to.
    pub limits: Limits,
    /// Threads, at least one.
    pub jobs: usize,
    /// What there is room for; `None`: nothing is compared before writing.
    pub space: Option<Space>,
    /// Who wants to know how far it is.
    pub progress: Option<&'a (dyn Progress + Sync)>,
}

impl std::fmt::Debug for Extraction<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Extraction")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Room for a tree.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// Bytes, of which a file takes whole pages.
    pub bytes: u64,
    /// Entries.
    pub inodes: u64,
    /// What limits it, for the message.
    pub limited_by: &'static str,
}

/// Told how far an extraction is, by several threads.
pub trait Progress {
    /// An entry is begun.
    fn entering(&self, name: &[u8]);
    /// So many entries and unpacked bytes more are done.
    fn advanced(&self, entries: u64, bytes: u64);
}

/// What was extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// Files, links and directories.
    pub entries: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

/// Extracts the archive that begins at `offset` of the file `archive`, in bytes, into the empty
/// directory `into`. The caller sets its umask to zero, since modes are given when files are made,
/// and throws the directory away after an error.
///
/// # Errors
/// The archive is damaged, hostile, above a limit or needs more room than there is, of which
/// everything that the list of entries tells is found before anything is written; or writing fails.
pub fn extract(
    archive: BorrowedFd<'_>,
    format: Format,
    offset: u64,
    into: BorrowedFd<'_>,
    how: &Extraction<'_>,
) -> Result<Extracted, ArchiveError> {
    let file = File::from(archive.try_clone_to_owned()?);
    let archive = (format.open)(Source::behind(&file, offset)?, &how.limits)?;
    let tree = archive.tree();
    if let Some(space) = &how.space {
        check_space(tree, space)?;
    }
    write_tree(&*archive, into, how.jobs, how.progress)?;
    Ok(Extracted {
        entries: tree.entries(),
        bytes: tree.bytes(),
    })
}

fn check_space(tree: &Tree, space: &Space) -> Result<(), ArchiveError> {
    let no_space = |needed, left, unit| {
        let limited_by = space.limited_by.to_owned();
        Err(ArchiveError::NoSpace {
            needed,
            left,
            unit,
            limited_by,
        })
    };
    if tree.bytes_in_pages() > space.bytes {
        return no_space(tree.bytes_in_pages(), space.bytes, "bytes");
    }
    if tree.entries() > space.inodes {
        return no_space(tree.entries(), space.inodes, "inodes");
    }
    Ok(())
}
