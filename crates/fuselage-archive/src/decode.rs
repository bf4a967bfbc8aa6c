//! Decoding of base64 text into a file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;

use crate::base64_text::{Decoder, TextError};
use crate::bounded::Bounded;
use crate::digest::{Digest, Digester};
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::source::Source;
use crate::space::Space;

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
    let mut writer = Bounded::new(into, space, progress)?;
    let decoded = decode_file(text, &mut writer);
    writer.ended(decoded)
}

/// The same, and digests what the text decodes to; `into` may be `None`: nothing is written then,
/// `space` does not matter, and `progress` is told of what was decoded.
///
/// # Errors
/// As [`decode`].
pub fn decode_and_digest(
    text: BorrowedFd<'_>,
    into: Option<BorrowedFd<'_>>,
    space: Option<&Space>,
    progress: Option<&dyn Progress>,
) -> Result<(u64, Digest), ArchiveError> {
    let mut digester = Digester::new();
    let length = match into {
        Some(into) => {
            let mut writer = Bounded::new(into, space, progress)?;
            let decoded = decode_file(text, &mut Digesting(&mut digester, &mut writer));
            writer.ended(decoded)?
        }
        None => decode_file(text, &mut Digesting(&mut digester, &mut Told(progress)))?,
    };
    Ok((length, digester.finish()))
}

/// Decodes a file from its beginning.
fn decode_file(text: BorrowedFd<'_>, to: &mut dyn Write) -> Result<u64, ArchiveError> {
    let text = File::from(text.try_clone_to_owned()?);
    let text = Source::behind(&text, 0)?;
    decode_stream(&mut text.range(0, text.length()), to)
}

/// Digests what the writer takes.
struct Digesting<'a>(&'a mut Digester, &'a mut dyn Write);

impl Write for Digesting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.1.write(bytes)?;
        self.0.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

/// Keeps nothing, and tells how much it was.
struct Told<'a>(Option<&'a dyn Progress>);

impl Write for Told<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(progress) = self.0 {
            progress.advanced(0, bytes.len() as u64);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
