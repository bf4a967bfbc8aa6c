//! The data of entries: read, unpacked and checked.

use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroUsize;

use libdeflater::{Crc, DecompressionError, Decompressor};

use crate::error::ArchiveError;
use crate::output::{ContentError, Output};
use crate::source::Source;
use crate::zip::{DEFLATE, Record, STORED, data_offset};

/// Up to this many bytes an entry is unpacked in one go into a buffer that is used again.
const WHOLE: u64 = 1 << 20;
/// Up to this many packed bytes an entry is unpacked in one go into its file; above, it streams.
const PACKED: u64 = 64 << 20;
/// What unpacks to more streams, too: the address space of old machines has an end.
const MAPPED: u64 = 1 << 30;
/// More of the local extra field than the central directory announces; tools write up to 28 bytes
/// there.
const EXTRA_GUESS: u64 = 64;
const LOCAL_HEADER: u64 = 30;
const STREAM_BUFFER: usize = 128 << 10;

/// What one thread needs to read entries; its buffers are used again and again.
pub(crate) struct ContentReader<'a> {
    source: Source<'a>,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
    inflate: Decompressor,
    /// The library's view of the archive, for the rare methods and the large entries.
    library: Option<zip::ZipArchive<PositionedSource<'a>>>,
}

impl<'a> ContentReader<'a> {
    pub(crate) fn new(source: Source<'a>) -> Self {
        Self {
            source,
            packed: Vec::new(),
            unpacked: Vec::new(),
            inflate: Decompressor::new(),
            library: None,
        }
    }

    /// Gives the whole content of an entry to `to`, in one piece or in several, and checks size and
    /// checksum before it returns.
    pub(crate) fn copy(
        &mut self,
        record: &Record,
        index: usize,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let simple = matches!(record.method, STORED | DEFLATE);
        if simple && record.size <= WHOLE && record.compressed <= 2 * WHOLE {
            let content = self.whole(record).map_err(ContentError::Archive)?;
            return to.write_all(content).map_err(ContentError::Write);
        }
        if record.method == DEFLATE && record.compressed <= PACKED && record.size <= MAPPED {
            return self.fill_output(record, to);
        }
        self.stream(record, index, to)
    }

    /// Unpacks a large entry where it belongs.
    fn fill_output(&mut self, record: &Record, to: &mut dyn Output) -> Result<(), ContentError> {
        let data = self.read_packed(record).map_err(ContentError::Archive)?;
        let Some(size) = NonZeroUsize::new(record.size as usize) else {
            return Err(ContentError::Archive(ArchiveError::damaged(
                &record.name,
                LONGER,
            )));
        };
        let Self {
            packed, inflate, ..
        } = self;
        let packed = &packed[data..data + record.compressed as usize];
        let mut result = Ok(());
        to.fill(size, &mut |room| {
            result = inflate_whole(inflate, packed, room, record)
        })
        .map_err(ContentError::Write)?;
        // So much memory is not kept for small entries.
        self.packed = Vec::new();
        result.map_err(ContentError::Archive)
    }

    fn whole(&mut self, record: &Record) -> Result<&[u8], ArchiveError> {
        let data = self.read_packed(record)?;
        let packed = &self.packed[data..data + record.compressed as usize];
        let size = record.size as usize;
        let content = match record.method {
            STORED => packed,
            _ => {
                if self.unpacked.len() < size {
                    self.unpacked.resize(size, 0);
                }
                let room = &mut self.unpacked[..size];
                inflate_whole(&mut self.inflate, packed, room, record)?;
                return Ok(&self.unpacked[..size]);
            }
        };
        if libdeflater::crc32(content) != record.crc {
            return Err(ArchiveError::damaged(&record.name, CHECKSUM));
        }
        Ok(content)
    }

