//! Metadata blocks: what inodes, directories and tables are stored in, 8 KiB each, compressed.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crate::error::ArchiveError;
use crate::source::Source;
use crate::squashfs::compression::Decompressor;
use crate::squashfs::damaged;
use crate::squashfs::superblock::Superblock;

/// Bytes of a block, unpacked.
const BLOCK: usize = 8192;
/// Blocks that are kept: 16 MiB, the inodes of some 400,000 files.
const KEPT: usize = 2048;
/// So often blocks may be unpacked again whatever the image: a small one may be in any order.
const AGAIN: u64 = 1024;
/// Bytes of the tables for each of which a block may be unpacked again, and entries. Tools write
/// inodes in the order of a walk, so that no block is unpacked twice. Only `mksquashfs -sort` can
/// write them in any order, which the blocks that are kept are for.
const BYTES: u64 = 512;
const ENTRIES: u64 = 2;
/// In a block's header: it is not compressed.
const STORED: u16 = 1 << 15;

/// Where something is in a table: the block, from the table's start, and the byte in it, unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) block: u64,
    pub(crate) offset: u16,
}

impl Reference {
    /// As it stands in an image: 48 bits for the block, 16 for the byte.
    pub(crate) fn new(packed: u64) -> Self {
        Self {
            block: packed >> 16,
            offset: packed as u16,
        }
    }
}

/// Part of an image that consists of metadata blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Table {
    /// The most bytes that it can unpack to: a block has a header of two bytes and one of data at
    /// least.
    pub(crate) fn most_unpacked(self) -> u64 {
        let blocks = self.end.saturating_sub(self.start).div_ceil(3);
        blocks.saturating_mul(BLOCK as u64)
    }
}

struct Block {
    bytes: Vec<u8>,
    /// Where the next one is in the image.
    next: u64,
}

/// Reads metadata blocks and keeps the last ones.
pub(crate) struct MetadataReader<'a> {
    source: Source<'a>,
    decompressor: Decompressor,
    kept: HashMap<u64, Rc<Block>>,
    order: VecDeque<u64>,
    /// The one that was asked for last, and where it is: most often the next is the same.
    last: Option<(u64, Rc<Block>)>,
    work: Work,
}

/// How often blocks were unpacked again, and how often they may be: an image could refer to its
/// inodes in such an order that each of millions costs a block.
///
/// What is unpacked for the first time costs nothing, since the image bounds it: holes, or entries
/// that are all alike, pack to blocks of some 20 bytes, so that their number says nothing.
struct Work {
    read: Positions,
    /// Bytes of the tables that were not read yet, unless blocks overlap.
    unread: u64,
    again: u64,
    /// Whatever the entries.
    allowed: u64,
    entries: u64,
}

impl Work {
    fn new(table_bytes: u64) -> Self {
        Self {
            read: Positions::default(),
            unread: table_bytes,
            again: 0,
            allowed: AGAIN.saturating_add(table_bytes / BYTES),
            entries: 0,
        }
    }

    /// Counts the block at `position`, which has `length` bytes, packed.
    fn count(&mut self, position: u64, length: u64, table: Table) -> Result<(), ArchiveError> {
        if self.read.insert(position)
            && let Some(unread) = self.unread.checked_sub(length)
        {
            self.unread = unread;
            return Ok(());
        }
        self.again += 1;
        match self.again > self.allowed.saturating_add(self.entries / ENTRIES) {
            true => Err(damaged(format!(
                "the {} table would have to be unpacked again and again, since what refers to it is \
                 in no order",
                table.name
            ))),
            false => Ok(()),
        }
    }
}

/// A set of positions, a bit each: those of blocks lie close together.
#[derive(Default)]
struct Positions(HashMap<u64, [u64; 8]>);

impl Positions {
    /// Whether it was not in it yet.
    fn insert(&mut self, position: u64) -> bool {
        let bits = &mut self.0.entry(position / 512).or_default()[(position % 512 / 64) as usize];
        let bit = 1 << (position % 64);
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }
}

impl<'a> MetadataReader<'a> {
    pub(crate) fn new(source: Source<'a>, superblock: &Superblock) -> Self {
        Self {
            source,
            decompressor: Decompressor::new(superblock.compressor),
            kept: HashMap::new(),
            order: VecDeque::new(),
            last: None,
            work: Work::new(superblock.table_bytes()),
        }
    }

    /// Counts an entry for which something is to be read.
    pub(crate) fn count_entry(&mut self) {
        self.work.entries += 1;
    }

    /// A cursor at `reference` in `table`.
    pub(crate) fn at(
        &mut self,
        table: Table,
        reference: Reference,
    ) -> Result<Cursor<'_, 'a>, ArchiveError> {
        let position = table.start.saturating_add(reference.block);
        let block = self.block(position, table)?;
        if usize::from(reference.offset) >= block.bytes.len() {
            return Err(outside(table));
        }
        let place = Place {
            position,
            offset: reference.offset.into(),
            block,
            table,
        };
        Ok(self.resume(place))
    }

    /// A cursor where another one was.
    pub(crate) fn resume(&mut self, place: Place) -> Cursor<'_, 'a> {
        Cursor {
            reader: self,
            place,
        }
    }

