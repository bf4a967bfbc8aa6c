//! The central directory: the one list of entries.

use std::borrow::Cow;

use crate::error::{ArchiveError, shown};
use crate::limits::Limits;

use crate::path::normalised;
use crate::source::Source;
use crate::tree::{Leaf, LeafKind, Name, Time, Tree};
use crate::zip::METHODS;
use crate::zip::end::{Central, read_end};
use crate::zip::entries::{Entries, OwnEntry, Record};
use crate::zip::fields::{Fields, extra};
use crate::zip::local::LOCAL_HEADER;
use crate::zip::times::Times;

const SIGNATURE: &[u8] = b"PK\x01\x02";
const HEADER: u64 = 46;
/// What is wrong with an entry that shares bytes with others.
pub(crate) const OVERLAPS: &str = "overlaps what follows it in the archive";

/// One entry with all that the tree wants to know.
struct Parsed<'a> {
    record: Record,
    /// As in the archive.
    name: &'a [u8],
    size: u64,
    made_by: u8,
    attributes: u32,
    extra: &'a [u8],
    date: u16,
    clock: u16,
}

/// Reads and checks the whole list; nothing of the entries' data is looked at.
pub(crate) fn read_central(source: &Source<'_>, limits: &Limits) -> Result<Entries, ArchiveError> {
    let central = read_end(source)?;
    if central.entries > central.length / HEADER {
        let what = "the central directory is too short for its entries".to_owned();
        return Err(ArchiveError::Damaged { entry: None, what });
    }
    let mut window = Window::new(source, &central);
    let mut entries = Entries {
        tree: Tree::new(limits, source.length()),
        records: Vec::new(),
        directories: Vec::new(),
    };
    let mut times = Times::default();
    for _ in 0..central.entries {
        let mut fields = Fields(window.ahead()?);
        let ahead = fields.0.len();
        let parsed = parse(&mut fields, &central)?;
        let length = ahead - fields.0.len();
        let time = times.time(parsed.extra, parsed.date, parsed.clock);
        add(&mut entries, parsed, time, limits)?;
        window.pass(length);
    }
    if let Err(index) = bound(&mut entries.records, central.offset) {
        let name = name_of(source, &central, index)?;
        return Err(ArchiveError::damaged(&name, OVERLAPS));
    }
    entries.tree.finish()?;
    Ok(entries)
}

/// The name of an entry, as in the archive.
fn name_of(source: &Source<'_>, central: &Central, index: usize) -> Result<Vec<u8>, ArchiveError> {
    let mut window = Window::new(source, central);
    for _ in 0..index {
        let mut fields = Fields(window.ahead()?);
        let ahead = fields.0.len();
        parse(&mut fields, central)?;
        let length = ahead - fields.0.len();
        window.pass(length);
    }
    Ok(parse(&mut Fields(window.ahead()?), central)?.name.to_vec())
}

/// The central directory in pieces: what it says of its own length costs no memory.
struct Window<'a> {
    source: &'a Source<'a>,
    /// Where the next byte that is not in the buffer yet is in the file.
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    passed: usize,
}

impl<'a> Window<'a> {
    /// Most of a piece that is read.
    const PIECE: usize = 1 << 20;
    /// The longest entry: a header and three fields with a length of 16 bits.
    const LONGEST: usize = HEADER as usize + 3 * 0xffff;

    fn new(source: &'a Source<'a>, central: &Central) -> Self {
        Self {
            source,
            position: central.offset,
            end: central.offset.saturating_add(central.length),
            buffer: Vec::new(),
            passed: 0,
        }
    }

    /// The bytes that come next: a whole entry at least, or all that are left.
    fn ahead(&mut self) -> Result<&[u8], ArchiveError> {
        let left = self.end - self.position;
        if self.buffer.len() - self.passed < Self::LONGEST && left > 0 {
            self.buffer.drain(..self.passed);
            self.passed = 0;
            let held = self.buffer.len();
            let more = left.min((Self::PIECE - held) as u64);
            self.buffer.resize(held + more as usize, 0);
            self.source
                .read_exact_at(&mut self.buffer[held..], self.position)?;
            self.position += more;
        }
        Ok(&self.buffer[self.passed..])
    }

    fn pass(&mut self, length: usize) {
        self.passed += length;
    }
}

fn parse<'a>(fields: &mut Fields<'a>, central: &Central) -> Result<Parsed<'a>, ArchiveError> {
    if fields.bytes(4)? != SIGNATURE {
        let what = "the central directory has something else than entries in it".to_owned();
        return Err(ArchiveError::Damaged { entry: None, what });
    }
    let made_by = fields.bytes(2)?[1];
    fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    let (clock, date) = (fields.u16()?, fields.u16()?);
    let crc = fields.u32()?;
    let (mut compressed, mut size) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let (name_length, extra_length) = (fields.u16()?, fields.u16()?);
    let comment_length = fields.u16()?;
    fields.bytes(4)?;
    let attributes = fields.u32()?;
    let mut offset = u64::from(fields.u32()?);
    let name = fields.bytes(name_length.into())?;
    let list = fields.bytes(extra_length.into())?;
    fields.bytes(comment_length.into())?;
    // zip64 holds those fields, in this order, that have no room above (APPNOTE 4.5.3).
    if let Some(mut zip64) = extra(list, 0x0001) {
        for field in [&mut size, &mut compressed, &mut offset] {
            if *field == u64::from(u32::MAX) {
                *field = zip64.u64()?;
            }
        }
    }
    let offset = offset
        .checked_add(central.base)
        .filter(|offset| *offset < central.offset)
        .ok_or_else(|| ArchiveError::damaged(name, "lies outside of the archive"))?;
    let record = Record {
        name: None,
        name_length,
        flags,
        method,
        crc,
        compressed,
        offset,
        limit: 0,
    };
    Ok(Parsed {
        record,
        name,
        size,
        made_by,
        attributes,
        extra: list,
        date,
        clock,
    })
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
    Link,
}

