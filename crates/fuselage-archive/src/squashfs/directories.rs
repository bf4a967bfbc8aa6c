//! Directory listings: runs of entries, each behind a header.

use crate::error::ArchiveError;
use crate::fields::Fields;
use crate::path::check_component;
use crate::squashfs::damaged;
use crate::squashfs::inodes::basic;
use crate::squashfs::metadata::{Cursor, Reference};

const HEADER: u32 = 12;
const ENTRY: u32 = 8;
/// Entries behind one header, at most.
const MOST: u32 = 256;

/// All entries of a directory.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    entries: Vec<Entry>,
    /// One behind the other.
    names: Vec<u8>,
}

impl Entries {
    /// Names, each one component that leads nowhere else, and what is behind them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Entry)> {
        let mut rest = &self.names[..];
        self.entries.iter().map(move |entry| {
            let (name, others) = rest.split_at(entry.name_length.into());
            rest = others;
            (name, *entry)
        })
    }
}

/// An entry of a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    name_length: u16,
    pub(crate) inode: Reference,
    /// Of the inode.
    pub(crate) number: u32,
    /// Of the inode, without the difference between basic and extended.
    pub(crate) kind: u16,
}

/// Reads a listing of `length` bytes; `count` is told the number of entries and the bytes of their names
/// before each one, and may refuse it.
pub(crate) fn read_listing(
    mut cursor: Cursor<'_, '_>,
    length: u32,
    count: impl Fn(usize, usize) -> Result<(), ArchiveError>,
) -> Result<Entries, ArchiveError> {
    let mut left = length;
    let mut take = |bytes: u32| {
        left = left
            .checked_sub(bytes)
            .ok_or_else(|| damaged("a directory ends within an entry"))?;
        Ok::<u32, ArchiveError>(left)
    };
    let mut read = Entries::default();
    let mut rest = length;
    while rest > 0 {
        take(HEADER)?;
        let header: [u8; HEADER as usize] = cursor.bytes()?;
        let mut header = Fields(&header);
        let (more, block, number) = (header.u32()?, header.u32()?, header.u32()?);
        if more >= MOST {
            return Err(damaged("a directory has a run of more than 256 entries"));
        }
        for _ in 0..=more {
            count(read.entries.len(), read.names.len())?;
            take(ENTRY)?;
            let fields: [u8; ENTRY as usize] = cursor.bytes()?;
            let mut fields = Fields(&fields);
            let (offset, difference) = (fields.u16()?, fields.u16()? as i16);
            let (kind, name_length) = (fields.u16()?, u32::from(fields.u16()?) + 1);
            if name_length > MOST {
                return Err(damaged("a directory has a name of more than 256 bytes"));
            }
            rest = take(name_length)?;
            let begin = read.names.len();
            read.names.resize(begin + name_length as usize, 0);
            cursor.read(&mut read.names[begin..])?;
            check_component(&read.names[begin..])?;
            read.entries.push(Entry {
                name_length: name_length as u16,
                inode: Reference {
                    block: block.into(),
                    offset,
                },
                number: number.wrapping_add_signed(difference.into()),
                kind: basic(kind),
            });
        }
    }
    Ok(read)
}
