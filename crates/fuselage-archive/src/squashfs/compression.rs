//! Every decompressor that an image can need stands here and nowhere else.

use std::io::Read;

use lzma_rust2::XzReader;

use crate::error::ArchiveError;
use crate::squashfs::damaged;

/// What the blocks of an image are compressed by (`squashfs_fs.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compressor {
    /// In fact the zlib format (RFC 1950).
    Gzip,
    Xz,
    /// Bare blocks, without a frame.
    Lz4,
    Zstd,
}

impl Compressor {
    pub(crate) fn numbered(number: u16) -> Result<Self, ArchiveError> {
        let unsupported = |name: &str| {
            let what = format!("the image is compressed by {name}, which cannot be read");
            Err(ArchiveError::Unsupported { entry: None, what })
        };
        match number {
            1 => Ok(Self::Gzip),
            2 => unsupported("lzma"),
            3 => unsupported("lzo"),
            4 => Ok(Self::Xz),
            5 => Ok(Self::Lz4),
            6 => Ok(Self::Zstd),
            other => Err(damaged(format!(
                "the image is compressed by something unknown (number {other})"
            ))),
        }
    }
}

/// What one thread decompresses with; used again for each block.
pub(crate) enum Decompressor {
    Gzip(libdeflater::Decompressor),
    Xz,
    Lz4,
    Zstd(zstd::bulk::Decompressor<'static>),
}

/// Data that is no output of the compressor, or that unpacks to more than there is room for.
#[derive(Debug)]
pub(crate) struct BadData;

impl Decompressor {
    pub(crate) fn new(compressor: Compressor) -> Self {
        match compressor {
            Compressor::Gzip => Self::Gzip(libdeflater::Decompressor::new()),
            Compressor::Xz => Self::Xz,
            Compressor::Lz4 => Self::Lz4,
            Compressor::Zstd => Self::Zstd(zstd::bulk::Decompressor::default()),
        }
    }

    /// Unpacks one block to the beginning of `room`; how many bytes it was.
    pub(crate) fn unpack(&mut self, packed: &[u8], room: &mut [u8]) -> Result<usize, BadData> {
        match self {
            Self::Gzip(gzip) => gzip.zlib_decompress(packed, room).map_err(|_| BadData),
            Self::Xz => unpack_xz(packed, room),
            Self::Lz4 => lz4_flex::block::decompress_into(packed, room).map_err(|_| BadData),
            Self::Zstd(zstd) => zstd.decompress_to_buffer(packed, room).map_err(|_| BadData),
        }
    }
}

/// The largest dictionary that is allowed, in KiB: mksquashfs makes none larger than a block, which
/// is 1 MiB at most. The decoder itself needs some more.
const XZ_MEMORY: u32 = 1024 + 512;

/// Unpacks a stream of one block, as every tool writes it (`lzma_stream_buffer_encode`): of empty
/// ones a stream of a megabyte could have 57,000, each of which costs a new decoder.
fn unpack_xz(packed: &[u8], room: &mut [u8]) -> Result<usize, BadData> {
    if !has_one_block(packed) {
        return Err(BadData);
    }
    let mut xz = XzReader::new_mem_limit(packed, false, XZ_MEMORY);
    let mut length = 0;
    loop {
        let mut beyond = [0];
        let rest = match &mut room[length..] {
            [] => &mut beyond[..],
            rest => rest,
        };
        match xz.read(rest) {
            // It ended where its index was looked for, which then was its own.
            Ok(0) if xz.inner().is_empty() => return Ok(length),
            Ok(count @ 1..) if length + count <= room.len() => length += count,
            Ok(_) | Err(_) => return Err(BadData),
        }
    }
}

/// What the index at the end of an xz stream says (The .xz File Format, 2.1.2 and 4).
fn has_one_block(stream: &[u8]) -> bool {
    const FOOTER: usize = 12;
    let index = || {
        let footer = stream.last_chunk::<FOOTER>()?;
        let length = u32::from_le_bytes(*footer[4..].first_chunk()?);
        let length = (length as usize).checked_add(1)?.checked_mul(4)?;
        let begin = stream.len().checked_sub(FOOTER)?.checked_sub(length)?;
        stream[begin..].first_chunk()
    };
    // What tells it from a block, and the number of its records.
    index() == Some(&[0, 1])
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lzma_rust2::{XzOptions, XzWriter};

    use super::*;

    const CONTENT: &[u8] = &[7; 3 << 12];

    /// A stream of `blocks` blocks.
    fn stream(blocks: u64) -> Vec<u8> {
        let mut options = XzOptions::with_preset(0);
        options.lzma_options.dict_size = 1 << 12;
        let block = CONTENT.len() as u64 / blocks;
        options.set_block_size(std::num::NonZeroU64::new(block));
        let mut xz = XzWriter::new(Vec::new(), options).unwrap();
        for piece in CONTENT.chunks(block as usize) {
            xz.write_all(piece).unwrap();
        }
        xz.finish().unwrap()
    }

    fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
        let mut room = vec![0; CONTENT.len()];
        let length = unpack_xz(packed, &mut room).ok()?;
        room.truncate(length);
        Some(room)
    }

    #[test]
    fn an_xz_stream_has_one_block() {
        let (one, three) = (stream(1), stream(3));
        assert_eq!(unpacked(&one).as_deref(), Some(CONTENT));
        let mut room = Vec::new();
        XzReader::new(&three[..], false)
            .read_to_end(&mut room)
            .unwrap();
        assert_eq!(room, CONTENT);
        assert_eq!(unpacked(&three), None);
        // The index of another stream behind it says nothing of it.
        assert_eq!(unpacked(&[&three[..], &one].concat()), None);
        assert_eq!(unpacked(&[&one[..], &one].concat()), None);
        for length in 0..one.len() {
            assert_eq!(unpacked(&one[..length]), None, "{length}");
        }
    }
}
