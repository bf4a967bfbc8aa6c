//! The fragment table: blocks that hold the ends of many files.

use std::collections::BTreeMap;

use crate::error::ArchiveError;
use crate::fields::Fields;
use crate::source::Source;
use crate::squashfs::blocks::BlockSize;
use crate::squashfs::damaged;
use crate::squashfs::metadata::{MetadataReader, Reference, Table};
use crate::squashfs::superblock::Superblock;

/// Entries in a metadata block, each of 16 bytes.
const IN_BLOCK: u32 = 512;
const ENTRY: u16 = 16;

/// Where a fragment block is in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) start: u64,
    pub(crate) size: BlockSize,
}

/// Where the blocks of the table are; its entries are read when they are asked for.
pub(crate) struct FragmentTable {
    /// Those that were asked for, by where they start.
    used: BTreeMap<u64, Fragment>,
    blocks: Vec<u64>,
    count: u32,
    block_size: u32,
    bytes_used: u64,
}

impl FragmentTable {
    pub(crate) fn read(source: &Source<'_>, superblock: &Superblock) -> Result<Self, ArchiveError> {
        let mut bytes = Vec::new();
        if let (Some(start), 1..) = (superblock.fragment_table, superblock.fragments) {
            let length = u64::from(superblock.fragments.div_ceil(IN_BLOCK)) * 8;
            if length > superblock.bytes_used - start {
                return Err(damaged("the fragment table ends outside of the image"));
            }
            bytes.resize(length as usize, 0);
            source.read_exact_at(&mut bytes, start)?;
        }
        let (positions, _) = bytes.as_chunks();
        Ok(Self {
            used: BTreeMap::new(),
            count: (positions.len() as u32)
                .saturating_mul(IN_BLOCK)
                .min(superblock.fragments),
            blocks: positions
                .iter()
                .map(|position| u64::from_le_bytes(*position))
                .collect(),
            block_size: superblock.block_size,
            bytes_used: superblock.bytes_used,
        })
    }

    /// The fragment block with a number.
    pub(crate) fn get(
        &mut self,
        number: u32,
        metadata: &mut MetadataReader<'_>,
    ) -> Result<Fragment, ArchiveError> {
        let block = self
            .blocks
            .get((number / IN_BLOCK) as usize)
            .filter(|_| number < self.count)
            .ok_or_else(|| damaged(format!("there is no fragment block {number}")))?;
        let table = Table {
            name: "fragment",
            start: *block,
            end: self.bytes_used,
        };
        let reference = Reference {
            block: 0,
            offset: (number % IN_BLOCK) as u16 * ENTRY,
        };
        let entry: [u8; ENTRY as usize] = metadata.at(table, reference)?.bytes()?;
        let mut entry = Fields(&entry);
        let (start, size) = (entry.u64()?, BlockSize(entry.u32()?));
        let end = start.saturating_add(size.packed().into());
        if !size.fits(self.block_size) || end > self.bytes_used {
            return Err(damaged(format!(
                "the fragment block {number} lies outside of the image or is too large"
            )));
        }
        self.claim(Fragment { start, size })
    }

    /// Makes sure that no two blocks share bytes: what is unpacked in all is bounded by the image.
    fn claim(&mut self, fragment: Fragment) -> Result<Fragment, ArchiveError> {
        let end = |of: &Fragment| of.start.saturating_add(of.size.packed().into());
        let before = self.used.range(..fragment.start).next_back();
        let overlaps = before.is_some_and(|(_, before)| end(before) > fragment.start)
            || self
                .used
                .range(fragment.start..end(&fragment))
                .any(|(_, other)| *other != fragment);
        if overlaps {
            return Err(damaged("two fragment blocks share bytes of the image"));
        }
        self.used.insert(fragment.start, fragment);
        Ok(fragment)
    }
}
