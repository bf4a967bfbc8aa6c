//! The data of entries: read, unpacked and checked.

use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;

use libdeflater::{Crc, DecompressionError, Decompressor};

use crate::error::ArchiveError;
use crate::output::{ContentError, Output};
use crate::source::Source;
use crate::zip::central::OVERLAPS;
use crate::zip::decoders::{Window, decoder, head_length};
use crate::zip::entries::Entry;
use crate::zip::local::LOCAL_HEADER;
use crate::zip::memory::{Memory, Taken};
use crate::zip::{DEFLATE, STORED, ZSTD, data_offset};

/// Up to this many bytes an entry is unpacked in one go into a buffer that is used again.
const WHOLE: u64 = 1 << 20;
/// What unpacks to more streams: the address space of old machines has an end.
const MAPPED: u64 = 1 << 30;
/// More of the local extra field than the central directory announces; tools write up to 28 bytes
/// there.
const EXTRA_GUESS: u64 = 64;
const STREAM_BUFFER: usize = 128 << 10;

/// Memory that the threads of one extraction share.
#[derive(Debug)]
pub(crate) struct Memories {
    /// For packed data of large entries that are unpacked in one go, and for decoders of those that
    /// stream.
    large: Memory,
    /// For buffers that threads keep for their next large entry: musl gives every large block back
    /// to the kernel, and new memory costs a page fault a page.
    kept: Memory,
}

impl Memories {
    /// 48 MiB in all, so that an extraction by few threads stays below 64 MiB: what is larger
    /// streams, at half the speed. A decoder that needs more than the first waits for all of it,
    /// and takes what is missing besides: up to 129 MiB in its place.
    pub(crate) fn new() -> Self {
        Self {
            large: Memory::new(40 << 20),
            kept: Memory::new(8 << 20),
        }
    }

    /// Wakes those who wait for some, so that they look whether they are to stop.
    pub(crate) fn wake(&self) {
        self.large.wake();
    }
}

/// What one thread needs to read entries; its buffers are used again and again.
pub(crate) struct ContentReader<'a> {
    source: Source<'a>,
    memories: &'a Memories,
    packed: Vec<u8>,
    /// What is kept of the buffer for packed data beyond that of small entries.
    kept: Option<Taken<'a>>,
    unpacked: Vec<u8>,
    unpackers: Unpackers,
}

impl<'a> ContentReader<'a> {
    pub(crate) fn new(source: Source<'a>, memories: &'a Memories) -> Self {
        Self {
            source,
            memories,
            packed: Vec::new(),
            kept: None,
            unpacked: Vec::new(),
            unpackers: Unpackers::new(),
        }
    }

    /// Gives the whole content of an entry to `to`, in one piece or in several, and checks size and
    /// checksum before it returns.
    pub(crate) fn copy(
        &mut self,
        entry: Entry<'_>,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let in_one_go = matches!(entry.record.method, STORED | DEFLATE | ZSTD);
        if in_one_go && entry.size() <= WHOLE && entry.record.compressed <= 2 * WHOLE {
            let content = self.whole(entry).map_err(ContentError::Archive)?;
            return to.write_all(content).map_err(ContentError::Write);
        }
        let large = &self.memories.large;
        if in_one_go
            && entry.record.method != STORED
            && entry.size() <= MAPPED
            && let Some(_taken) = large.take(entry.record.compressed)
        {
            return self.fill_output(entry, to);
        }
        self.stream(entry, to)
    }

    /// Unpacks a large entry where it belongs.
    fn fill_output(&mut self, entry: Entry<'_>, to: &mut dyn Output) -> Result<(), ContentError> {
        let data = self.read_packed(entry).map_err(ContentError::Archive)?;
        let Some(size) = NonZeroUsize::new(entry.size() as usize) else {
            return Err(ContentError::Archive(entry.damaged(LONGER)));
        };
        let packed = &self.packed[data..data + entry.record.compressed as usize];
        let mut result = Ok(());
        to.fill(size, &mut |room| {
            result = self.unpackers.unpack(packed, room, entry)
        })
        .map_err(ContentError::Write)?;
        self.keep_packed();
        result.map_err(ContentError::Archive)
    }

