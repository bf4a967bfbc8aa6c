//! The list of a file's blocks, which follows its inode, made to parts that threads can share.

use crate::error::ArchiveError;
use crate::squashfs::metadata::Cursor;

/// A part is full when it has so many bytes of data: a few milliseconds of work.
const PART: u64 = 4 << 20;

/// How a block is stored, as an image says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockSize(pub(crate) u32);

impl BlockSize {
    const STORED: u32 = 1 << 24;

    /// Bytes in the image.
    pub(crate) fn packed(self) -> u32 {
        self.0 & !Self::STORED
    }

    /// Whether it is not compressed.
    pub(crate) fn is_stored(self) -> bool {
        self.0 & Self::STORED != 0
    }

    /// Nothing but zeros, which the image does not have.
    pub(crate) fn is_hole(self) -> bool {
        self.0 == 0
    }

    /// Whether it can be what `unpacked` bytes are compressed to: never more, since such a block is
    /// stored. So the work for a file is bounded by its size.
    pub(crate) fn fits(self, unpacked: u32) -> bool {
        (1..=unpacked).contains(&self.packed())
    }
}

/// The next blocks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    One(BlockSize),
    /// So many blocks of zeros.
    Holes(u32),
}

/// The same in four bytes: there may be millions of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackedBlocks(u32);

impl PackedBlocks {
    /// Set where the rest is a number of holes; a block that [fits](BlockSize::fits) never has it.
    const HOLES: u32 = 1 << 31;
    const MOST_HOLES: u32 = Self::HOLES - 1;

    fn new(blocks: Blocks) -> Self {
        Self(match blocks {
            Blocks::One(size) => size.0,
            Blocks::Holes(count) => count | Self::HOLES,
        })
    }

    pub(crate) fn get(self) -> Blocks {
        match self.0 & Self::HOLES {
            0 => Blocks::One(BlockSize(self.0)),
            _ => Blocks::Holes(self.0 & Self::MOST_HOLES),
        }
    }
}

/// Some blocks of a file that lie one behind the other in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The list of them, as a range of the image's.
    pub(crate) blocks: std::ops::Range<usize>,
    /// Where the first is in the image.
    pub(crate) start: u64,
    /// Where the first is in the file.
    pub(crate) position: u64,
}

/// The blocks of all files.
#[derive(Debug, Default)]
pub(crate) struct BlockLists {
    pub(crate) blocks: Vec<PackedBlocks>,
    pub(crate) parts: Vec<Part>,
}

/// Where blocks may be, and how large they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) block_size: u32,
    /// Bytes of the image.
    pub(crate) bytes_used: u64,
}

impl BlockLists {
    /// Reads the blocks of the first `length` bytes of a file, of which the first is at `start`;
    /// the numbers of the parts, and the bytes of holes.
    ///
    /// Needs memory for blocks that are in the image; holes, which are in no image, are counted.
    /// `path` is the file's, for errors.
    pub(crate) fn read(
        &mut self,
        cursor: &mut Cursor<'_, '_>,
        start: u64,
        length: u64,
        bounds: Bounds,
        path: impl Fn() -> Vec<u8>,
    ) -> Result<(std::ops::Range<usize>, u64), ArchiveError> {
        let first = self.parts.len();
        let mut part = Part {
            blocks: self.blocks.len()..self.blocks.len(),
            start,
            position: 0,
        };
        let (mut at, mut position, mut data, mut holes) = (start, 0u64, 0, 0);
        while position < length {
            let size = BlockSize(u32::from_le_bytes(cursor.bytes()?));
            let unpacked = u64::from(bounds.block_size).min(length - position);
            if size.is_hole() {
                holes += unpacked;
                let last = self.blocks[part.blocks.start..].last_mut();
                match last.map(|last| (last.get(), last)) {
                    Some((Blocks::Holes(count), last)) if count < PackedBlocks::MOST_HOLES => {
                        *last = PackedBlocks::new(Blocks::Holes(count + 1));
                    }
                    _ => self.blocks.push(PackedBlocks::new(Blocks::Holes(1))),
                }
            } else {
                at = at.saturating_add(size.packed().into());
                if !size.fits(unpacked as u32) || at > bounds.bytes_used {
                    let what = "has a block that lies outside of the image or is too large";
                    return Err(ArchiveError::damaged(&path(), what));
                }
                data += unpacked;
                self.blocks.push(PackedBlocks::new(Blocks::One(size)));
            }
            position += unpacked;
            if data >= PART && position < length {
                self.end(&mut part, at, position);
                data = 0;
            }
        }
        if position > part.position {
            self.end(&mut part, at, position);
        }
        Ok((first..self.parts.len(), holes))
    }

    fn end(&mut self, part: &mut Part, at: u64, position: u64) {
        part.blocks.end = self.blocks.len();
        self.parts.push(part.clone());
        *part = Part {
            blocks: self.blocks.len()..self.blocks.len(),
            start: at,
            position,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_every_size_and_holes_are_told_apart() {
        let most = 1 << 20;
        let holes = [1, most, PackedBlocks::MOST_HOLES].map(Blocks::Holes);
        let sizes = [1, most, 1 | BlockSize::STORED, most | BlockSize::STORED];
        let sizes = sizes.map(BlockSize);
        assert!(sizes.iter().all(|size| size.fits(most)));
        for blocks in holes.into_iter().chain(sizes.map(Blocks::One)) {
            assert_eq!(PackedBlocks::new(blocks).get(), blocks);
        }
    }
}