/// Adds an entry.
fn add(
    entries: &mut Entries,
    parsed: Parsed<'_>,
    time: Time,
    limits: &Limits,
) -> Result<(), ArchiveError> {
    let name = unix_name(&parsed);
    let path = normalised(&name, limits)?;
    let (kind, mode) = kind_and_mode(&parsed, &name)?;
    let (tree, index) = (&mut entries.tree, entries.records.len() as u32);
    let is_its_path = if kind == Kind::Directory {
        let directory = tree.add_directory(&path, mode, time)?;
        entries.directories.push(OwnEntry {
            index,
            directory,
            size: parsed.size,
        });
        parsed.name.strip_suffix(b"/") == Some(&path)
    } else if path.is_empty() {
        let what = "is a file or a link and would stand in place of the root directory";
        return Err(ArchiveError::hostile(parsed.name, what));
    } else {
        tree.add_leaf(&path, leaf(&parsed, kind, mode, time, index)?)?;
        *path == *parsed.name
    };
    let mut record = parsed.record;
    // Its local header is to be compared with it.
    if !is_its_path {
        tree.count_name(parsed.name)?;
        record.name = Some(parsed.name.into());
    }
    entries.records.push(record);
    Ok(())
}

/// A file or a link for the tree.
fn leaf(
    parsed: &Parsed<'_>,
    kind: Kind,
    mode: u16,
    time: Time,
    index: u32,
) -> Result<Leaf, ArchiveError> {
    let record = &parsed.record;
    // Encrypted data (bits 0 and 6, method 99 of WinZip), masked headers (bit 13).
    if record.flags & 0x2041 != 0 || record.method == 99 {
        return Err(ArchiveError::Encrypted {
            entry: shown(parsed.name),
        });
    }
    if !METHODS.contains(&record.method) {
        return Err(ArchiveError::Unsupported {
            entry: Some(shown(parsed.name)),
            what: format!(
                "is compressed by method {}, which is not known",
                record.method
            ),
        });
    }
    if record.method == 0 && record.compressed != parsed.size {
        return Err(ArchiveError::damaged(
            parsed.name,
            "is stored and has two lengths",
        ));
    }
    let kind = match kind {
        Kind::Link => LeafKind::Symlink,
        _ => LeafKind::File,
    };
    Ok(Leaf {
        directory: 0,
        name: Name::default(),
        kind,
        mode,
        time,
        size: parsed.size,
        holes: 0,
        group: None,
        index,
    })
}

/// Names of MS-DOS and NTFS may be separated by `\`, which some tools forget to change.
fn unix_name<'a>(parsed: &'a Parsed<'_>) -> Cow<'a, [u8]> {
    let name = parsed.name;
    let of_windows = matches!(parsed.made_by, 0 | 11 | 14);
    if !of_windows || name.contains(&b'/') || !name.contains(&b'\\') {
        return Cow::Borrowed(name);
    }
    let slashed = name.iter().map(|byte| match byte {
        b'\\' => b'/',
        other => *other,
    });
    Cow::Owned(slashed.collect())
}

/// The type and the permission bits: of Unix where the tool was one of Unix (3) or macOS (19) and
/// wrote them, else those of any new file.
fn kind_and_mode(parsed: &Parsed<'_>, name: &[u8]) -> Result<(Kind, u16), ArchiveError> {
    const FILE_TYPE: u32 = 0o170_000;
    const DOS_READ_ONLY: u32 = 1;
    const DOS_DIRECTORY: u32 = 0x10;
    let ends_as_directory = name.ends_with(b"/");
    let unix = parsed.attributes >> 16;
    if matches!(parsed.made_by, 3 | 19) && unix != 0 {
        let kind = match unix & FILE_TYPE {
            0o040_000 => Kind::Directory,
            0o100_000 | 0 if !ends_as_directory => Kind::File,
            0o100_000 | 0 => Kind::Directory,
            0o120_000 => Kind::Link,
            other => {
                let what = match other {
                    0o010_000 => "is a FIFO",
                    0o020_000 | 0o060_000 => "is a device",
                    0o140_000 => "is a socket",
                    _ => "is of no type that is known",
                };
                return Err(ArchiveError::hostile(name, what));
            }
        };
        return Ok((kind, unix as u16 & 0o777));
    }
    if ends_as_directory || parsed.attributes & DOS_DIRECTORY != 0 {
        return Ok((Kind::Directory, 0o755));
    }
    let mode = if parsed.attributes & DOS_READ_ONLY != 0 {
        0o444
    } else {
        0o644
    };
    Ok((Kind::File, mode))
}

/// Finds where each entry must end, and refuses those that share bytes, what makes a bomb of a
/// small file: by the number of one.
fn bound(records: &mut [Record], central: u64) -> Result<(), usize> {
    let mut order: Vec<u32> = (0..records.len() as u32).collect();
    order.sort_unstable_by_key(|index| records[*index as usize].offset);
    let mut limit = central;
    for index in order.into_iter().rev() {
        let index = index as usize;
        let record = &mut records[index];
        let least = LOCAL_HEADER as u64 + u64::from(record.name_length);
        let end = record
            .offset
            .checked_add(least)
            .and_then(|end| end.checked_add(record.compressed));
        if end.is_none_or(|end| end > limit) {
            return Err(index);
        }
        record.limit = limit;
        limit = record.offset;
    }
    Ok(())
}
