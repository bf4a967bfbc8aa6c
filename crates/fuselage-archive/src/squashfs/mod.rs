//! squashfs 4.0: the image's tables, and where the data of a file lies.
//!
//! The format is that of Linux (`fs/squashfs/squashfs_fs.h`), written by mksquashfs. Owners and
//! extended attributes are not looked at, nor is the export table, which only NFS needs.

mod blocks;
mod compression;
mod content;
mod directories;
mod fragments;
mod inodes;
mod metadata;
mod records;
mod superblock;
mod walk;

use crate::archive::{Archive, Contents};
use crate::detect::Ends;
use crate::error::ArchiveError;
use crate::format::Format;
use crate::limits::Limits;
use crate::output::{ContentError, FilePart, Output};
use crate::source::Source;
use crate::squashfs::content::ContentReader;
use crate::squashfs::records::{Record, Walked};
use crate::squashfs::superblock::{MAGIC, Superblock, read_superblock};
use crate::squashfs::walk::walk;
use crate::tree::{Leaf, Tree};

/// squashfs 4.0, also with something behind it.
pub(crate) const FORMAT: Format = Format {
    name: "squashfs",
    image_length: Some(superblock::image_length),
    recognise,
    open,
};

fn recognise(ends: &Ends<'_>) -> Option<&'static str> {
    let begins = ends.head.first_chunk() == Some(MAGIC);
    begins.then_some("a squashfs image")
}

fn open<'a>(source: Source<'a>, limits: &Limits) -> Result<Box<dyn Archive + 'a>, ArchiveError> {
    let superblock = read_superblock(&source)?;
    Ok(Box::new(Squashfs {
        source,
        walked: walk(source, &superblock, limits)?,
        superblock,
    }))
}

struct Squashfs<'a> {
    source: Source<'a>,
    superblock: Superblock,
    walked: Walked,
}

impl Archive for Squashfs<'_> {
    fn tree(&self) -> &Tree {
        &self.walked.tree
    }

    fn contents(&self) -> Box<dyn Contents + '_> {
        Box::new(ContentReader::new(
            self.source,
            &self.superblock,
            &self.walked,
        ))
    }

    fn parts(&self, leaf: &Leaf) -> usize {
        match &self.walked.records[leaf.index as usize] {
            Record::File(file) => file.parts.len(),
            Record::Symlink { .. } => 1,
        }
    }
}

impl Contents for ContentReader<'_> {
    fn copy(&mut self, leaf: &Leaf, to: &mut dyn Output) -> Result<(), ContentError> {
        self.copy_whole(leaf, to)
    }

    fn copy_part(
        &mut self,
        leaf: &Leaf,
        part: usize,
        to: &mut FilePart<'_>,
    ) -> Result<(), ContentError> {
        self.copy_one_part(leaf, part, to)
    }
}

/// The image contradicts itself, not in an entry but in a table.
fn damaged(what: impl Into<String>) -> ArchiveError {
    ArchiveError::Damaged {
        entry: None,
        what: what.into(),
    }
}
