//! What an archive is, by its content and never by its name.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;

use crate::elf;
use crate::encoded::{self, Encoded};
use crate::format::Format;
use crate::looks_like::{Looks, looks_like};
use crate::source::{Positioned, Source};

/// What a look at a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Length of the file, in bytes.
    pub length: u64,
    /// How the archive stands in the file.
    pub encoding: Encoding,
    /// The format, if it is one that can be extracted; of a text, if its beginning tells it.
    pub format: Option<Format>,
    /// Where the archive begins in the file; only an image begins anywhere else than at 0.
    pub offset: u64,
    /// How long an image that begins at the offset says that it is, in bytes; of a text, the one
    /// that it begins with when decoded.
    pub image_length: Option<u64>,
    /// What it is or looks like, in words.
    pub looks_like: String,
    /// What helps somebody who gave this file, if it is no archive.
    pub advice: Option<&'static str>,
}

/// How an archive stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// As base64 text, which is to be decoded; without a format, what it is shows then.
    Base64,
}

/// Bytes that are read of the beginning.
const HEAD: usize = 16 << 10;
/// Bytes that are read of the end, where a zip with something before it shows. With the head, the
/// tables of an ELF file and the two places behind it no more than 64 KiB.
const TAIL: usize = 30 << 10;
/// Bytes that are read where an image may begin; a squashfs superblock has 96.
const IMAGE_HEAD: usize = 1 << 10;
/// Bundlers put an image at a multiple of this.
const ALIGNMENT: u64 = 4096;

/// The first and the last bytes of a file, which overlap in a short one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) tail: &'a [u8],
    /// Bytes of the whole file.
    pub(crate) length: u64,
}

/// Looks at `file`, at most 64 KiB of it, without moving its position.
///
/// # Errors
/// What pread(2) and fstat(2) say.
pub fn detect(file: BorrowedFd<'_>) -> io::Result<Detection> {
    let file = File::from(file.try_clone_to_owned()?);
    look(&Source::behind(&file, 0)?)
}

/// Looks at a file that is in memory, as [`detect`] does.
pub fn detect_bytes(bytes: &[u8]) -> Detection {
    // Memory can always be read.
    look(bytes).unwrap_or_else(|_| nothing(bytes.len() as u64, looks_like(bytes, bytes)))
}

/// Looks at a file that base64 text was decoded to, as [`detect`] does; text in it is no archive.
///
/// # Errors
/// What pread(2) and fstat(2) say.
pub fn detect_decoded(file: BorrowedFd<'_>) -> io::Result<Detection> {
    let file = File::from(file.try_clone_to_owned()?);
    let source = Source::behind(&file, 0)?;
    let head = source.read_up_to(HEAD, 0)?;
    if let Some(found) = archive(&source, &head)? {
        return Ok(found);
    }
    let looks = looks_like(&source, &head).of_base64();
    Ok(nothing(source.length(), looks))
}

fn look<T: Positioned + ?Sized>(file: &T) -> io::Result<Detection> {
    let head = file.read_up_to(HEAD, 0)?;
    if let Some(found) = archive(file, &head)? {
        return Ok(found);
    }
    let length = file.length();
    Ok(match encoded::look(&head, length) {
        Some(Encoded::Open {
            format,
            image_length,
            words,
        }) => Detection {
            length,
            encoding: Encoding::Base64,
            format,
            offset: 0,
            image_length,
            looks_like: words,
            advice: None,
        },
        Some(Encoded::Refused(looks)) => nothing(length, looks),
        None => nothing(length, looks_like(file, &head)),
    })
}

fn nothing(length: u64, looks: Looks) -> Detection {
    Detection {
        length,
        encoding: Encoding::Plain,
        format: None,
        offset: 0,
        image_length: None,
        looks_like: looks.words,
        advice: looks.advice,
    }
}

/// The archive that a file is, or has in it.
pub(crate) fn archive<T: Positioned + ?Sized>(
    file: &T,
    head: &[u8],
) -> io::Result<Option<Detection>> {
    let length = file.length();
    if let Some(image) = image_behind_elf(file, head)? {
        return Ok(Some(image));
    }
    let tail = file.read_up_to(TAIL, length.saturating_sub(TAIL as u64))?;
    let ends = Ends {
        head,
        tail: &tail,
        length,
    };
    Ok(Format::of(&ends).map(|(format, words)| Detection {
        length,
        encoding: Encoding::Plain,
        format: Some(format),
        offset: 0,
        image_length: format.image_length(head),
        looks_like: words.to_owned(),
        advice: None,
    }))
}

/// An image right behind the last byte of an ELF program, or at the next multiple of 4096.
fn image_behind_elf<T: Positioned + ?Sized>(
    file: &T,
    head: &[u8],
) -> io::Result<Option<Detection>> {
    if !elf::is_elf(head) {
        return Ok(None);
    }
    let Some(end) = elf::end(file)? else {
        return Ok(None);
    };
    for offset in [Some(end), end.checked_next_multiple_of(ALIGNMENT)]
        .into_iter()
        .flatten()
    {
        let head = file.read_up_to(IMAGE_HEAD, offset)?;
        let ends = Ends {
            head: &head,
            tail: &[],
            length: file.length().saturating_sub(offset),
        };
        if let Some((format, words)) = Format::of_image(&ends) {
            return Ok(Some(Detection {
                length: file.length(),
                encoding: Encoding::Plain,
                format: Some(format),
                offset,
                image_length: format.image_length(&head),
                looks_like: format!("{words} at byte {offset} behind an ELF program"),
                advice: None,
            }));
        }
    }
    Ok(None)
}
