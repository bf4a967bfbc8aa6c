//! The data of files: read in large pieces, unpacked into buffers that are used again.

use crate::error::ArchiveError;
use crate::output::{ContentError, FilePart, Output};
use crate::source::Source;
use crate::squashfs::blocks::{BlockSize, Blocks, PackedBlocks, Part};
use crate::squashfs::compression::Decompressor;
use crate::squashfs::fragments::Fragment;
use crate::squashfs::metadata::MetadataReader;
use crate::squashfs::records::{FileRecord, Record, Tail, Walked};
use crate::squashfs::superblock::Superblock;
use crate::tree::{Leaf, Tree};

/// Packed bytes that are read at once, at most, unless one block is larger.
const READ: usize = 1 << 20;
/// Unpacked bytes that are written at once, at least, where there are so many.
const WRITE: usize = 128 << 10;

/// What one thread needs to read files.
pub(crate) struct ContentReader<'a> {
    source: Source<'a>,
    superblock: &'a Superblock,
    walked: &'a Walked,
    packed: Packed,
    unpacked: Unpacked,
    fragment: FragmentBlock,
    decompressor: Decompressor,
    /// Only who reads links has it.
    metadata: Option<MetadataReader<'a>>,
}

/// A piece of the image.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    /// Where it is in the image.
    start: u64,
    length: usize,
}

/// Blocks that are not written yet.
#[derive(Default)]
struct Unpacked {
    bytes: Vec<u8>,
    length: usize,
}

/// The fragment block that was unpacked last.
#[derive(Default)]
struct FragmentBlock {
    bytes: Vec<u8>,
    /// Which it is; `None`: nothing was unpacked.
    fragment: Option<Fragment>,
}

impl<'a> ContentReader<'a> {
    pub(crate) fn new(source: Source<'a>, superblock: &'a Superblock, walked: &'a Walked) -> Self {
        Self {
            source,
            superblock,
            walked,
            packed: Packed::default(),
            unpacked: Unpacked::default(),
            fragment: FragmentBlock::default(),
            decompressor: Decompressor::new(superblock.compressor),
            metadata: None,
        }
    }

    /// Gives the whole content of a leaf.
    pub(crate) fn copy_whole(
        &mut self,
        leaf: &Leaf,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let walked = self.walked;
        match &walked.records[leaf.index as usize] {
            Record::Symlink { target } => {
                let superblock = self.superblock;
                let metadata = self
                    .metadata
                    .get_or_insert_with(|| MetadataReader::new(self.source, superblock));
                metadata.count_entry();
                let mut bytes = vec![0; leaf.size as usize];
                metadata
                    .at(superblock.inode_table(), *target)
                    .and_then(|mut cursor| cursor.read(&mut bytes))
                    .map_err(ContentError::Archive)?;
                to.write_all(&bytes).map_err(ContentError::Write)
            }
            Record::File(file) => {
                for part in &walked.lists.parts[file.parts.clone()] {
                    self.copy_blocks(leaf, file, part, to)?;
                }
                self.finish(leaf, file.tail, to)
            }
        }
    }

    /// Gives one part of a file.
    pub(crate) fn copy_one_part(
        &mut self,
        leaf: &Leaf,
        part: usize,
        to: &mut FilePart<'_>,
    ) -> Result<(), ContentError> {
        let walked = self.walked;
        let Record::File(file) = &walked.records[leaf.index as usize] else {
            return self.copy_whole(leaf, to);
        };
        let parts = &walked.lists.parts[file.parts.clone()];
        let Some(blocks) = parts.get(part) else {
            return Ok(());
        };
        to.seek(blocks.position);
        self.copy_blocks(leaf, file, blocks, to)?;
        let tail = file.tail.filter(|_| part + 1 == parts.len());
        self.finish(leaf, tail, to)
    }

    /// Unpacks the blocks of a part; the last ones may stay in the buffer.
    fn copy_blocks(
        &mut self,
        leaf: &Leaf,
        file: &FileRecord,
        part: &Part,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let block_size = u64::from(self.superblock.block_size);
        let end = file.size - file.tail.map_or(0, |tail| tail.length as u64);
        let (mut at, mut position) = (part.start, part.position);
        let blocks = &self.walked.lists.blocks[part.blocks.clone()];
        for (number, block) in blocks.iter().enumerate() {
            let left = end - position;
            match block.get() {
                Blocks::Holes(count) => {
                    let length = (u64::from(count) * block_size).min(left);
                    self.unpacked.flush(to)?;
                    to.skip(length).map_err(ContentError::Write)?;
                    position += length;
                }
                Blocks::One(size) => {
                    let length = block_size.min(left) as usize;
                    let packed = self
                        .packed
                        .get(&self.source, at, size, &blocks[number + 1..])
                        .map_err(|error| ContentError::Archive(error.into()))?;
                    let room = self.unpacked.room(length, self.superblock, to)?;
                    let unpacked = unpack(&mut self.decompressor, packed, size, room);
                    if unpacked != Some(length) {
                        return Err(broken(&self.walked.tree, leaf, "a block"));
                    }
                    self.unpacked.length += length;
                    at += u64::from(size.packed());
                    position += length as u64;
                }
            }
        }
        Ok(())
    }

