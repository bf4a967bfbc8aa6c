//! The data of entries: read, unpacked and checked.

use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;

use libdeflater::{Crc, DecompressionError, Decompressor};

use crate::error::ArchiveError;
use crate::output::{ContentError, Output};
use crate::source::Source;
use crate::zip::decoders::decoder;
use crate::zip::local::LOCAL_HEADER;
use crate::zip::memory::Memory;
use crate::zip::{DEFLATE, Record, STORED, ZSTD, data_offset};

/// Up to this many bytes an entry is unpacked in one go into a buffer that is used again.
const WHOLE: u64 = 1 << 20;
/// What unpacks to more streams: the address space of old machines has an end.
const MAPPED: u64 = 1 << 30;
/// More of the local extra field than the central directory announces; tools write up to 28 bytes
/// there.
const EXTRA_GUESS: u64 = 64;
const STREAM_BUFFER: usize = 128 << 10;

/// So many bytes a thread keeps for its next large entry, though they are no longer counted in
/// [`Memory`]: musl gives every large block back to the kernel, and new memory costs a page fault a
/// page.
const KEPT: usize = 16 << 20;

/// What one thread needs to read entries; its buffers are used again and again.
pub(crate) struct ContentReader<'a> {
    source: Source<'a>,
    /// For packed data of large entries, shared by all threads.
    memory: &'a Memory,
    packed: Vec<u8>,
    unpacked: Vec<u8>,
    inflate: Decompressor,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl<'a> ContentReader<'a> {
    pub(crate) fn new(source: Source<'a>, memory: &'a Memory) -> Self {
        Self {
            source,
            memory,
            packed: Vec::new(),
            unpacked: Vec::new(),
            inflate: Decompressor::new(),
            zstd: None,
        }
    }

    /// Gives the whole content of an entry to `to`, in one piece or in several, and checks size and
    /// checksum before it returns.
    pub(crate) fn copy(
        &mut self,
        record: &Record,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let simple = matches!(record.method, STORED | DEFLATE | ZSTD);
        if simple && record.size <= WHOLE && record.compressed <= 2 * WHOLE {
            let content = self.whole(record).map_err(ContentError::Archive)?;
            return to.write_all(content).map_err(ContentError::Write);
        }
        if record.method == DEFLATE
            && record.size <= MAPPED
            && let Some(_taken) = self.memory.take(record.compressed)
        {
            return self.fill_output(record, to);
        }
        self.stream(record, to)
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
        if self.packed.len() > KEPT {
            self.packed = Vec::new();
        }
        result.map_err(ContentError::Archive)
    }

    fn whole(&mut self, record: &Record) -> Result<&[u8], ArchiveError> {
        let data = self.read_packed(record)?;
        let packed = &self.packed[data..data + record.compressed as usize];
        if record.method == STORED {
            check(packed, record)?;
            return Ok(packed);
        }
        let size = record.size as usize;
        if self.unpacked.len() < size {
            self.unpacked.resize(size, 0);
        }
        let room = &mut self.unpacked[..size];
        if record.method == DEFLATE {
            inflate_whole(&mut self.inflate, packed, room, record)?;
        } else {
            let zstd = match &mut self.zstd {
                Some(zstd) => zstd,
                none => none.insert(zstd::bulk::Decompressor::new()?),
            };
            match zstd.decompress_to_buffer(packed, room) {
                Ok(count) if count < size => {
                    return Err(ArchiveError::damaged(&record.name, SHORTER));
                }
                Ok(_) => check(room, record)?,
                Err(error) => return Err(bad_data(record, &error)),
            }
        }
        Ok(&self.unpacked[..size])
    }

    /// Reads local header and data by one pread(2) where the guess of the header's length is right;
    /// returns where the data begins in the buffer.
    fn read_packed(&mut self, record: &Record) -> Result<usize, ArchiveError> {
        let header = LOCAL_HEADER as u64 + record.name.len() as u64;
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
                return Err(ArchiveError::damaged(&record.name, OVERLAPS));
            }
            if end as usize <= wanted {
                return Ok(data);
            }
            wanted = end as usize;
        }
    }

    /// Unpacks an entry piece by piece, in memory that does not grow with it.
    fn stream(&mut self, record: &Record, to: &mut dyn Output) -> Result<(), ContentError> {
        let begin = self.data_begin(record).map_err(ContentError::Archive)?;
        let data = self.source.range(begin, record.compressed);
        let bad = |error: io::Error| ContentError::Archive(bad_data(record, &error));
        let packed = BufReader::with_capacity(STREAM_BUFFER, data);
        let mut unpacked = decoder(record.method, record.size, packed).map_err(bad)?;
        if self.unpacked.len() < STREAM_BUFFER {
            self.unpacked.resize(STREAM_BUFFER, 0);
        }
        let buffer = &mut self.unpacked[..STREAM_BUFFER];
        let (mut crc, mut size) = (Crc::new(), 0);
        loop {
            let count = match unpacked.read(buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(bad(error)),
            };
            size += count as u64;
            if size > record.size {
                let error = ArchiveError::damaged(&record.name, LONGER);
                return Err(ContentError::Archive(error));
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

    /// Where the data of an entry begins, by its local header.
    fn data_begin(&self, record: &Record) -> Result<u64, ArchiveError> {
        let available = record.limit - record.offset;
        let length = (LOCAL_HEADER as u64 + record.name.len() as u64).min(available);
        let mut header = vec![0; length as usize];
        self.source.read_exact_at(&mut header, record.offset)?;
        let mut data = data_offset(&header, record)?;
        if data > header.len() && data as u64 <= available {
            // Once more with its extra fields.
            header.resize(data, 0);
            self.source.read_exact_at(&mut header, record.offset)?;
            data = data_offset(&header, record)?;
        }
        let data = data as u64;
        if data + record.compressed > available {
            return Err(ArchiveError::damaged(&record.name, OVERLAPS));
        }
        Ok(record.offset + data)
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
        Ok(_) => return check(room, record),
        Err(DecompressionError::InsufficientSpace) => LONGER,
        Err(DecompressionError::BadData) => BAD_DATA,
    };
    Err(ArchiveError::damaged(&record.name, what))
}

fn check(content: &[u8], record: &Record) -> Result<(), ArchiveError> {
    if libdeflater::crc32(content) == record.crc {
        Ok(())
    } else {
        Err(ArchiveError::damaged(&record.name, CHECKSUM))
    }
}

fn bad_data(record: &Record, error: &io::Error) -> ArchiveError {
    ArchiveError::damaged(&record.name, format!("{BAD_DATA}: {error}"))
}

const SHORTER: &str = "unpacks to less than the archive says";
const LONGER: &str = "unpacks to more than the archive says";
const BAD_DATA: &str = "has data that cannot be unpacked";
const CHECKSUM: &str = "does not have the checksum (CRC-32) that the archive gives";
const OVERLAPS: &str = "overlaps what follows it in the archive";
