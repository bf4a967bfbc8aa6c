//! Makes squashfs images that no honest tool would make, field by field; nothing in them is
//! compressed, but for the tables of [compressed](Image::compressed) ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

pub(crate) const BLOCK_SIZE: u32 = 4096;
pub(crate) const DIRECTORY: u16 = 1;
pub(crate) const FILE: u16 = 2;
pub(crate) const SYMLINK: u16 = 3;
pub(crate) const BLOCK_DEVICE: u16 = 4;
pub(crate) const CHARACTER_DEVICE: u16 = 5;
pub(crate) const FIFO: u16 = 6;
pub(crate) const SOCKET: u16 = 7;
/// What makes a type an extended one.
pub(crate) const EXTENDED: u16 = 7;
pub(crate) const NO_FRAGMENT: u32 = u32::MAX;
/// In a block's size: it is not compressed.
pub(crate) const STORED: u32 = 1 << 24;
/// 2001-02-03 04:05:06 UTC.
pub(crate) const SECONDS: u32 = 981_173_106;

/// Where fields of the superblock are.
pub(crate) mod field {
    pub(crate) const BLOCK_SIZE: usize = 12;
    pub(crate) const FRAGMENTS: usize = 16;
    pub(crate) const COMPRESSOR: usize = 20;
    pub(crate) const BLOCK_LOG: usize = 22;
    pub(crate) const MAJOR: usize = 28;
    pub(crate) const MINOR: usize = 30;
    pub(crate) const ROOT: usize = 32;
    pub(crate) const BYTES_USED: usize = 40;
    pub(crate) const ID_TABLE: usize = 48;
    pub(crate) const XATTR_TABLE: usize = 56;
    pub(crate) const INODE_TABLE: usize = 64;
    pub(crate) const DIRECTORY_TABLE: usize = 72;
    pub(crate) const FRAGMENT_TABLE: usize = 80;
    pub(crate) const EXPORT_TABLE: usize = 88;
}

/// An image in the making.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The superblock's room, and data.
    pub(crate) data: Vec<u8>,
    inodes: Table,
    listings: Table,
    /// Where a fragment block is, and its size.
    pub(crate) fragments: Vec<(u64, u32)>,
    numbers: u32,
}

/// An entry of a directory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) inode: u64,
    pub(crate) number: u32,
    pub(crate) kind: u16,
}

/// What is in the fields of a file's inode.
#[derive(Clone, Debug)]
pub(crate) struct FileFields {
    pub(crate) start: u64,
    pub(crate) size: u64,
    pub(crate) fragment: u32,
    pub(crate) offset: u32,
    pub(crate) blocks: Vec<u32>,
}

impl FileFields {
    /// Those of a file of nothing but holes: `size` bytes, `blocks` in its list.
    pub(crate) fn holes(size: u64, blocks: usize) -> Self {
        Self {
            start: 0,
            size,
            fragment: NO_FRAGMENT,
            offset: 0,
            blocks: vec![0; blocks],
        }
    }
}

impl Image {
    pub(crate) fn new() -> Self {
        Self {
            data: vec![0; 96],
            inodes: Table::default(),
            listings: Table::default(),
            fragments: Vec::new(),
            numbers: 0,
        }
    }

    /// One whose inodes and listings are compressed.
    pub(crate) fn compressed() -> Self {
        let mut image = Self::new();
        (image.inodes.compresses, image.listings.compresses) = (true, true);
        image
    }

    /// The reference and the number that the next inode will have.
    pub(crate) fn next(&self) -> (u64, u32) {
        (self.inodes.end(), self.numbers + 1)
    }

    /// An inode of type `kind`; `body`: what follows its header.
    pub(crate) fn inode(&mut self, name: &[u8], kind: u16, mode: u16, body: &[u8]) -> Entry {
        let (inode, number) = self.next();
        self.numbers = number;
        for field in [kind, mode, 0, 0] {
            self.inodes.extend(&field.to_le_bytes());
        }
        self.inodes.extend(&SECONDS.to_le_bytes());
        self.inodes.extend(&number.to_le_bytes());
        self.inodes.extend(body);
        Entry {
            name: name.to_vec(),
            inode,
            number,
            kind: if kind > EXTENDED {
                kind - EXTENDED
            } else {
                kind
            },
        }
    }

