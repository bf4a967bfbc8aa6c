//! The superblock: the first 96 bytes of an image.

use crate::error::ArchiveError;
use crate::fields::Fields;
use crate::source::{Positioned, Source};
use crate::squashfs::compression::Compressor;
use crate::squashfs::damaged;
use crate::squashfs::metadata::{Reference, Table};

/// The magic number of images with little-endian fields.
pub(crate) const MAGIC: &[u8; 4] = b"hsqs";
/// The magic number of those with big-endian fields, which squashfs had up to version 3.
const MAGIC_SWAPPED: &[u8; 4] = b"sqsh";

const LENGTH: usize = 96;
/// What stands for a table that there is not.
const NO_TABLE: u64 = u64::MAX;

/// What of it is needed to read the rest; every position is within the image.
#[derive(Clone, Debug)]
pub(crate) struct Superblock {
    pub(crate) compressor: Compressor,
    /// Bytes: a power of two, 4 KiB to 1 MiB.
    pub(crate) block_size: u32,
    /// Bytes of the image; what follows in the file is padding, or something else.
    pub(crate) bytes_used: u64,
    pub(crate) root: Reference,
    inode_table: u64,
    /// Where the inode table ends, too.
    directory_table: u64,
    /// Where the directory table ends at the latest.
    directories_end: u64,
    /// Number of fragment blocks.
    pub(crate) fragments: u32,
    /// Where the list of the positions of the fragment table's blocks is.
    pub(crate) fragment_table: Option<u64>,
}

impl Superblock {
    /// Bytes of all tables together, at most.
    pub(crate) fn table_bytes(&self) -> u64 {
        self.bytes_used.saturating_sub(self.inode_table)
    }

    /// What inodes are in.
    pub(crate) fn inode_table(&self) -> Table {
        Table {
            name: "inode",
            start: self.inode_table,
            end: self.directory_table,
        }
    }

    /// What the entries of directories are in.
    pub(crate) fn directory_table(&self) -> Table {
        Table {
            name: "directory",
            start: self.directory_table,
            end: self.directories_end,
        }
    }
}

/// How long an image with these first bytes says that it is, in bytes.
pub(crate) fn image_length(head: &[u8]) -> Option<u64> {
    /// Where `bytes_used` stands (`struct squashfs_super_block`).
    const BYTES_USED: usize = 40;
    Some(u64::from_le_bytes(*head.get(BYTES_USED..)?.first_chunk()?))
}

/// Reads and checks it.
pub(crate) fn read_superblock(source: &Source<'_>) -> Result<Superblock, ArchiveError> {
    let bytes = source.read_up_to(LENGTH, 0)?;
    check_version(&bytes)?;
    let mut fields = Fields(&bytes);
    fields.bytes(12)?; // magic, number of inodes, time of the image
    let (block_size, fragments) = (fields.u32()?, fields.u32()?);
    let (compressor, block_log) = (fields.u16()?, fields.u16()?);
    fields.bytes(8)?; // flags, number of ids, version
    let root = Reference::new(fields.u64()?);
    let bytes_used = fields.u64()?;
    let (id_table, xattr_table) = (fields.u64()?, fields.u64()?);
    let (inode_table, directory_table) = (fields.u64()?, fields.u64()?);
    let (fragment_table, export_table) = (fields.u64()?, fields.u64()?);
    if !(12..=20).contains(&block_log) || block_size != 1 << block_log {
        return Err(damaged(format!(
            "the image has blocks of {block_size} bytes (2^{block_log}), not of 4 KiB to 1 MiB"
        )));
    }
    if bytes_used > source.length() {
        return Err(damaged(format!(
            "the image is cut off: it has {} of its {bytes_used} bytes",
            source.length()
        )));
    }
    for (name, start) in [
        ("inode", inode_table),
        ("directory", directory_table),
        ("id", id_table),
        ("fragment", fragment_table),
        ("export", export_table),
        ("xattr", xattr_table),
    ] {
        let needed = matches!(name, "inode" | "directory");
        let outside = start < LENGTH as u64 || start > bytes_used;
        if outside && (needed || start != NO_TABLE) {
            return Err(damaged(format!(
                "the {name} table lies outside of the image"
            )));
        }
    }
    if inode_table >= directory_table {
        return Err(damaged("the inode table lies behind the directory table"));
    }
    let directories_end = [fragment_table, export_table, id_table, xattr_table]
        .into_iter()
        .filter(|start| *start >= directory_table)
        .fold(bytes_used, u64::min);
    Ok(Superblock {
        compressor: Compressor::numbered(compressor)?,
        block_size,
        bytes_used,
        root,
        inode_table,
        directory_table,
        directories_end,
        fragments,
        fragment_table: (fragment_table != NO_TABLE).then_some(fragment_table),
    })
}

fn check_version(bytes: &[u8]) -> Result<(), ArchiveError> {
    let unsupported = |what: String| ArchiveError::Unsupported { entry: None, what };
    match bytes.first_chunk() {
        Some(MAGIC) => {}
        Some(MAGIC_SWAPPED) => {
            let what = "the image is a big-endian squashfs, of version 3 or older; \
                        only version 4.0 can be read";
            return Err(unsupported(what.to_owned()));
        }
        _ => return Err(damaged("it is not a squashfs image")),
    }
    if bytes.len() < LENGTH {
        return Err(damaged("the image ends within its superblock"));
    }
    let mut version = Fields(&bytes[28..32]);
    match (version.u16()?, version.u16()?) {
        (4, 0) => Ok(()),
        (major, minor) => Err(unsupported(format!(
            "the image is a squashfs of version {major}.{minor}; only version 4.0 can be read"
        ))),
    }
}
