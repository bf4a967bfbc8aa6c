//! zip: the central directory, and where the data of an entry lies. Only what the central directory
//! lists is there; local headers must agree with it.

mod central;
mod content;
mod decoders;
mod end;
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
use crate::zip::central::{Entry, Record, read_central};
use crate::zip::content::{ContentReader, Memories};
use crate::zip::local::data_offset;

/// PKWARE's zip (APPNOTE 6.3.10), also with something before it.
pub(crate) const FORMAT: Format = Format {
    name: "zip",
    recognise,
    is_image: false,
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
    let (tree, records) = read_central(&source, limits)?;
    Ok(Box::new(Zip {
        source,
        tree,
        records,
        memories: Memories::new(),
    }))
}

struct Zip<'a> {
    source: Source<'a>,
    tree: Tree,
    records: Vec<Record>,
    memories: Memories,
}

impl Archive for Zip<'_> {
    fn tree(&self) -> &Tree {
        &self.tree
    }

    fn contents(&self) -> Box<dyn Contents + '_> {
        Box::new(ZipContents {
            reader: ContentReader::new(self.source, &self.memories),
            tree: &self.tree,
            records: &self.records,
        })
    }

    fn wake(&self) {
        self.memories.wake();
    }
}

struct ZipContents<'a> {
    reader: ContentReader<'a>,
    tree: &'a Tree,
    records: &'a [Record],
}

impl Contents for ZipContents<'_> {
    fn copy(&mut self, leaf: &Leaf, to: &mut dyn Output) -> Result<(), ContentError> {
        self.reader
            .copy(Entry::new(self.tree, leaf, self.records), to)
    }
}