    /// Keeps the buffer for packed data, if that is within what all threads may keep.
    fn keep_packed(&mut self) {
        const SMALL: u64 = 3 * WHOLE;
        let length = self.packed.len() as u64;
        if length > SMALL && self.kept.as_ref().is_none_or(|kept| kept.bytes() < length) {
            self.kept = None;
            self.kept = self.memories.kept.take(length);
            if self.kept.is_none() {
                self.packed = Vec::new();
            }
        }
    }

    fn whole(&mut self, entry: Entry<'_>) -> Result<&[u8], ArchiveError> {
        let data = self.read_packed(entry)?;
        let packed = &self.packed[data..data + entry.record.compressed as usize];
        if entry.record.method == STORED {
            check(packed, entry)?;
            return Ok(packed);
        }
        let size = entry.size() as usize;
        if self.unpacked.len() < size {
            self.unpacked.resize(size, 0);
        }
        let room = &mut self.unpacked[..size];
        self.unpackers.unpack(packed, room, entry)?;
        Ok(room)
    }

    /// Reads local header and data of an entry; returns where the data begins in the buffer.
    fn read_packed(&mut self, entry: Entry<'_>) -> Result<usize, ArchiveError> {
        read_header(
            self.source,
            &mut self.packed,
            entry,
            entry.record.compressed,
        )
    }

    /// Unpacks an entry piece by piece, in memory that does not grow with it. A decoder that needs
    /// much memory waits until others have given theirs back.
    fn stream(&mut self, entry: Entry<'_>, to: &mut dyn Output) -> Result<(), ContentError> {
        let begin = self.data_begin(entry).map_err(ContentError::Archive)?;
        let head = self.head(entry, begin).map_err(ContentError::Archive)?;
        let mut given = Given::default();
        let mut result = Ok(());
        for window in Window::of(entry.record.method) {
            let needed = window.memory(entry.record.method, entry.size(), &head);
            let _taken = self
                .memories
                .large
                .wait(needed, to.stop())
                .map_err(ContentError::Write)?;
            result = self.stream_with(*window, entry, begin, &mut given, to);
            // Whatever is wrong with the data, a larger window may be what is missing.
            if !matches!(result, Err(ContentError::Archive(_))) {
                break;
            }
        }
        result
    }

    /// The bytes at the beginning of its data that tell what its decoder needs; as many as it has.
    fn head(&self, entry: Entry<'_>, begin: u64) -> Result<Vec<u8>, ArchiveError> {
        let length = head_length(entry.record.method) as u64;
        let mut head = vec![0; length.min(entry.record.compressed) as usize];
        self.source.read_exact_at(&mut head, begin)?;
        Ok(head)
    }

    /// Unpacks an entry, whose data is at `begin` and of which `given` was given already.
    fn stream_with(
        &mut self,
        window: Window,
        entry: Entry<'_>,
        begin: u64,
        given: &mut Given,
        to: &mut dyn Output,
    ) -> Result<(), ContentError> {
        let data = self.source.range(begin, entry.record.compressed);
        let bad = |error: io::Error| ContentError::Archive(bad_data(entry, &error));
        let packed = BufReader::with_capacity(STREAM_BUFFER, data);
        let mut unpacked =
            decoder(entry.record.method, entry.size(), window, packed).map_err(bad)?;
        if self.unpacked.len() < STREAM_BUFFER {
            self.unpacked.resize(STREAM_BUFFER, 0);
        }
        let buffer = &mut self.unpacked[..STREAM_BUFFER];
        let mut size = 0;
        loop {
            // Also where nothing is written: what was given already is unpacked once more.
            to.stop().check().map_err(ContentError::Write)?;
            let count = match unpacked.read(buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(bad(error)),
            };
            let known = (given.size - size).min(count as u64) as usize;
            size += count as u64;
            if size > entry.size() {
                let error = entry.damaged(LONGER);
                return Err(ContentError::Archive(error));
            }
            let new = &buffer[known..count];
            to.write_all(new).map_err(ContentError::Write)?;
            given.crc.update(new);
            given.size += new.len() as u64;
        }
        let what = match (size == entry.size(), given.crc.sum() == entry.record.crc) {
            (true, true) => return Ok(()),
            (false, _) => SHORTER,
            (true, false) => CHECKSUM,
        };
        Err(ContentError::Archive(entry.damaged(what)))
    }