    /// Gives an entry other permission bits, special ones among them.
    pub(crate) fn set_mode(&mut self, entry: &Entry, mode: u16) {
        let at = (entry.inode >> 16) as usize / 8194 * 8192 + entry.inode as u16 as usize;
        set(&mut self.inodes.bytes, at + 2, &mode.to_le_bytes());
    }

    /// A file of whole blocks and a last one that is shorter.
    pub(crate) fn file(&mut self, name: &str, content: &[u8]) -> Entry {
        let start = self.data.len() as u64;
        self.data.extend(content);
        let blocks = content
            .chunks(BLOCK_SIZE as usize)
            .map(|block| block.len() as u32 | STORED)
            .collect();
        let fields = FileFields {
            start,
            size: content.len() as u64,
            fragment: NO_FRAGMENT,
            offset: 0,
            blocks,
        };
        self.file_of(name, &fields)
    }

    /// A file with an extended inode.
    pub(crate) fn file_of(&mut self, name: &str, fields: &FileFields) -> Entry {
        let mut body = Vec::new();
        body.extend(fields.start.to_le_bytes());
        body.extend(fields.size.to_le_bytes());
        body.extend(0u64.to_le_bytes());
        for field in [1, fields.fragment, fields.offset, u32::MAX] {
            body.extend(field.to_le_bytes());
        }
        body.extend(fields.blocks.iter().flat_map(|size| size.to_le_bytes()));
        self.inode(name.as_bytes(), FILE + EXTENDED, 0o644, &body)
    }

    /// A file that is the beginning of a fragment block of its own.
    pub(crate) fn file_in_fragment(&mut self, name: &str, content: &[u8]) -> Entry {
        let fragment = self.fragment(content);
        let fields = FileFields {
            start: 0,
            size: content.len() as u64,
            fragment,
            offset: 0,
            blocks: Vec::new(),
        };
        self.file_of(name, &fields)
    }

    /// A fragment block; its number.
    pub(crate) fn fragment(&mut self, content: &[u8]) -> u32 {
        let start = self.data.len() as u64;
        self.fragments.push((start, content.len() as u32 | STORED));
        self.data.extend(content);
        self.fragments.len() as u32 - 1
    }

    pub(crate) fn symlink(&mut self, name: &str, target: &[u8]) -> Entry {
        let mut body = 1u32.to_le_bytes().to_vec();
        body.extend((target.len() as u32).to_le_bytes());
        body.extend(target);
        self.inode(name.as_bytes(), SYMLINK, 0o777, &body)
    }

    pub(crate) fn special(&mut self, name: &str, kind: u16) -> Entry {
        let body = [1u32.to_le_bytes(), 0u32.to_le_bytes()].concat();
        self.inode(name.as_bytes(), kind, 0o644, &body)
    }

    /// A directory; entries are taken as they are, in this order.
    pub(crate) fn directory(&mut self, name: &str, entries: &[Entry]) -> Entry {
        let (start, at) = (self.listed(), self.listings.end());
        for entry in entries {
            self.listings.extend(&listing_of(entry));
        }
        let length = self.listed() - start;
        self.directory_at(name, at, length as u32)
    }

    /// A directory whose listing begins at a byte of the table.
    pub(crate) fn directory_of(&mut self, name: &str, start: usize, length: u32) -> Entry {
        self.directory_at(name, reference(start), length)
    }

    fn directory_at(&mut self, name: &str, at: u64, length: u32) -> Entry {
        let mut body = Vec::new();
        for field in [2, length + 3, (at >> 16) as u32, 1] {
            body.extend(field.to_le_bytes());
        }
        body.extend(0u16.to_le_bytes());
        body.extend((at as u16).to_le_bytes());
        body.extend(u32::MAX.to_le_bytes());
        self.inode(name.as_bytes(), DIRECTORY + EXTENDED, 0o755, &body)
    }

    /// Bytes of all listings so far.
    pub(crate) fn listed(&self) -> usize {
        self.listings.bytes.len()
    }

    /// Puts bytes into the directory table that are no entries, perhaps.
    pub(crate) fn list_raw(&mut self, bytes: &[u8]) {
        self.listings.extend(bytes);
    }

    /// The image with `entries` in its root.
    pub(crate) fn with_root(mut self, entries: &[Entry]) -> Vec<u8> {
        let root = self.directory("", entries);
        self.finish(root.inode)
    }

