//! Where an ELF file ends by its own headers (elf(5)), which is where something may be appended.

use std::io;

use crate::source::Positioned;

const MAGIC: &[u8] = b"\x7fELF";
/// Bytes of the longer of the two headers.
const HEADER: usize = 64;
/// Bytes of a table that are looked at: 73 segments, 128 sections of 64 bits. The end of each table
/// is counted whatever its length.
const PROGRAM_TABLE: usize = 4 << 10;
const SECTION_TABLE: usize = 8 << 10;
/// `PT_LOAD`.
const LOADED: u64 = 1;
/// `SHT_NULL` and `SHT_NOBITS` have no bytes in the file.
const WITHOUT_BYTES: [u64; 2] = [0, 8];
/// `PN_XNUM`: the number of segments stands in the first section.
const MANY_SEGMENTS: u64 = 0xffff;

/// Whether a file that begins with `head` is an ELF file.
pub(crate) fn is_elf(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The first byte behind the ELF file that `bytes` begin with, as detection finds it; `None`: they
/// begin with none, or its headers make no sense.
pub fn elf_end(bytes: &[u8]) -> Option<u64> {
    end(bytes).ok().flatten()
}

/// The first byte behind an ELF file: behind its tables, its segments and its sections. `None`: it
/// is none, or its headers make no sense. The end may lie outside of the file.
///
/// # Errors
/// What pread(2) says.
pub(crate) fn end<T: Positioned + ?Sized>(file: &T) -> io::Result<Option<u64>> {
    let head = file.read_up_to(HEADER, 0)?;
    let Some(header) = Header::parse(&head) else {
        return Ok(None);
    };
    let layout = header.layout;
    let sections = match header.sections.offset {
        0 => Vec::new(),
        at => file.read_up_to(SECTION_TABLE, at)?,
    };
    let Some(counted) = header.counted(&sections) else {
        return Ok(None);
    };
    let segments = match counted.segments.offset {
        0 => Vec::new(),
        at => file.read_up_to(PROGRAM_TABLE, at)?,
    };
    let mut end = layout.header;
    for table in [counted.segments, counted.sections] {
        end = end.max(table.end());
    }
    for entry in counted.segments.entries(&segments) {
        if layout.number(entry, 0, 4) == Some(LOADED) {
            end = end.max(layout.range_end(entry, layout.segment));
        }
    }
    for entry in counted.sections.entries(&sections) {
        let kind = layout.number(entry, 4, 4);
        if kind.is_some_and(|kind| !WITHOUT_BYTES.contains(&kind)) {
            end = end.max(layout.range_end(entry, layout.section));
        }
    }
    Ok(Some(end))
}

/// A table of headers.
#[derive(Clone, Copy)]
struct Table {
    offset: u64,
    entry: u64,
    count: u64,
}

impl Table {
    /// The first byte behind it; an absurd one lies behind every file.
    fn end(&self) -> u64 {
        if self.offset == 0 {
            return 0;
        }
        self.offset
            .saturating_add(self.entry.saturating_mul(self.count))
    }

    /// Those entries that were read.
    fn entries<'a>(&self, read: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        let entry = usize::try_from(self.entry).unwrap_or(usize::MAX);
        read.chunks_exact(entry.max(1)).take(count)
    }
}

/// Where fields stand in one of the two classes, in bytes.
#[derive(Clone, Copy)]
struct Layout {
    big_endian: bool,
    /// Width of an offset.
    offset: usize,
    /// Length of the header.
    header: u64,
    /// Of a segment, of a section: offset in the file, length in the file.
    segment: (usize, usize),
    section: (usize, usize),
    /// Of a section: where `sh_size` and `sh_info` stand.
    section_size: usize,
    section_info: usize,
    /// The shortest entries of the two tables.
    shortest: (u64, u64),
}

const CLASS_32: Layout = Layout {
    big_endian: false,
    offset: 4,
    header: 52,
    segment: (4, 16),
    section: (16, 20),
    section_size: 20,
    section_info: 28,
    shortest: (32, 40),
};

const CLASS_64: Layout = Layout {
    big_endian: false,
    offset: 8,
    header: 64,
    segment: (8, 32),
    section: (24, 32),
    section_size: 32,
    section_info: 44,
    shortest: (56, 64),
};

impl Layout {
    /// The number of `width` bytes at `at`.
    fn number(&self, bytes: &[u8], at: usize, width: usize) -> Option<u64> {
        let field = bytes.get(at..at.checked_add(width)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.big_endian {
            field.iter().fold(0, add)
        } else {
            field.iter().rev().fold(0, add)
        })
    }

    /// The first byte behind what an entry describes.
    fn range_end(&self, entry: &[u8], (offset, length): (usize, usize)) -> u64 {
        let number = |at| self.number(entry, at, self.offset).unwrap_or(0);
        match number(length) {
            0 => 0,
            length => number(offset).saturating_add(length),
        }
    }
}

struct Header {
    layout: Layout,
    segments: Table,
    sections: Table,
}

impl Header {
    fn parse(head: &[u8]) -> Option<Self> {
        if !is_elf(head) {
            return None;
        }
        let class = match head.get(4)? {
            1 => CLASS_32,
            2 => CLASS_64,
            _ => return None,
        };
        let big_endian = match head.get(5)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let layout = Layout {
            big_endian,
            ..class
        };
        // e_phoff and e_shoff follow e_entry at 24; behind e_flags and e_ehsize four halves follow.
        let wide = layout.offset;
        let tables = 24 + wide;
        let counts = tables + 2 * wide + 6;
        let half = |index: usize| layout.number(head, counts + 2 * index, 2);
        Some(Self {
            layout,
            segments: Table {
                offset: layout.number(head, tables, wide)?,
                entry: half(0)?,
                count: half(1)?,
            },
            sections: Table {
                offset: layout.number(head, tables + wide, wide)?,
                entry: half(2)?,
                count: half(3)?,
            },
        })
    }

    /// The tables with the counts that have no room in the header, which the first section holds.
    fn counted(mut self, sections: &[u8]) -> Option<Self> {
        let layout = self.layout;
        if self.sections.offset != 0 {
            if self.sections.count == 0 {
                self.sections.count =
                    layout.number(sections, layout.section_size, layout.offset)?;
            }
            if self.segments.count == MANY_SEGMENTS {
                self.segments.count = layout.number(sections, layout.section_info, 4)?;
            }
        }
        let (segment, section) = layout.shortest;
        let sound = |table: Table, shortest| table.count == 0 || table.entry >= shortest;
        (sound(self.segments, segment) && sound(self.sections, section)).then_some(self)
    }
}
