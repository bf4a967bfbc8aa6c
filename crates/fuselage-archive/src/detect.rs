//! What an archive is, by its content and never by its name.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;

use crate::looks_like::looks_like;
use crate::zip;

/// A format that can be extracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// PKWARE's zip (APPNOTE 6.3.10), also with something before it.
    Zip,
}

/// What a look at a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Length of the file, in bytes.
    pub length: u64,
    /// The format, if it is one that can be extracted.
    pub format: Option<Format>,
    /// What it looks like, in words.
    pub looks_like: &'static str,
}

/// Bytes that are read of the beginning; the erofs magic is at 1024.
const HEAD: usize = 4096;
/// Bytes that are read of the end, where a zip with something before it shows: together no more
/// than 64 KiB.
const TAIL: usize = 60 << 10;

/// Looks at the beginning and the end of `file`, at most 64 KiB, without moving its position.
///
/// # Errors
/// What pread(2) and fstat(2) say.
pub fn detect(file: BorrowedFd<'_>) -> io::Result<Detection> {
    let file = File::from(file.try_clone_to_owned()?);
    let length = file.metadata()?.len();
    let head = read_up_to(&file, HEAD, 0)?;
    let kind = looks_like(&head, length);
    let found = |format, looks_like| {
        Ok(Detection {
            length,
            format,
            looks_like,
        })
    };
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return found(Some(Format::Zip), kind);
    }
    let at = length.saturating_sub(TAIL as u64);
    let tail = read_up_to(&file, TAIL, at)?;
    if zip::ends_like_zip(&tail, length) {
        return found(Some(Format::Zip), "a zip archive with something before it");
    }
    found(None, kind)
}

/// Reads `length` bytes from `offset`, fewer at the end of the file.
fn read_up_to(file: &File, length: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