    /// Gives the end of a file, and what is still in the buffer.
    fn finish(
        &mut self,
        leaf: &Leaf,
        tail: Option<Tail>,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let Some(tail) = tail else {
            return self.unpacked.flush(to);
        };
        let error = |_| broken(&self.walked.tree, leaf, "a fragment block");
        let block = self
            .fragment
            .get(&self.source, &mut self.decompressor, tail, self.superblock)
            .map_err(|error| ContentError::Archive(error.into()))?;
        let content = block
            .get(tail.offset..tail.offset + tail.length)
            .ok_or(())
            .map_err(error)?;
        if self.unpacked.length == 0 {
            return to.write_all(content).map_err(ContentError::Write);
        }
        let room = self.unpacked.room(content.len(), self.superblock, to)?;
        room.copy_from_slice(content);
        self.unpacked.length += content.len();
        self.unpacked.flush(to)
    }
}

impl Packed {
    /// The block of `size` that is `at` in the image; with it those that follow are read.
    fn get(
        &mut self,
        source: &Source<'_>,
        at: u64,
        size: BlockSize,
        following: &[PackedBlocks],
    ) -> std::io::Result<&[u8]> {
        let length = size.packed() as usize;
        let available = |packed: &Self| {
            let offset = usize::try_from(at.checked_sub(packed.start)?).ok()?;
            (offset.checked_add(length)? <= packed.length).then_some(offset)
        };
        let offset = match available(self) {
            Some(offset) => offset,
            None => {
                let mut wanted = length;
                for block in following {
                    if let Blocks::One(next) = block.get() {
                        match wanted + next.packed() as usize {
                            more if more > READ => break,
                            more => wanted = more,
                        }
                    }
                }
                self.length = 0;
                if self.bytes.len() < wanted {
                    self.bytes.resize(wanted, 0);
                }
                source.read_exact_at(&mut self.bytes[..wanted], at)?;
                (self.start, self.length) = (at, wanted);
                0
            }
        };
        Ok(&self.bytes[offset..offset + length])
    }
}

impl Unpacked {
    /// Room for `length` bytes more; what is there is written before, if there is no room.
    fn room(
        &mut self,
        length: usize,
        superblock: &Superblock,
        to: &mut dyn Output,
    ) -> Result<&mut [u8], ContentError> {
        let capacity = WRITE.max(superblock.block_size as usize);
        if self.length + length > capacity {
            self.flush(to)?;
        }
        if self.bytes.is_empty() {
            self.bytes.resize(capacity, 0);
        }
        Ok(&mut self.bytes[self.length..self.length + length])
    }

    fn flush(&mut self, to: &mut dyn Output) -> Result<(), ContentError> {
        let length = std::mem::take(&mut self.length);
        match length {
            0 => Ok(()),
            _ => to
                .write_all(&self.bytes[..length])
                .map_err(ContentError::Write),
        }
    }
}

impl FragmentBlock {
    /// The fragment block that `tail` is in; as much of it as can be unpacked.
    fn get(
        &mut self,
        source: &Source<'_>,
        decompressor: &mut Decompressor,
        tail: Tail,
        superblock: &Superblock,
    ) -> std::io::Result<&[u8]> {
        if self.fragment != Some(tail.fragment) {
            self.fragment = None;
            let mut packed = vec![0; tail.fragment.size.packed() as usize];
            source.read_exact_at(&mut packed, tail.fragment.start)?;
            self.bytes.resize(superblock.block_size as usize, 0);
            let length = unpack(decompressor, &packed, tail.fragment.size, &mut self.bytes);
            self.bytes.truncate(length.unwrap_or(0));
            self.fragment = Some(tail.fragment);
        }
        Ok(&self.bytes)
    }
}

/// Unpacks a block; how many bytes it was, if it could be.
fn unpack(
    decompressor: &mut Decompressor,
    packed: &[u8],
    size: BlockSize,
    room: &mut [u8],
) -> Option<usize> {
    if size.is_stored() {
        room.get_mut(..packed.len())?.copy_from_slice(packed);
        return Some(packed.len());
    }
    decompressor.unpack(packed, room).ok()
}

fn broken(tree: &Tree, leaf: &Leaf, what: &str) -> ContentError {
    let what = format!("has {what} that cannot be unpacked, or not to what the image says");
    ContentError::Archive(ArchiveError::damaged(&tree.path(leaf), what))
}
