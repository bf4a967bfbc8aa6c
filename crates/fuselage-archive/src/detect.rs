//! What an archive is, by its content and never by its name.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

use crate::format::Format;
use crate::looks_like::looks_like;
use crate::source::Source;

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

/// The first and the last bytes of a file, which overlap in a short one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) tail: &'a [u8],
    /// Bytes of the whole file.
    pub(crate) length: u64,
}

/// Looks at the beginning and the end of `file`, at most 64 KiB, without moving its position.
///
/// # Errors
/// What pread(2) and fstat(2) say.
pub fn detect(file: BorrowedFd<'_>) -> io::Result<Detection> {
    let file = File::from(file.try_clone_to_owned()?);
    let source = Source::behind(&file, 0)?;
    let length = source.length();
    let head = source.read_up_to(HEAD, 0)?;
    let tail = source.read_up_to(TAIL, length.saturating_sub(TAIL as u64))?;
    let ends = Ends {
        head: &head,
        tail: &tail,
        length,
    };
    let (format, looks_like) = match Format::of(&ends) {
        Some((format, words)) => (Some(format), words),
        None => (None, looks_like(&head, length)),
    };
    Ok(Detection {
        length,
        format,
        looks_like,
    })
}
