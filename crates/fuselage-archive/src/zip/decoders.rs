//! Every decoder of a zip entry that is not unpacked in one go stands here and nowhere else.

use std::io::{self, BufRead, Read};

use lzma_rust2::{LzmaReader, XzReader};

use crate::zip::{BZIP2, DEFLATE, DEFLATE64, LZMA, STORED, XZ, ZSTD};

/// The largest dictionary of LZMA and xz, in bytes: that of `xz -9`, and what 7-Zip makes at most
/// without being told to make more.
const DICTIONARY: u32 = 64 << 20;
/// What an xz decoder needs besides its dictionary, in KiB.
const XZ_OVERHEAD: u32 = 1024;
/// The largest window of zstd as a power of two: that of `zstd --ultra -22`, and the decoder's own
/// limit (RFC 8878 asks for 8 MiB at least).
const ZSTD_WINDOW: u32 = 27;

/// A reader of what `packed` unpacks to by the zip method `method`, which is to be `size` bytes.
///
/// # Errors
/// The data does not begin as that method's does; the method is not known.
pub(crate) fn decoder<'a>(
    method: u16,
    size: u64,
    packed: impl BufRead + 'a,
) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match method {
        STORED => Box::new(packed),
        DEFLATE => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        DEFLATE64 => Box::new(deflate64::Deflate64Decoder::with_buffer(packed)),
        BZIP2 => Box::new(bzip2::bufread::BzDecoder::new(packed)),
        LZMA => Box::new(lzma(size, packed)?),
        ZSTD => {
            let mut zstd = zstd::Decoder::with_buffer(packed)?;
            zstd.window_log_max(ZSTD_WINDOW)?;
            Box::new(zstd)
        }
        XZ => {
            let limit = (DICTIONARY >> 10) + XZ_OVERHEAD;
            Box::new(XzReader::new_mem_limit(packed, false, limit))
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// LZMA behind the header that zip gives it (APPNOTE 5.8.8).
fn lzma<R: BufRead>(size: u64, mut packed: R) -> io::Result<LzmaReader<R>> {
    let mut header = [0; 9];
    packed.read_exact(&mut header)?;
    let [_, _, length, length_high, properties, dictionary @ ..] = header;
    if u16::from_le_bytes([length, length_high]) != 5 {
        return Err(io::Error::other(
            "the LZMA header has another length than 5",
        ));
    }
    // More than the entry unpacks to is never looked back at.
    let useful = u32::try_from(size).unwrap_or(u32::MAX).max(4096);
    let dictionary = u32::from_le_bytes(dictionary).min(useful);
    if dictionary > DICTIONARY {
        return Err(io::Error::other("the dictionary is larger than 64 MiB"));
    }
    LzmaReader::new_with_props(packed, size, properties, dictionary, None)
}
