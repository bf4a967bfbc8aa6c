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

fn unpack_xz(packed: &[u8], room: &mut [u8]) -> Result<usize, BadData> {
    let mut xz = XzReader::new_mem_limit(packed, false, XZ_MEMORY);
    let mut length = 0;
    loop {
        let mut beyond = [0];
        let rest = match &mut room[length..] {
            [] => &mut beyond[..],
            rest => rest,
        };
        match xz.read(rest) {
            Ok(0) => return Ok(length),
            Ok(count) if length + count <= room.len() => length += count,
            Ok(_) | Err(_) => return Err(BadData),
        }
    }
}
