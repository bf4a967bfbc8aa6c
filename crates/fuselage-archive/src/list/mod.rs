//! The list of a tree's files: what each was when the tree was written, so that a change is found
//! later.
//!
//! A list is records, each ended by a NUL byte; what belongs to one stands in fields with one space
//! between them, numbers in decimal, modes in octal. The first record says what it is,
//!
//! ```text
//! fuselage list 1
//! ```
//!
//! and each other is one entry:
//!
//! ```text
//! d DEPTH MODE TIME NAME                    a directory
//! f DEPTH MODE TIME SIZE SHA256 SAME NAME   a file
//! l DEPTH TIME NAME/TARGET                  a symbolic link
//! ```
//!
//! DEPTH is the number of components of its path: the root, which comes first, has 0 and an empty
//! name, and everything below a directory follows it, one deeper. The entries of a directory stand
//! in the order of their names, as bytes. Names and not paths: a list grows with the tree's entries,
//! however deep they lie. NAME is one component, thus without a `/`, and TARGET goes on to the end.
//!
//! MODE has the permission bits. TIME is that of the last modification, seconds since 1970, a dot,
//! nanoseconds in nine digits; or `-` for a directory that was given none. SIZE is in bytes, holes
//! included, and SHA256 that of the content. SAME is `-`, or a number where a file has several names:
//! they have the same.
//!
//! A list is read as anything that somebody else may have written. Each record is exactly what is
//! written here: nothing is left out, and nothing can be said in two ways.

mod reader;
mod writer;

use std::io::Write;
use std::str::FromStr;

pub(crate) use reader::ListReader;
pub(crate) use writer::write_list;

use crate::digest::Digest;
use crate::limits::LONGEST_COMPONENT;
use crate::tree::{LONGEST_TARGET, Time};

/// The first record.
const HEADER: &[u8] = b"fuselage list 1";
/// A record is not longer, whatever numbers are in it.
const LONGEST: u64 = LONGEST_TARGET + LONGEST_COMPONENT as u64 + 256;

/// One entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) depth: u32,
    /// Empty for the root.
    pub(crate) name: &'a [u8],
    pub(crate) entry: Entry<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Directory {
        mode: u32,
        time: Option<Time>,
    },
    File {
        mode: u32,
        time: Time,
        size: u64,
        digest: Digest,
        /// The number of the file, where it has several names.
        same: Option<u64>,
    },
    Symlink {
        time: Time,
        target: &'a [u8],
    },
}

impl<'a> Record<'a> {
    /// Adds its text and the NUL byte.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let Self { depth, name, entry } = *self;
        // Nothing fails to be written to memory.
        let _ = match entry {
            Entry::Directory { mode, time } => {
                let time = time.map_or_else(|| "-".to_owned(), time_text);
                write!(to, "d {depth} {mode:o} {time} ")
            }
            Entry::File {
                mode,
                time,
                size,
                digest,
                same,
            } => {
                let time = time_text(time);
                let same = same.map_or_else(|| "-".to_owned(), |same| same.to_string());
                write!(to, "f {depth} {mode:o} {time} {size} {digest} {same} ")
            }
            Entry::Symlink { time, .. } => write!(to, "l {depth} {} ", time_text(time)),
        };
        to.extend_from_slice(name);
        if let Entry::Symlink { target, .. } = entry {
            to.push(b'/');
            to.extend_from_slice(target);
        }
        to.push(0);
    }

    /// Of its text, without the NUL byte; `None`: it is no record.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(text);
        let kind = fields.next()?;
        let depth = fields.number()?;
        let (name, entry) = match kind {
            b"d" => {
                let mode = fields.mode()?;
                let time = match fields.next()? {
                    b"-" => None,
                    time => Some(parse_time(time)?),
                };
                (fields.0, Entry::Directory { mode, time })
            }
            b"f" => {
                let entry = Entry::File {
                    mode: fields.mode()?,
                    time: parse_time(fields.next()?)?,
                    size: fields.number()?,
                    digest: Digest::from_text(fields.next()?)?,
                    same: match fields.next()? {
                        b"-" => None,
                        same => Some(parse_number(same)?),
                    },
                };
                (fields.0, entry)
            }
            b"l" => {
                let time = parse_time(fields.next()?)?;
                let end = memchr::memchr(b'/', fields.0)?;
                let (name, target) = (&fields.0[..end], &fields.0[end + 1..]);
                let is_target = !target.is_empty() && target.len() as u64 <= LONGEST_TARGET;
                (name, is_target.then_some(Entry::Symlink { time, target })?)
            }
            _ => return None,
        };
        let is_root = depth == 0 && name.is_empty() && matches!(entry, Entry::Directory { .. });
        let is_name = depth > 0
            && (1..=LONGEST_COMPONENT).contains(&name.len())
            && !matches!(name, b"." | b"..")
            && !name.contains(&b'/');
        let record = Self { depth, name, entry };
        // Numbers with a sign, with zeros before them, and the like.
        let mut again = Vec::with_capacity(text.len() + 1);
        record.write(&mut again);
        ((is_root || is_name) && again.strip_suffix(b"\0") == Some(text)).then_some(record)
    }
}

fn time_text(time: Time) -> String {
    format!("{}.{:09}", time.seconds, time.nanoseconds)
}

fn parse_time(text: &[u8]) -> Option<Time> {
    let (seconds, nanoseconds) = std::str::from_utf8(text).ok()?.split_once('.')?;
    let nanoseconds: u32 = nanoseconds.parse().ok()?;
    (nanoseconds < 1_000_000_000).then_some(Time {
        seconds: seconds.parse().ok()?,
        nanoseconds,
    })
}

fn parse_number<T: FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What is left of a record.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b' ', self.0)?;
        let (field, rest) = (&self.0[..end], &self.0[end + 1..]);
        self.0 = rest;
        Some(field)
    }

    fn number<T: FromStr>(&mut self) -> Option<T> {
        parse_number(self.next()?)
    }

    /// Permission bits, of which a list has more than a tree is given: somebody's file system may.
    fn mode(&mut self) -> Option<u32> {
        let text = std::str::from_utf8(self.next()?).ok()?;
        let mode = u32::from_str_radix(text, 8).ok()?;
        (mode <= 0o7777).then_some(mode)
    }
}

#[cfg(test)]
mod tests;