    /// Compares the local header of an entry with the central directory; of its data nothing is
    /// read.
    pub(crate) fn check_header(&self, entry: Entry<'_>) -> Result<(), ArchiveError> {
        self.data_begin(entry).map(|_| ())
    }

    /// Where the data of an entry begins, by its local header.
    fn data_begin(&self, entry: Entry<'_>) -> Result<u64, ArchiveError> {
        let data = read_header(self.source, &mut Vec::new(), entry, 0)?;
        Ok(entry.record.offset + data as u64)
    }
}

/// Reads the local header of an entry, and `beyond` bytes of its data, to the beginning of
/// `buffer`, by one pread(2) where the guess of the header's length is right; returns where the
/// data begins.
fn read_header(
    source: Source<'_>,
    buffer: &mut Vec<u8>,
    entry: Entry<'_>,
    beyond: u64,
) -> Result<usize, ArchiveError> {
    let header = LOCAL_HEADER as u64 + entry.name_length() as u64;
    let available = entry.record.limit - entry.record.offset;
    let mut wanted = (header + beyond + EXTRA_GUESS).min(available) as usize;
    loop {
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        source.read_exact_at(&mut buffer[..wanted], entry.record.offset)?;
        let data = data_offset(&buffer[..wanted], entry)?;
        if data as u64 + entry.record.compressed > available {
            return Err(entry.damaged(OVERLAPS));
        }
        let end = data + beyond as usize;
        if end <= wanted {
            return Ok(data);
        }
        wanted = end;
    }
}

/// How much of an entry was unpacked and given, and its checksum.
#[derive(Default)]
struct Given {
    crc: Crc,
    size: u64,
}

/// What unpacks an entry in one go.
struct Unpackers {
    inflate: Decompressor,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
}

impl Unpackers {
    fn new() -> Self {
        Self {
            inflate: Decompressor::new(),
            zstd: None,
        }
    }

    /// Unpacks all of an entry into `room`, which is as long as the archive says, and checks it.
    fn unpack(
        &mut self,
        packed: &[u8],
        room: &mut [u8],
        entry: Entry<'_>,
    ) -> Result<(), ArchiveError> {
        let damaged = |what| Err(entry.damaged(what));
        let count = if entry.record.method == ZSTD {
            let zstd = match &mut self.zstd {
                Some(zstd) => zstd,
                none => none.insert(zstd::bulk::Decompressor::new()?),
            };
            // It needs no window of its own: what it looks back at is there.
            zstd.decompress_to_buffer(packed, room)
                .map_err(|error| bad_data(entry, &error))?
        } else {
            match self.inflate.deflate_decompress(packed, room) {
                Ok(count) => count,
                Err(DecompressionError::InsufficientSpace) => return damaged(LONGER),
                Err(DecompressionError::BadData) => return damaged(BAD_DATA),
            }
        };
        match count < room.len() {
            true => damaged(SHORTER),
            false => check(room, entry),
        }
    }
}

fn check(content: &[u8], entry: Entry<'_>) -> Result<(), ArchiveError> {
    if libdeflater::crc32(content) == entry.record.crc {
        Ok(())
    } else {
        Err(entry.damaged(CHECKSUM))
    }
}

fn bad_data(entry: Entry<'_>, error: &io::Error) -> ArchiveError {
    entry.damaged(format!("{BAD_DATA}: {error}"))
}

const SHORTER: &str = "unpacks to less than the archive says";
const LONGER: &str = "unpacks to more than the archive says";
const BAD_DATA: &str = "has data that cannot be unpacked";
const CHECKSUM: &str = "does not have the checksum (CRC-32) that the archive gives";
