//! zip: the central directory, and where the data of an entry lies. Only what the central directory
//! lists is there; local headers must agree with it.

mod central;
mod content;
mod decoders;
mod end;
mod entries;
mod fields;
mod local;
mod memory;
mod times;

use crate::archive::{Archive, Contents};
use crate::detect::Ends;
use crate::elf::is_elf;
use crate::error::ArchiveError;
use crate::format::Format;
use crate::limits::Limits;
use crate::output::{ContentError, Output};
use crate::source::Source;
use crate::tree::{Leaf, Tree};
use crate::zip::central::read_central;
use crate::zip::content::{ContentReader, Memories};
use crate::zip::entries::Entries;
use crate::zip::local::data_offset;

/// PKWARE's zip (APPNOTE 6.3.10), also with something before it.
pub(crate) const FORMAT: Format = Format {
    name: "zip",
    recognise,
    image_length: None,
    open,
};

/// No compression.
const STORED: u16 = 0;
/// Deflate (RFC 1951).
const DEFLATE: u16 = 8;
const DEFLATE64: u16 = 9;
const BZIP2: u16 = 12;
const LZMA: u16 = 14;
const ZSTD: u16 = 93;
const XZ: u16 = 95;
/// The methods that can be read (APPNOTE 4.4.5).
const METHODS: [u16; 7] = [STORED, DEFLATE, DEFLATE64, BZIP2, LZMA, ZSTD, XZ];

fn recognise(ends: &Ends<'_>) -> Option<&'static str> {
    match ends.head {
        [b'P', b'K', 3, 4, ..] => Some("a zip archive"),
        [b'P', b'K', 5, 6, ..] => Some("an empty zip archive"),
        _ if !end::ends_like_zip(ends.tail, ends.length) => None,
        _ if is_elf(ends.head) => Some("a zip archive behind an ELF program"),
        _ => Some("a zip archive with something before it"),
    }
}

fn open<'a>(source: Source<'a>, limits: &Limits) -> Result<Box<dyn Archive + 'a>, ArchiveError> {
    Ok(Box::new(Zip {
        source,
        entries: read_central(&source, limits)?,
        memories: Memories::new(),
    }))
}

struct Zip<'a> {
    source: Source<'a>,
    entries: Entries,
    memories: Memories,
}

impl Archive for Zip<'_> {
    fn tree(&self) -> &Tree {
        &self.entries.tree
    }

    fn contents(&self) -> Box<dyn Contents + '_> {
        Box::new(ZipContents {
            reader: ContentReader::new(self.source, &self.memories),
            entries: &self.entries,
        })
    }

    fn directory_entries(&self) -> Vec<u32> {
        let own = self.entries.directories.iter();
        own.map(|own| own.index).collect()
    }

    fn wake(&self) {
        self.memories.wake();
    }
}

struct ZipContents<'a> {
    reader: ContentReader<'a>,
    entries: &'a Entries,
}

impl Contents for ZipContents<'_> {
    fn copy(&mut self, leaf: &Leaf, to: &mut dyn Output) -> Result<(), ContentError> {
        self.reader.copy(self.entries.leaf(leaf), to)
    }

    fn check_directory(&mut self, index: u32) -> Result<(), ArchiveError> {
        match self.entries.directory(index) {
            Some(entry) => self.reader.check_header(entry),
            None => Ok(()),
        }
    }
}
