//! Decoding of base64 text into a file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;

use crate::base64_text::{Decoder, TextError};
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::source::Source;
use crate::space::{LimitedBy, Space};

/// Bytes of text that are decoded at once.
const PIECE: usize = 128 << 10;

/// Decodes the base64 text of the file `text` into the file `into`, from the beginning of each,
/// in memory of a fixed size; returns how many bytes it wrote. What is written before an error is
/// of no use.
///
/// # Errors
/// `Text` with line and column; `NoSpace` where it has more than there is room for; `NotDecoded`
/// for what write(2) says; `Read` for what pread(2) says.
pub fn decode(
    text: BorrowedFd<'_>,
    into: BorrowedFd<'_>,
    space: Option<&Space>,
    progress: Option<&dyn Progress>,
) -> Result<u64, ArchiveError> {
    let text = File::from(text.try_clone_to_owned()?);
    let text = Source::behind(&text, 0)?;
    let mut reader = text.range(0, text.length());
    let mut writer = Bounded {
        file: File::from(into.try_clone_to_owned()?),
        written: 0,
        room: space.map(Space::memory),
        short: None,
        progress,
    };
    let decoded = decode_stream(&mut reader, &mut writer);
    match writer.short {
        Some((needed, left, limited_by)) => Err(ArchiveError::NoSpace {
            needed,
            left,
            limited_by,
        }),
        None => decoded,
    }
}

/// Decodes base64 text from any reader to any writer, as [`decode`] does.
///
/// # Errors
/// As [`decode`].
pub fn decode_stream(text: &mut dyn Read, to: &mut dyn Write) -> Result<u64, ArchiveError> {
    let mut decoder = Decoder::new();
    let mut piece = vec![0; PIECE];
    let mut bytes = Vec::with_capacity(PIECE / 4 * 3 + 3);
    let mut written = 0;
    loop {
        let count = match text.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ArchiveError::Read { source: error }),
        };
        match count {
            0 => decoder.finish(&mut bytes),
            _ => decoder.piece(&piece[..count], &mut bytes),
        }
        .map_err(ArchiveError::from)?;
        to.write_all(&bytes)
            .map_err(|source| ArchiveError::NotDecoded { source })?;
        written += bytes.len() as u64;
        bytes.clear();
        if count == 0 {
            return Ok(written);
        }
    }
}

impl From<TextError> for ArchiveError {
    fn from(error: TextError) -> Self {
        let TextError { line, column, what } = error;
        Self::Text { line, column, what }
    }
}

/// A file that gets no more than there is room for: the limit of a control group would end this
/// process in place of an error.
struct Bounded<'a> {
    file: File,
    written: u64,
    room: Option<(u64, LimitedBy)>,
    /// What was needed, at least, what there was, and of what.
    short: Option<(u64, u64, LimitedBy)>,
    progress: Option<&'a dyn Progress>,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.written.saturating_add(bytes.len() as u64);
        if let Some((left, limited_by)) = self.room
            && needed > left
        {
            self.short = Some((needed, left, limited_by));
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        if let Some(progress) = self.progress {
            progress.advanced(0, count as u64);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
