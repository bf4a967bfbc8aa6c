//! Where the content of an entry goes.

use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use fuselage_linux::mapped_file::fill_new_file;

use crate::error::ArchiveError;

/// Where content goes: in pieces, or in one piece that is written in place.
pub(crate) trait Output: Write {
    /// Takes `length` bytes, which `fill` writes.
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()>;
}

impl Output for File {
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        fill_new_file(self, length, fill)
    }
}

impl Output for Vec<u8> {
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        self.resize(length.get(), 0);
        fill(self);
        Ok(())
    }
}

/// Which side of a copy failed.
#[derive(Debug)]
pub(crate) enum ContentError {
    Archive(ArchiveError),
    Write(io::Error),
}