    fn block(&mut self, position: u64, table: Table) -> Result<Rc<Block>, ArchiveError> {
        let block = match &self.last {
            Some((last, block)) if *last == position => Rc::clone(block),
            _ => match self.kept.get(&position) {
                Some(block) => Rc::clone(block),
                None => self.read_and_keep(position, table)?,
            },
        };
        // It was read for another table, perhaps.
        if position < table.start || block.next > table.end {
            return Err(outside(table));
        }
        self.last = Some((position, Rc::clone(&block)));
        Ok(block)
    }

    fn read_and_keep(&mut self, position: u64, table: Table) -> Result<Rc<Block>, ArchiveError> {
        let block = Rc::new(self.read(position, table)?);
        if self.order.len() == KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.kept.remove(&oldest);
        }
        self.order.push_back(position);
        self.kept.insert(position, Rc::clone(&block));
        Ok(block)
    }

    fn read(&mut self, position: u64, table: Table) -> Result<Block, ArchiveError> {
        let left = table.end.saturating_sub(position);
        if position < table.start || left < 2 {
            return Err(outside(table));
        }
        let mut packed = [0; 2 + BLOCK];
        let available = left.min(packed.len() as u64) as usize;
        let packed = &mut packed[..available];
        self.source.read_exact_at(packed, position)?;
        let header = u16::from_le_bytes([packed[0], packed[1]]);
        let length = usize::from(header & !STORED);
        let broken = || {
            damaged(format!(
                "the {} table has a block that is broken",
                table.name
            ))
        };
        let packed = packed.get(2..2 + length).ok_or_else(broken)?;
        self.work.count(position, 2 + length as u64, table)?;
        let bytes = if header & STORED != 0 {
            packed.to_vec()
        } else {
            let mut bytes = vec![0; BLOCK];
            let unpacked = self.decompressor.unpack(packed, &mut bytes);
            bytes.truncate(unpacked.map_err(|_| broken())?);
            bytes
        };
        // Without this a long row of empty blocks would be walked again and again.
        if bytes.is_empty() {
            return Err(broken());
        }
        Ok(Block {
            bytes,
            next: position + 2 + length as u64,
        })
    }
}

fn outside(table: Table) -> ArchiveError {
    damaged(format!(
        "something points outside of the {} table",
        table.name
    ))
}

/// Somewhere in a table, whose block is held.
#[derive(Clone)]
pub(crate) struct Place {
    table: Table,
    /// Where the block is in the image.
    position: u64,
    block: Rc<Block>,
    offset: usize,
}

/// Reads on from somewhere in a table, over the borders of blocks.
pub(crate) struct Cursor<'r, 'a> {
    reader: &'r mut MetadataReader<'a>,
    place: Place,
}

impl Cursor<'_, '_> {
    /// Where the next byte is.
    pub(crate) fn reference(&self) -> Result<Reference, ArchiveError> {
        let place = &self.place;
        let here = |position: u64, offset: usize| Reference {
            block: position - place.table.start,
            offset: offset as u16,
        };
        // At the end of a block it is the first of the next one.
        Ok(match place.offset == place.block.bytes.len() {
            true => here(place.block.next, 0),
            false => here(place.position, place.offset),
        })
    }

    /// Where to [go on](MetadataReader::resume), once the reader has read something else.
    pub(crate) fn place(self) -> Place {
        self.place
    }

    /// Fills `to`.
    pub(crate) fn read(&mut self, mut to: &mut [u8]) -> Result<(), ArchiveError> {
        while !to.is_empty() {
            let place = &mut self.place;
            if place.offset == place.block.bytes.len() {
                place.position = place.block.next;
                place.block = self.reader.block(place.position, place.table)?;
                place.offset = 0;
            }
            let available = &place.block.bytes[place.offset..];
            let count = available.len().min(to.len());
            let (now, later) = to.split_at_mut(count);
            now.copy_from_slice(&available[..count]);
            place.offset += count;
            to = later;
        }
        Ok(())
    }

    /// The next `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_charged_when_they_come_again_or_overlap() {
        let table = Table {
            name: "test",
            start: 0,
            end: 3000,
        };
        let mut work = Work::new(3000);
        let allowed = AGAIN + 3000 / BYTES;
        for position in 0..1000 {
            work.count(position * 3, 3, table).unwrap();
        }
        assert_eq!((work.again, work.unread), (0, 0));
        // The table has no bytes left for them: they overlap.
        work.count(1, 3, table).unwrap();
        work.count(3, 3, table).unwrap();
        assert_eq!(work.again, 2);
        for _ in 2..allowed {
            work.count(3, 3, table).unwrap();
        }
        assert!(work.count(3, 3, table).is_err());
        work.entries = ENTRIES * 2;
        assert!(work.count(3, 3, table).is_ok());
        assert!(work.count(3, 3, table).is_err());
    }

    #[test]
    fn positions_are_told_apart() {
        let mut positions = Positions::default();
        let all = [0, 1, 63, 64, 511, 512, 512 + 64, 1 << 40, u64::MAX];
        for position in all {
            assert!(positions.insert(position));
        }
        for position in all {
            assert!(!positions.insert(position));
        }
    }

    #[test]
    fn a_table_unpacks_to_a_block_for_each_three_bytes_at_most() {
        let table = |end| Table {
            name: "test",
            start: 100,
            end,
        };
        assert_eq!(table(99).most_unpacked(), 0);
        assert_eq!(table(103).most_unpacked(), 8192);
        assert_eq!(table(104).most_unpacked(), 2 * 8192);
        assert_eq!(table(u64::MAX).most_unpacked(), u64::MAX);
    }
}
