//! Reading a small file, in one call for all that was ever written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Reads a file from its beginning, at most `longest` bytes of it and some.
pub(crate) fn read(file: &File, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 2048];
    let mut filled = 0;
    loop {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if filled < bytes.len() || filled as u64 >= longest {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        bytes.resize(bytes.len() * 2, 0);
    }
}
