//! The bytes of an archive: a file, or the end of one.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// Bytes that are read by position: what detection looks at, in a file or in memory.
pub(crate) trait Positioned {
    /// How many there are.
    fn length(&self) -> u64;

    /// Reads up to `length` bytes from `at`, fewer at the end and none behind it.
    ///
    /// # Errors
    /// What pread(2) says.
    fn read_up_to(&self, length: usize, at: u64) -> io::Result<Vec<u8>>;
}

impl Positioned for [u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_up_to(&self, length: usize, at: u64) -> io::Result<Vec<u8>> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let rest = rest.unwrap_or_default();
        Ok(rest[..length.min(rest.len())].to_vec())
    }
}

impl Positioned for Source<'_> {
    fn length(&self) -> u64 {
        Source::length(self)
    }

    fn read_up_to(&self, length: usize, at: u64) -> io::Result<Vec<u8>> {
        if at >= self.length {
            // A position beyond what the kernel can count would be an error of its own.
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            let position = at.saturating_add(filled as u64);
            match self.read_at(&mut bytes[filled..], position) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// An archive that begins somewhere in a file and ends with it. Read by position only, so that
/// threads share it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    file: &'a File,
    offset: u64,
    length: u64,
}

impl<'a> Source<'a> {
    /// What lies behind the first `offset` bytes of `file`; nothing, if it is shorter.
    ///
    /// # Errors
    /// What fstat(2) says.
    pub(crate) fn behind(file: &'a File, offset: u64) -> io::Result<Self> {
        let length = file.metadata()?.len().saturating_sub(offset);
        Ok(Self {
            file,
            offset,
            length,
        })
    }

    /// Bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads from `at` up to as many bytes as `buffer` has room for; 0: there are none.
    ///
    /// # Errors
    /// What pread(2) says.
    pub(crate) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buffer, self.position(at)?)
    }

    /// Fills `buffer` from `at`.
    ///
    /// # Errors
    /// `UnexpectedEof`: there are fewer bytes; and what pread(2) says.
    pub(crate) fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, self.position(at)?)
    }

    /// A reader of `length` bytes from `at`, fewer at the end.
    pub(crate) fn range(self, at: u64, length: u64) -> Range<'a> {
        Range {
            source: self,
            at,
            left: length,
        }
    }

    fn position(&self, at: u64) -> io::Result<u64> {
        self.offset
            .checked_add(at)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// Part of an archive, read from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Range<'a> {
    source: Source<'a>,
    at: u64,
    left: u64,
}

impl Read for Range<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.left.try_into().unwrap_or(usize::MAX));
        let count = self.source.read_at(&mut buffer[..room], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}
