//! zip: the central directory, and where the data of an entry lies. Only what the central directory
//! lists is there; local headers must agree with it.

mod central;
mod end;
mod fields;
mod local;
mod times;

pub(crate) use central::{Record, read_central};
pub(crate) use end::ends_like_zip;
pub(crate) use local::data_offset;

/// No compression.
pub(crate) const STORED: u16 = 0;
/// Deflate (RFC 1951).
pub(crate) const DEFLATE: u16 = 8;
/// The methods that can be read: 9 deflate64, 12 bzip2, 14 LZMA, 93 zstd, 95 xz.
pub(crate) const METHODS: [u16; 7] = [STORED, DEFLATE, 9, 12, 14, 93, 95];