    /// Reads local header and data by one pread(2) where the guess of the header's length is right;
    /// returns where the data begins in the buffer.
    fn read_packed(&mut self, record: &Record) -> Result<usize, ArchiveError> {
        let header = LOCAL_HEADER + record.name.len() as u64;
        let available = record.limit - record.offset;
        let mut wanted = (header + record.compressed + EXTRA_GUESS).min(available) as usize;
        loop {
            if self.packed.len() < wanted {
                self.packed.resize(wanted, 0);
            }
            self.source
                .read_exact_at(&mut self.packed[..wanted], record.offset)?;
            let data = data_offset(&self.packed[..wanted], record)?;
            let end = data as u64 + record.compressed;
            if end > available {
                let what = "overlaps what follows it in the archive";
                return Err(ArchiveError::damaged(&record.name, what));
            }
            if end as usize <= wanted {
                return Ok(data);
            }
            wanted = end as usize;
        }
    }

    fn stream(
        &mut self,
        record: &Record,
        index: usize,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        self.check_local_header(record)
            .map_err(ContentError::Archive)?;
        let bad = |error: &dyn std::fmt::Display| {
            ContentError::Archive(ArchiveError::damaged(
                &record.name,
                format!("{BAD_DATA}: {error}"),
            ))
        };
        if self.library.is_none() {
            let reader = PositionedSource {
                source: self.source,
                position: 0,
            };
            let library = zip::ZipArchive::new(reader).map_err(|error| bad(&error))?;
            self.library = Some(library);
        }
        let Some(library) = &mut self.library else {
            return Ok(());
        };
        let mut entry = library.by_index(index).map_err(|error| bad(&error))?;
        if entry.header_start() != record.offset || entry.size() != record.size {
            return Err(bad(&"two readers of the directory disagree"));
        }
        let mut buffer = vec![0; STREAM_BUFFER];
        let mut crc = Crc::new();
        let mut size = 0;
        loop {
            let count = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(bad(&error)),
            };
            size += count as u64;
            if size > record.size {
                return Err(ContentError::Archive(ArchiveError::damaged(
                    &record.name,
                    LONGER,
                )));
            }
            crc.update(&buffer[..count]);
            to.write_all(&buffer[..count])
                .map_err(ContentError::Write)?;
        }
        let what = match (size == record.size, crc.sum() == record.crc) {
            (true, true) => return Ok(()),
            (false, _) => SHORTER,
            (true, false) => CHECKSUM,
        };
        Err(ContentError::Archive(ArchiveError::damaged(
            &record.name,
            what,
        )))
    }

    fn check_local_header(&mut self, record: &Record) -> Result<(), ArchiveError> {
        let length = (LOCAL_HEADER + record.name.len() as u64).min(record.limit - record.offset);
        let mut header = vec![0; length as usize];
        self.source.read_exact_at(&mut header, record.offset)?;
        let mut data = data_offset(&header, record)?;
        if data > header.len() && data as u64 <= record.limit - record.offset {
            // Once more with its extra fields.
            header.resize(data, 0);
            self.source.read_exact_at(&mut header, record.offset)?;
            data = data_offset(&header, record)?;
        }
        let data = data as u64;
        if data + record.compressed > record.limit - record.offset {
            let what = "overlaps what follows it in the archive";
            return Err(ArchiveError::damaged(&record.name, what));
        }
        Ok(())
    }
}

/// Unpacks all of an entry into `room`, which is as long as the archive says, and checks it.
fn inflate_whole(
    inflate: &mut Decompressor,
    packed: &[u8],
    room: &mut [u8],
    record: &Record,
) -> Result<(), ArchiveError> {
    let what = match inflate.deflate_decompress(packed, room) {
        Ok(count) if count < room.len() => SHORTER,
        Ok(_) if libdeflater::crc32(room) != record.crc => CHECKSUM,
        Ok(_) => return Ok(()),
        Err(DecompressionError::InsufficientSpace) => LONGER,
        Err(DecompressionError::BadData) => BAD_DATA,
    };
    Err(ArchiveError::damaged(&record.name, what))
}

const SHORTER: &str = "unpacks to less than the archive says";
const LONGER: &str = "unpacks to more than the archive says";
const BAD_DATA: &str = "has data that cannot be unpacked";
const CHECKSUM: &str = "does not have the checksum (CRC-32) that the archive gives";

/// An archive read by position, so that threads share it.
struct PositionedSource<'a> {
    source: Source<'a>,
    position: u64,
}

impl Read for PositionedSource<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for PositionedSource<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.source.length().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
