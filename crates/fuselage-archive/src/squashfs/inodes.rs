//! Inodes: what an entry is, and where its content is.

use crate::error::ArchiveError;
use crate::fields::Fields;
use crate::squashfs::damaged;
use crate::squashfs::metadata::{Cursor, Reference};
use crate::tree::Time;

/// In place of a fragment's number: there is none.
const NO_FRAGMENT: u32 = u32::MAX;

/// Types as directories have them; an inode's may be more by `EXTENDED`.
pub(crate) const DIRECTORY: u16 = 1;
const FILE: u16 = 2;
const SYMLINK: u16 = 3;
const EXTENDED: u16 = 7;

/// The type without the difference between basic and extended inodes.
pub(crate) fn basic(kind: u16) -> u16 {
    match kind.checked_sub(EXTENDED) {
        Some(basic @ 1..) => basic,
        _ => kind,
    }
}

/// An inode; a list of blocks or a link's target follows it in the table.
#[derive(Clone, Debug)]
pub(crate) struct Inode {
    /// Without the difference between basic and extended.
    pub(crate) kind: u16,
    pub(crate) number: u32,
    pub(crate) mode: u16,
    pub(crate) time: Time,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Directory(Listing),
    File(FileFields),
    /// Bytes of the target.
    Symlink(u32),
    /// What it is, in words.
    Special(&'static str),
}

/// Where the entries of a directory are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    pub(crate) start: Reference,
    /// Bytes, without the 3 that stand for `.` and `..`.
    pub(crate) length: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FileFields {
    /// Where its first block is in the image.
    pub(crate) start: u64,
    pub(crate) size: u64,
    /// The number of a fragment block, and where in it the end of the file is.
    pub(crate) fragment: Option<(u32, u32)>,
}

/// Reads the inode at `cursor`.
pub(crate) fn read_inode(cursor: &mut Cursor<'_, '_>) -> Result<Inode, ArchiveError> {
    let header: [u8; 16] = cursor.bytes()?;
    let mut fields = Fields(&header);
    let (kind, mode) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?; // owner and group
    let (seconds, number) = (fields.u32()?, fields.u32()?);
    let content = match (basic(kind), kind > EXTENDED) {
        (DIRECTORY, extended) => Content::Directory(read_directory(cursor, extended)?),
        (FILE, extended) => Content::File(read_file(cursor, extended)?),
        (SYMLINK, _) => {
            let fields: [u8; 8] = cursor.bytes()?;
            Content::Symlink(Fields(&fields[4..]).u32()?)
        }
        (4 | 5, _) => Content::Special("is a device"),
        (6, _) => Content::Special("is a FIFO"),
        (7, _) => Content::Special("is a socket"),
        _ => {
            return Err(damaged(
                "the inode table has an inode of no type that is known",
            ));
        }
    };
    Ok(Inode {
        kind: basic(kind),
        number,
        mode: mode & 0o777,
        time: Time {
            seconds: seconds.into(),
            nanoseconds: 0,
        },
        content,
    })
}

fn read_directory(cursor: &mut Cursor<'_, '_>, extended: bool) -> Result<Listing, ArchiveError> {
    let (block, length, offset) = if extended {
        let fields: [u8; 24] = cursor.bytes()?;
        let mut fields = Fields(&fields);
        fields.bytes(4)?; // links
        let (length, block) = (fields.u32()?, fields.u32()?);
        fields.bytes(6)?; // parent, number of indexes
        (block, length, fields.u16()?)
    } else {
        let fields: [u8; 16] = cursor.bytes()?;
        let mut fields = Fields(&fields);
        let block = fields.u32()?;
        fields.bytes(4)?; // links
        (block, fields.u16()?.into(), fields.u16()?)
    };
    Ok(Listing {
        start: Reference {
            block: block.into(),
            offset,
        },
        length: length.saturating_sub(3),
    })
}

fn read_file(cursor: &mut Cursor<'_, '_>, extended: bool) -> Result<FileFields, ArchiveError> {
    let (start, size, fragment, offset) = if extended {
        let fields: [u8; 40] = cursor.bytes()?;
        let mut fields = Fields(&fields);
        let (start, size) = (fields.u64()?, fields.u64()?);
        fields.bytes(12)?; // bytes of holes, links
        (start, size, fields.u32()?, fields.u32()?)
    } else {
        let fields: [u8; 16] = cursor.bytes()?;
        let mut fields = Fields(&fields);
        let (start, fragment, offset) = (fields.u32()?, fields.u32()?, fields.u32()?);
        (start.into(), fields.u32()?.into(), fragment, offset)
    };
    Ok(FileFields {
        start,
        size,
        fragment: (fragment != NO_FRAGMENT).then_some((fragment, offset)),
    })
}
