//! The digest of an archive, with or without a copy of it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use crate::bounded::Bounded;
use crate::digest::{Digest, Digester};
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::source::Source;
use crate::space::Space;

/// Bytes that are read at once: larger pieces leave the cache before they are digested.
const PIECE: usize = 128 << 10;

/// Digests what lies behind the first `offset` bytes of `file`, to the end that it has now, in
/// memory of a fixed size. `progress` is told of bytes, and of no entries.
///
/// # Errors
/// `Read`: what pread(2) says, or the file has become shorter.
pub fn digest(
    file: BorrowedFd<'_>,
    offset: u64,
    progress: Option<&dyn Progress>,
) -> Result<Digest, ArchiveError> {
    let mut digester = Digester::new();
    pieces(file, offset, |bytes| {
        digester.update(bytes);
        if let Some(progress) = progress {
            progress.advanced(0, bytes.len() as u64);
        }
        Ok(())
    })?;
    Ok(digester.finish())
}

/// Copies what lies behind the first `offset` bytes of `file`, to the end that it has now, into the
/// empty file `into`, and digests it on the way: the digest is that of the copy, whatever is done
/// to `file` meanwhile. What is written before an error is of no use.
///
/// # Errors
/// As [`digest`]; `NoSpace` where there is more than `space` has room for; `NotCopied` for what
/// write(2) says.
pub fn copy(
    file: BorrowedFd<'_>,
    offset: u64,
    into: BorrowedFd<'_>,
    space: Option<&Space>,
    progress: Option<&dyn Progress>,
) -> Result<Digest, ArchiveError> {
    let mut digester = Digester::new();
    let mut writer = Bounded::new(into, space, progress)?;
    let copied = pieces(file, offset, |bytes| {
        digester.update(bytes);
        writer
            .write_all(bytes)
            .map_err(|source| ArchiveError::NotCopied { source })
    });
    writer.ended(copied)?;
    Ok(digester.finish())
}

/// Gives `each` what lies behind `offset` in pieces.
fn pieces(
    file: BorrowedFd<'_>,
    offset: u64,
    mut each: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let file = File::from(file.try_clone_to_owned()?);
    let source = Source::behind(&file, offset)?;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    while at < source.length() {
        let room = piece
            .len()
            .min((source.length() - at).try_into().unwrap_or(usize::MAX));
        match source.read_at(&mut piece[..room], at) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => {
                each(&piece[..count])?;
                at += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::space::Storage;

    #[derive(Default)]
    struct Told(Cell<u64>);

    impl Progress for Told {
        fn entering(&self, _: &[u8]) {}

        fn advanced(&self, entries: u64, bytes: u64) {
            assert_eq!(entries, 0);
            self.0.set(self.0.get() + bytes);
        }
    }

    fn file(length: usize) -> (File, Vec<u8>) {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    fn space(bytes: u64) -> Space {
        Space {
            storage: Storage::Disk,
            bytes,
            inodes: 1,
            control_group: None,
        }
    }

    #[test]
    fn what_lies_behind_the_offset_is_digested_and_copied() {
        for (length, offset) in [
            (0, 0),
            (1, 0),
            (300_000, 0),
            (300_000, 1000),
            (5, 5),
            (5, 9),
        ] {
            let (file, bytes) = file(length);
            let behind = bytes.get(offset..).unwrap_or_default();
            let told = Told::default();
            let found = digest(file.as_fd(), offset as u64, Some(&told)).unwrap();
            assert_eq!(found, Digest::of(behind), "{length} {offset}");
            assert_eq!(told.0.get(), behind.len() as u64);
            let (into, told) = (tempfile::tempfile().unwrap(), Told::default());
            let room = space(behind.len() as u64);
            let copied = copy(
                file.as_fd(),
                offset as u64,
                into.as_fd(),
                Some(&room),
                Some(&told),
            );
            assert_eq!(copied.unwrap(), found);
            assert_eq!(told.0.get(), behind.len() as u64);
            let mut content = vec![0; behind.len() + 1];
            assert_eq!(into.read_at(&mut content, 0).unwrap(), behind.len());
            assert_eq!(&content[..behind.len()], behind);
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_no_copy() {
        let (file, _) = file(300_000);
        let into = tempfile::tempfile().unwrap();
        let error = copy(file.as_fd(), 0, into.as_fd(), Some(&space(299_999)), None).unwrap_err();
        assert!(
            matches!(
                error,
                ArchiveError::NoSpace {
                    needed: 300_000,
                    left: 299_999,
                    ..
                }
            ),
            "{error}"
        );
        assert!(into.metadata().unwrap().len() < 300_000);
    }

    #[test]
    fn what_cannot_be_read_or_written_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let write_only = File::options().write(true).open(&path).unwrap();
        let error = digest(write_only.as_fd(), 0, None).unwrap_err();
        assert!(matches!(error, ArchiveError::Read { .. }), "{error}");
        let read_only = File::open(&path).unwrap();
        digest(read_only.as_fd(), 0, None).unwrap();
        let error = copy(read_only.as_fd(), 0, read_only.as_fd(), None, None).unwrap_err();
        assert!(matches!(error, ArchiveError::NotCopied { .. }), "{error}");
    }

    #[test]
    fn a_file_that_becomes_shorter_has_no_digest() {
        let (file, _) = file(300_000);
        let shortens = Shortens(file.try_clone().unwrap());
        let error = digest(file.as_fd(), 0, Some(&shortens)).unwrap_err();
        assert!(matches!(error, ArchiveError::Read { .. }), "{error}");
    }

    /// Cuts the file once something of it was read.
    struct Shortens(File);

    impl Progress for Shortens {
        fn entering(&self, _: &[u8]) {}

        fn advanced(&self, _: u64, _: u64) {
            self.0.set_len(200_000).unwrap();
        }
    }
}