    /// The image with the inode at `root` for its root.
    pub(crate) fn finish(self, root: u64) -> Vec<u8> {
        let Self {
            data: mut bytes, ..
        } = self;
        let inode_table = bytes.len() as u64;
        bytes.extend(self.inodes.finish());
        let directory_table = bytes.len() as u64;
        bytes.extend(self.listings.finish());
        let mut positions = Vec::new();
        for entries in self.fragments.chunks(512) {
            positions.extend((bytes.len() as u64).to_le_bytes());
            let entries: Vec<u8> = entries
                .iter()
                .flat_map(|(start, size)| {
                    [&start.to_le_bytes()[..], &size.to_le_bytes(), &[0; 4]].concat()
                })
                .collect();
            bytes.extend(metadata(&entries));
        }
        let fragment_table = bytes.len() as u64;
        bytes.extend(positions);
        let ids = bytes.len() as u64;
        bytes.extend(metadata(&[0; 4]));
        let id_table = bytes.len() as u64;
        bytes.extend(ids.to_le_bytes());
        let length = bytes.len() as u64;
        bytes[..4].copy_from_slice(b"hsqs");
        set(&mut bytes, 4, &self.numbers.to_le_bytes());
        set(&mut bytes, field::BLOCK_SIZE, &BLOCK_SIZE.to_le_bytes());
        let fragments = self.fragments.len() as u32;
        set(&mut bytes, field::FRAGMENTS, &fragments.to_le_bytes());
        for (at, value) in [
            (field::COMPRESSOR, 1u16),
            (field::BLOCK_LOG, 12),
            (24, 0b1011),
            (26, 1),
            (field::MAJOR, 4),
            (field::MINOR, 0),
        ] {
            set(&mut bytes, at, &value.to_le_bytes());
        }
        for (at, value) in [
            (field::ROOT, root),
            (field::BYTES_USED, length),
            (field::ID_TABLE, id_table),
            (field::XATTR_TABLE, u64::MAX),
            (field::INODE_TABLE, inode_table),
            (field::DIRECTORY_TABLE, directory_table),
            (field::FRAGMENT_TABLE, fragment_table),
            (field::EXPORT_TABLE, u64::MAX),
        ] {
            set(&mut bytes, at, &value.to_le_bytes());
        }
        bytes
    }
}

/// A header and one entry.
pub(crate) fn listing_of(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [0, (entry.inode >> 16) as u32, entry.number] {
        bytes.extend(field.to_le_bytes());
    }
    for field in [
        entry.inode as u16,
        0,
        entry.kind,
        (entry.name.len() as u16).wrapping_sub(1),
    ] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(&entry.name);
    bytes
}

/// Overwrites bytes.
pub(crate) fn set(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes[at..at + with.len()].copy_from_slice(with);
}

/// Where the byte `at` of a table, unpacked, is: block and offset.
fn reference(at: usize) -> u64 {
    ((at / 8192 * 8194) as u64) << 16 | (at % 8192) as u64
}

/// The bytes of a table.
#[derive(Clone, Debug, Default)]
struct Table {
    bytes: Vec<u8>,
    compresses: bool,
    /// Blocks that are full; only where it compresses.
    packed: Vec<u8>,
    /// How many bytes are in them.
    done: usize,
}

impl Table {
    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        while self.compresses && self.bytes.len() - self.done >= 8192 {
            self.pack(8192);
        }
    }

    fn pack(&mut self, length: usize) {
        let block = &self.bytes[self.done..self.done + length];
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(block).unwrap();
        let packed = zlib.finish().unwrap();
        assert!(packed.len() < length, "it would be stored");
        self.packed.extend((packed.len() as u16).to_le_bytes());
        self.packed.extend(packed);
        self.done += length;
    }

    /// Where the next byte will be: block and offset.
    fn end(&self) -> u64 {
        match self.compresses {
            true => (self.packed.len() as u64) << 16 | (self.bytes.len() - self.done) as u64,
            false => reference(self.bytes.len()),
        }
    }

    fn finish(mut self) -> Vec<u8> {
        match (self.compresses, self.bytes.len() - self.done) {
            (false, _) => return metadata(&self.bytes),
            (true, 0) => {}
            (true, rest) => self.pack(rest),
        }
        self.packed
    }
}

/// Metadata blocks that are not compressed.
fn metadata(bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(8192)
        .flat_map(|block| [&(block.len() as u16 | 1 << 15).to_le_bytes()[..], block].concat())
        .collect()
}
