//! Directory listings: runs of entries, each behind a header.

use crate::error::ArchiveError;
use crate::fields::Fields;
use crate::squashfs::inodes::{Listing, basic};
use crate::squashfs::metadata::{Cursor, MetadataReader, Place, Reference, Table};

const HEADER: u32 = 12;
const ENTRY: u32 = 8;
/// Entries behind one header, at most; and bytes of a name.
const MOST: u32 = 256;

/// Some entries of a directory.
#[derive(Debug, Default)]
pub(crate) struct Run {
    entries: Vec<Entry>,
    /// One behind the other.
    names: Vec<u8>,
}

impl Run {
    /// Names, as they are in the image, and what is behind them.
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

/// What is wrong with a listing.
pub(crate) enum Fault {
    /// In words, of the directory.
    Listing(&'static str),
    /// Of the table.
    Table(ArchiveError),
}

impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        Self::Table(error)
    }
}

/// Reads a listing run by run, so that no more than one of them is held.
pub(crate) struct ListingReader {
    /// Bytes of the listing that were not read yet.
    left: u32,
    place: Place,
}

impl ListingReader {
    /// At the beginning of a listing that is not empty.
    pub(crate) fn new(
        metadata: &mut MetadataReader<'_>,
        table: Table,
        listing: Listing,
    ) -> Result<Self, ArchiveError> {
        Ok(Self {
            left: listing.length,
            place: metadata.at(table, listing.start)?.place(),
        })
    }

    /// Reads the entries behind the next header in place of those of `run`; whether there was one.
    pub(crate) fn next(
        &mut self,
        metadata: &mut MetadataReader<'_>,
        run: &mut Run,
    ) -> Result<bool, Fault> {
        run.entries.clear();
        run.names.clear();
        if self.left == 0 {
            return Ok(false);
        }
        let mut cursor = metadata.resume(self.place.clone());
        self.read(&mut cursor, run)?;
        self.place = cursor.place();
        Ok(true)
    }

    fn read(&mut self, cursor: &mut Cursor<'_, '_>, run: &mut Run) -> Result<(), Fault> {
        self.take(HEADER)?;
        let header: [u8; HEADER as usize] = cursor.bytes()?;
        let mut header = Fields(&header);
        let (more, block, number) = (header.u32()?, header.u32()?, header.u32()?);
        if more >= MOST {
            return Err(Fault::Listing("has a run of more than 256 entries"));
        }
        for _ in 0..=more {
            self.take(ENTRY)?;
            let fields: [u8; ENTRY as usize] = cursor.bytes()?;
            let mut fields = Fields(&fields);
            let (offset, difference) = (fields.u16()?, fields.u16()? as i16);
            let (kind, name_length) = (fields.u16()?, u32::from(fields.u16()?) + 1);
            if name_length > MOST {
                return Err(Fault::Listing("has a name of more than 256 bytes in it"));
            }
            self.take(name_length)?;
            let begin = run.names.len();
            run.names.resize(begin + name_length as usize, 0);
            cursor.read(&mut run.names[begin..])?;
            run.entries.push(Entry {
                name_length: name_length as u16,
                inode: Reference {
                    block: block.into(),
                    offset,
                },
                number: number.wrapping_add_signed(difference.into()),
                kind: basic(kind),
            });
        }
        Ok(())
    }

    fn take(&mut self, bytes: u32) -> Result<(), Fault> {
        let what = "has a listing that ends within an entry";
        self.left = self.left.checked_sub(bytes).ok_or(Fault::Listing(what))?;
        Ok(())
    }
}
