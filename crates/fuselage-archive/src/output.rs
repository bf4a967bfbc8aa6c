//! Where the content of an entry goes.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;

use fuselage_linux::mapped_file::fill_new_file;

use crate::error::ArchiveError;
use crate::stop::Stop;

/// Where content goes: in pieces, in one piece that is written in place, or with holes in it.
pub(crate) trait Output: Write {
    /// Takes `length` bytes, which `fill` writes.
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        let mut bytes = vec![0; length.get()];
        fill(&mut bytes);
        self.write_all(&bytes)
    }

    /// Takes a hole of `length` bytes, which reads as zeros.
    fn skip(&mut self, length: u64) -> io::Result<()>;

    /// What those look at who take long to give something. Once it is raised, nothing is taken.
    fn stop(&self) -> &Stop {
        static NEVER: Stop = Stop::new();
        &NEVER
    }
}

/// A new file, written from its start.
impl Output for File {
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        fill_new_file(self, length, fill)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let length = i64::try_from(length).map_err(io::Error::other)?;
        let end = self.seek(SeekFrom::Current(length))?;
        self.set_len(end)
    }
}

impl Output for Vec<u8> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.resize(self.len() + length, 0);
        Ok(())
    }
}

/// A new file of which each piece is told when it is there: a large one takes its time.
#[derive(Debug)]
pub(crate) struct Counted<'a, T> {
    file: File,
    told: T,
    stop: &'a Stop,
}

impl<'a, T: Fn(u64)> Counted<'a, T> {
    pub(crate) fn new(file: File, told: T, stop: &'a Stop) -> Self {
        Self { file, told, stop }
    }

    /// What was written to.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl<T: Fn(u64)> Write for Counted<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stop.check()?;
        let count = self.file.write(bytes)?;
        (self.told)(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<T: Fn(u64)> Output for Counted<'_, T> {
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        self.stop.check()?;
        self.file.fill(length, fill)?;
        (self.told)(length.get() as u64);
        Ok(())
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.stop.check()?;
        self.file.skip(length)?;
        (self.told)(length);
        Ok(())
    }

    fn stop(&self) -> &Stop {
        self.stop
    }
}

/// A part of a file that has its whole length already; other threads write other parts.
#[derive(Debug)]
pub(crate) struct FilePart<'a> {
    file: &'a File,
    /// Where the next byte goes.
    position: u64,
    /// Bytes that were given, holes included.
    given: u64,
    stop: &'a Stop,
}

impl<'a> FilePart<'a> {
    pub(crate) fn new(file: &'a File, stop: &'a Stop) -> Self {
        Self {
            file,
            position: 0,
            given: 0,
            stop,
        }
    }

    /// Goes on at `position` in the file.
    pub(crate) fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// Where the next byte would go.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes that were given, holes included.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    fn advance(&mut self, length: u64) {
        self.position = self.position.saturating_add(length);
        self.given = self.given.saturating_add(length);
    }
}

impl Write for FilePart<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stop.check()?;
        let count = self.file.write_at(bytes, self.position)?;
        self.advance(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for FilePart<'_> {
    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.stop.check()?;
        self.advance(length);
        Ok(())
    }

    fn stop(&self) -> &Stop {
        self.stop
    }
}

/// Which side of a copy failed.
#[derive(Debug)]
pub(crate) enum ContentError {
    Archive(ArchiveError),
    Write(io::Error),
}

impl ContentError {
    /// The error of the entry at `path`.
    pub(crate) fn of(self, path: impl FnOnce() -> Vec<u8>) -> ArchiveError {
        match self {
            Self::Archive(error) => error,
            Self::Write(error) => ArchiveError::write(&path(), error),
        }
    }

    /// Whether nothing failed but that another entry had failed before.
    pub(crate) fn is_stop(&self) -> bool {
        matches!(self, Self::Write(error) if Stop::caused(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_reads_as_zeros_also_at_the_end() {
        let mut file = tempfile::tempfile().unwrap();
        let mut vector = Vec::new();
        for output in [&mut file as &mut dyn Output, &mut vector] {
            output.skip(3).unwrap();
            output.write_all(b"ab").unwrap();
            output.skip(2).unwrap();
        }
        let mut content = [9; 8];
        assert_eq!(file.read_at(&mut content, 0).unwrap(), 7);
        assert_eq!(
            (&content[..7], &vector[..]),
            (&b"\0\0\0ab\0\0"[..], &b"\0\0\0ab\0\0"[..])
        );
    }

    #[test]
    fn every_way_of_giving_is_told() {
        let told = std::cell::Cell::new(0);
        let file = tempfile::tempfile().unwrap();
        let stop = Stop::new();
        let mut output = Counted::new(file, |bytes| told.set(told.get() + bytes), &stop);
        output.write_all(b"ab").unwrap();
        output.skip(3).unwrap();
        assert_eq!(told.get(), 5);
        assert_eq!(output.file.metadata().unwrap().len(), 5);
        let file = tempfile::tempfile().unwrap();
        let mut output = Counted::new(file, |bytes| told.set(bytes), &stop);
        output
            .fill(NonZeroUsize::new(7).unwrap(), &mut |room| room.fill(1))
            .unwrap();
        assert_eq!(told.get(), 7);
    }

    #[test]
    fn parts_are_written_in_any_order() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(6).unwrap();
        let stop = Stop::new();
        for (position, piece) in [(4, b"ef"), (0, b"ab")] {
            let mut part = FilePart::new(&file, &stop);
            part.seek(position);
            part.write_all(piece).unwrap();
            assert_eq!(part.given(), 2);
        }
        let mut content = [9; 8];
        assert_eq!(file.read_at(&mut content, 0).unwrap(), 6);
        assert_eq!(&content[..6], b"ab\0\0ef");
    }

    #[test]
    fn nothing_is_taken_once_the_stop_is_raised() {
        let (file, stop) = (tempfile::tempfile().unwrap(), Stop::new());
        let whole = tempfile::tempfile().unwrap();
        let mut counted = Counted::new(whole, |_| {}, &stop);
        let mut part = FilePart::new(&file, &stop);
        for raised in [false, true] {
            if raised {
                stop.raise();
            }
            for output in [&mut counted as &mut dyn Output, &mut part] {
                let length = NonZeroUsize::new(3).unwrap();
                for taken in [
                    output.write_all(b"ab"),
                    output.skip(5),
                    output.fill(length, &mut |room| room.fill(1)),
                ] {
                    assert_eq!(taken.is_err(), raised);
                    assert_eq!(taken.is_err_and(|error| Stop::caused(&error)), raised);
                }
                assert_eq!(output.stop().is_raised(), raised);
            }
        }
        assert_eq!(part.given(), 10);
    }
}
