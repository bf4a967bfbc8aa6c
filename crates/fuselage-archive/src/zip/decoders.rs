//! Every decoder of a zip entry that is not unpacked in one go stands here and nowhere else.

use std::io::{self, BufRead, Read};

use lzma_rust2::{LzmaReader, XzReader, lzma_get_memory_usage_by_props};

use crate::zip::{BZIP2, DEFLATE, DEFLATE64, LZMA, STORED, XZ, ZSTD};

/// What a decoder looks back at, at most: the dictionary of LZMA and xz, the window of zstd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// 8 MiB: what RFC 8878 asks every zstd decoder for, and the dictionary of `xz -6`.
    Usual,
    /// 64 MiB for LZMA and xz: the dictionary of `xz -9`, and what 7-Zip makes at most without
    /// being told to make more. 128 MiB for zstd: the window of `zstd --ultra -22`, and the
    /// decoder's own limit.
    Largest,
}

const DICTIONARY: u32 = 64 << 20;
const USUAL: u32 = 8 << 20;
/// What an xz decoder needs besides its dictionary, in KiB.
const XZ_OVERHEAD: u32 = 1024;
/// As powers of two.
const ZSTD_WINDOW: u32 = 27;
const USUAL_ZSTD_WINDOW: u32 = 23;
/// What decoders need besides what they look back at; but for LZMA, whose literals need more.
const OVERHEAD: u64 = 1 << 20;
/// Of libbzip2 with blocks of 900 kB, as they mostly are.
const BZIP2_MEMORY: u64 = 4 << 20;

impl Window {
    /// The windows that entries of `method` may have, in the order in which they are tried.
    pub(crate) fn of(method: u16) -> &'static [Self] {
        match method {
            ZSTD | XZ => &[Self::Usual, Self::Largest],
            // Its header tells how much.
            LZMA => &[Self::Largest],
            _ => &[Self::Usual],
        }
    }

    /// Bytes of memory that a decoder needs, at most, for an entry that unpacks to `size` and whose
    /// data begins with `head`, of which [`head_length`] is looked at; less than a buffer is none.
    pub(crate) fn memory(self, method: u16, size: u64, head: &[u8]) -> u64 {
        let window = match (method, self) {
            (LZMA, _) => return head.first_chunk().map_or(0, |head| lzma_memory(size, head)),
            (XZ, Self::Largest) => DICTIONARY.into(),
            (ZSTD, Self::Largest) => 1 << ZSTD_WINDOW,
            (XZ | ZSTD, Self::Usual) => USUAL.into(),
            (BZIP2, _) => return BZIP2_MEMORY,
            _ => return 0,
        };
        // It grows with what is unpacked, and is up to twice as large.
        OVERHEAD + size.saturating_mul(2).min(window)
    }

    fn dictionary(self) -> u32 {
        match self {
            Self::Usual => USUAL,
            Self::Largest => DICTIONARY,
        }
    }
}

/// How many bytes at the beginning of the data tell how much memory its decoder needs.
pub(crate) fn head_length(method: u16) -> usize {
    match method {
        LZMA => LZMA_HEADER,
        _ => 0,
    }
}

/// A reader of what `packed` unpacks to by the zip method `method`, which is to be `size` bytes.
///
/// # Errors
/// The data does not begin as that method's does, or wants a window that is larger than `window`,
/// which may also be found while reading; the method is not known.
pub(crate) fn decoder<'a>(
    method: u16,
    size: u64,
    window: Window,
    packed: impl BufRead + 'a,
) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match method {
        STORED => Box::new(packed),
        DEFLATE => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        DEFLATE64 => Box::new(deflate64::Deflate64Decoder::with_buffer(packed)),
        BZIP2 => Box::new(bzip2::bufread::BzDecoder::new(packed)),
        LZMA => Box::new(lzma(size, window, packed)?),
        ZSTD => {
            let mut zstd = zstd::Decoder::with_buffer(packed)?;
            zstd.window_log_max(match window {
                Window::Usual => USUAL_ZSTD_WINDOW,
                Window::Largest => ZSTD_WINDOW,
            })?;
            Box::new(zstd)
        }
        XZ => {
            let limit = (window.dictionary() >> 10) + XZ_OVERHEAD;
            Box::new(XzReader::new_mem_limit(packed, false, limit))
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// Bytes of the header that zip gives LZMA data (APPNOTE 5.8.8).
const LZMA_HEADER: usize = 9;

/// What that header says to a decoder of `size` bytes: the properties, and the dictionary.
fn lzma_properties(size: u64, header: &[u8; LZMA_HEADER]) -> (u8, u32) {
    let [_, _, _, _, properties, dictionary @ ..] = *header;
    // More than the entry unpacks to is never looked back at.
    let useful = u32::try_from(size).unwrap_or(u32::MAX).max(4096);
    (properties, u32::from_le_bytes(dictionary).min(useful))
}

/// The properties tell how many literals are told apart: up to 4,096, by tables of 1.5 KiB.
fn lzma_memory(size: u64, header: &[u8; LZMA_HEADER]) -> u64 {
    let (properties, dictionary) = lzma_properties(size, header);
    // What has no properties is refused before it takes any.
    let kibibytes = lzma_get_memory_usage_by_props(dictionary, properties).unwrap_or(0);
    OVERHEAD + (u64::from(kibibytes) << 10)
}

/// LZMA behind the header that zip gives it.
fn lzma<R: BufRead>(size: u64, window: Window, mut packed: R) -> io::Result<LzmaReader<R>> {
    let mut header = [0; LZMA_HEADER];
    packed.read_exact(&mut header)?;
    if header[2..4] != [5, 0] {
        return Err(io::Error::other(
            "the LZMA header has another length than 5",
        ));
    }
    let (properties, dictionary) = lzma_properties(size, &header);
    if dictionary > window.dictionary() {
        return Err(io::Error::other("the dictionary is larger than 64 MiB"));
    }
    LzmaReader::new_with_props(packed, size, properties, dictionary, None)
}
