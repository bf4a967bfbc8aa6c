//! Compares files, a run of them at a time.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use fuselage_linux::look_beneath::{EntryKind, EntryStatus, open_file, status, status_of};

use crate::compare::difference::{Change, Kind};
use crate::compare::found::Found;
use crate::digest::{Digest, Digester};
use crate::extract::Progress;
use crate::tree::Time;

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// Files of one directory that one thread compares in a row.
pub(crate) struct Run {
    pub(crate) directory: OwnedFd,
    /// Its path; empty for the root.
    pub(crate) path: Vec<u8>,
    pub(crate) files: Vec<Listed>,
}

/// What the list says of a file.
pub(crate) struct Listed {
    pub(crate) name: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) time: Time,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
    pub(crate) same: Option<u64>,
}

/// What the comparisons of all threads have in common.
pub(crate) struct Files<'a> {
    pub(crate) found: &'a Found,
    progress: Option<&'a (dyn Progress + Sync)>,
    /// Which file each with several names is, by the first that was met.
    same: Mutex<HashMap<u64, (u64, u64)>>,
}

/// What one thread reads with.
pub(crate) struct Reader {
    piece: Vec<u8>,
    digester: Digester,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self {
            piece: vec![0; PIECE],
            digester: Digester::new(),
        }
    }
}

impl<'a> Files<'a> {
    pub(crate) fn new(found: &'a Found, progress: Option<&'a (dyn Progress + Sync)>) -> Self {
        Self {
            found,
            progress,
            same: Mutex::default(),
        }
    }

    pub(crate) fn compare(&self, reader: &mut Reader, run: &Run) {
        let mut path = run.path.clone();
        for file in &run.files {
            if self.found.is_over() {
                return;
            }
            path.truncate(run.path.len());
            join(&mut path, &file.name);
            if let Some(progress) = self.progress {
                progress.entering(&path);
            }
            if let Err(error) = self.compare_file(reader, run.directory.as_fd(), &path, file) {
                self.found.failed(&path, error);
            }
            self.advanced(1, 0);
        }
    }

    fn compare_file(
        &self,
        reader: &mut Reader,
        directory: BorrowedFd<'_>,
        path: &[u8],
        listed: &Listed,
    ) -> io::Result<()> {
        // A device is not even opened.
        let before = status(directory, &listed.name)?;
        if !self.is_kind(path, Kind::File, before) {
            return Ok(());
        }
        self.compare_status(path, listed.mode, Some(listed.time), before);
        if before.size != listed.size {
            let (expected, found) = (listed.size, before.size);
            self.found.add(path, Change::Size { expected, found });
        }
        if let Some(same) = listed.same {
            let mut known = self.same.lock().unwrap_or_else(PoisonError::into_inner);
            if *known.entry(same).or_insert(before.file) != before.file {
                self.found.add(path, Change::Same);
            }
        }
        if before.size != listed.size {
            return Ok(());
        }
        let file = File::from(open_file(directory, &listed.name)?);
        // It may have been replaced.
        if self.is_kind(path, Kind::File, status_of(&file)?)
            && self.digest(reader, &file, listed.size)? != Some(listed.digest)
            && !self.found.is_over()
        {
            self.found.add(path, Change::Content);
        }
        Ok(())
    }

    /// Of the first `size` bytes; `None`: it has not so many, or nobody wants to know any more.
    fn digest(&self, reader: &mut Reader, file: &File, size: u64) -> io::Result<Option<Digest>> {
        let mut at = 0;
        // What an error has left of the one before is not of this one.
        reader.digester = Digester::new();
        while at < size {
            let room = reader
                .piece
                .len()
                .min((size - at).try_into().unwrap_or(usize::MAX));
            let count = match file.read_at(&mut reader.piece[..room], at) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if count == 0 || self.found.is_over() {
                return Ok(None);
            }
            reader.digester.update(&reader.piece[..count]);
            at += count as u64;
            self.advanced(0, count as u64);
        }
        Ok(Some(reader.digester.finish()))
    }

    /// Whether it is of the kind that it is to be.
    pub(crate) fn is_kind(&self, path: &[u8], expected: Kind, is: EntryStatus) -> bool {
        let found = Kind::from(is.kind);
        if found != expected {
            self.found.add(path, Change::Kind { expected, found });
        }
        found == expected
    }

    /// Compares mode and time; `None`: any time.
    pub(crate) fn compare_status(
        &self,
        path: &[u8],
        mode: u32,
        time: Option<Time>,
        is: EntryStatus,
    ) {
        // Links have none of their own.
        if is.mode != mode && is.kind != EntryKind::Symlink {
            let (expected, found) = (mode, is.mode);
            self.found.add(path, Change::Mode { expected, found });
        }
        let (seconds, nanoseconds) = (is.seconds, is.nanoseconds);
        let found = Time {
            seconds,
            nanoseconds,
        };
        if time.is_some_and(|time| time != found) {
            self.found.add(path, Change::Time);
        }
    }

    fn advanced(&self, entries: u64, bytes: u64) {
        if let Some(progress) = self.progress {
            progress.advanced(entries, bytes);
        }
    }
}

/// Makes the path of a directory to that of what is called `name` in it.
pub(crate) fn join(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
