//! Extraction: the list of entries, its checks, and the writer, put together.

use std::fs::File;
use std::os::fd::BorrowedFd;

use fuselage_linux::look_beneath::status_of;

use crate::archive::Archive;
use crate::error::ArchiveError;
use crate::format::Format;
use crate::limits::Limits;
use crate::list::write_list;
use crate::listing::Listing;
use crate::source::Source;
use crate::space::{Needs, Space};
use crate::tree_writer::write_tree;

/// Permission bits that a tree can have.
const ALL: u32 = 0o777;
/// Those to write.
const WRITE: u32 = 0o222;

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

/// An archive whose list of entries was read and checked; of their data nothing was looked at yet.
pub struct Listed<'a>(Box<dyn Archive + 'a>);

impl std::fmt::Debug for Listed<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Listed")
            .field(&self.needs())
            .finish()
    }
}

impl<'a> Listed<'a> {
    /// Reads the list of the archive that begins at `offset` of `file`, in bytes.
    ///
    /// # Errors
    /// The archive is damaged, hostile or above a limit, as far as the list tells.
    pub fn read(
        file: &'a File,
        offset: u64,
        format: Format,
        limits: &Limits,
    ) -> Result<Self, ArchiveError> {
        (format.open)(Source::behind(file, offset)?, limits).map(Self)
    }

    /// What its tree needs.
    pub fn needs(&self) -> Needs {
        let tree = self.0.tree();
        Needs {
            entries: tree.entries(),
            bytes: tree.bytes(),
            pages: tree.bytes_in_pages(),
        }
    }

    /// Extracts it into the empty directory `into` with `jobs` threads. The caller sets its umask
    /// to zero, since modes are given when files are made, and throws the directory away after an
    /// error.
    ///
    /// # Errors
    /// Data of an entry is damaged or hostile; or writing fails.
    pub fn write(
        &self,
        into: BorrowedFd<'_>,
        jobs: usize,
        progress: Option<&(dyn Progress + Sync)>,
    ) -> Result<(), ArchiveError> {
        write_tree(&*self.0, into, jobs, ALL, progress, None)
    }

    /// The same, and writes the list of all files to the empty file `list`: the digest of each is
    /// that of what was unpacked. Of `into` itself the list has the mode that it has when all is
    /// written.
    ///
    /// # Errors
    /// As [`Listed::write`], and `NotListed` for what write(2) says of the list.
    pub fn write_with_list(
        &self,
        into: BorrowedFd<'_>,
        jobs: usize,
        progress: Option<&(dyn Progress + Sync)>,
        list: BorrowedFd<'_>,
    ) -> Result<(), ArchiveError> {
        let listing = Listing::default();
        write_tree(&*self.0, into, jobs, ALL, progress, Some(&listing))?;
        status_of(into)
            .and_then(|root| write_list(self.0.tree(), root, &listing.gathered(), list))
            .map_err(|source| ArchiveError::NotListed { source })
    }

    /// As [`Listed::write`], without write permission on what is made, for everybody: files and
    /// directories, but not `into` itself.
    ///
    /// # Errors
    /// As [`Listed::write`].
    pub fn write_without_permission(
        &self,
        into: BorrowedFd<'_>,
        jobs: usize,
        progress: Option<&(dyn Progress + Sync)>,
    ) -> Result<(), ArchiveError> {
        write_tree(&*self.0, into, jobs, ALL & !WRITE, progress, None)
    }
}

/// Extracts one archive: reads its list, compares what it needs with what there is, and writes it.
///
/// # Errors
/// Those of [`Listed::read`] and [`Needs::fit`], found before anything is written, and those of
/// [`Listed::write`].
pub fn extract(
    archive: BorrowedFd<'_>,
    format: Format,
    offset: u64,
    into: BorrowedFd<'_>,
    how: &Extraction<'_>,
) -> Result<Extracted, ArchiveError> {
    let file = File::from(archive.try_clone_to_owned()?);
    let listed = Listed::read(&file, offset, format, &how.limits)?;
    let needs = listed.needs();
    if let Some(space) = &how.space {
        needs.fit(space)?;
    }
    listed.write(into, how.jobs, how.progress)?;
    Ok(Extracted {
        entries: needs.entries,
        bytes: needs.bytes,
    })
}
