//! Reads a list, record by record.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use crate::error::ArchiveError;
use crate::list::{HEADER, LONGEST, Record};
use crate::source::{Range, Source};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// A list in memory that does not grow with it.
pub(crate) struct ListReader<'a> {
    list: BufReader<Range<'a>>,
    text: Vec<u8>,
    /// Records that were read.
    records: u64,
}

impl<'a> ListReader<'a> {
    /// Reads from the beginning of `list`.
    ///
    /// # Errors
    /// It is no list of this version; and what pread(2) says.
    pub(crate) fn new(list: &'a File) -> Result<Self, ArchiveError> {
        let source = Source::behind(list, 0)?;
        let mut reader = Self {
            list: BufReader::with_capacity(PIECE, source.range(0, source.length())),
            text: Vec::new(),
            records: 0,
        };
        match reader.read()? && reader.text == HEADER {
            true => Ok(reader),
            false => Err(reader.bad("does not begin as a list of files does")),
        }
    }

    /// The next entry; `None`: that was all.
    ///
    /// # Errors
    /// It is none; and what pread(2) says.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, ArchiveError> {
        if !self.read()? {
            return Ok(None);
        }
        match Record::parse(&self.text) {
            Some(record) => Ok(Some(record)),
            None => Err(bad(self.records, "is no entry of a tree")),
        }
    }

    /// What is wrong with the record that was read last.
    pub(crate) fn bad(&self, what: &str) -> ArchiveError {
        bad(self.records, what)
    }

    /// Reads a record without its NUL byte; whether there was one.
    fn read(&mut self) -> Result<bool, ArchiveError> {
        self.text.clear();
        let mut record = (&mut self.list).take(LONGEST);
        if record.read_until(0, &mut self.text)? == 0 {
            return Ok(false);
        }
        self.records += 1;
        match self.text.pop() {
            Some(0) => Ok(true),
            _ => Err(self.bad("has no end")),
        }
    }
}

fn bad(record: u64, what: &str) -> ArchiveError {
    ArchiveError::List {
        record,
        what: what.to_owned(),
    }
}
