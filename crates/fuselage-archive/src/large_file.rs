//! A file that several threads write, each a part of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::digest::{Digest, Digester};
use crate::stop::Stop;
use crate::tree::Leaf;

/// Bytes that are read back at once.
const PIECE: usize = 128 << 10;

/// Made by whoever comes first, finished by whoever is done last, open in between.
pub(crate) struct LargeFile<'a> {
    pub(crate) leaf: &'a Leaf,
    /// Parts that are not written yet.
    left: AtomicUsize,
    file: Mutex<Option<Arc<File>>>,
    /// Where each part that is written ends, in bytes of the file.
    ends: Mutex<Vec<Option<u64>>>,
    digested: Mutex<DigestedParts>,
}

/// The first parts, which are read back and digested while others are written.
#[derive(Default)]
struct DigestedParts {
    digester: Digester,
    parts: usize,
    /// Where they end.
    position: u64,
}

impl<'a> LargeFile<'a> {
    pub(crate) fn new(leaf: &'a Leaf, parts: usize) -> Self {
        Self {
            leaf,
            left: AtomicUsize::new(parts),
            file: Mutex::new(None),
            ends: Mutex::new(vec![None; parts]),
            digested: Mutex::default(),
        }
    }

    /// The file, which `make` makes the first time.
    pub(crate) fn open<E>(&self, make: impl FnOnce() -> Result<File, E>) -> Result<Arc<File>, E> {
        let mut file = lock(&self.file);
        match &*file {
            Some(file) => Ok(Arc::clone(file)),
            None => {
                let made = Arc::new(make()?);
                *file = Some(Arc::clone(&made));
                Ok(made)
            }
        }
    }

    /// One part more is written; whether that was the last.
    pub(crate) fn part_done(&self) -> bool {
        let last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if last {
            *lock(&self.file) = None;
        }
        last
    }

    /// A part is written and ends at `end`: what is written without a gap is digested, unless
    /// another thread is at it.
    pub(crate) fn digest_as_far(
        &self,
        file: &File,
        part: usize,
        end: u64,
        stop: &Stop,
    ) -> io::Result<()> {
        if let Some(known) = lock(&self.ends).get_mut(part) {
            *known = Some(end);
        }
        match self.digested.try_lock() {
            Ok(mut digested) => self.go_on(&mut digested, file, stop),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Poisoned(poisoned)) => {
                self.go_on(&mut poisoned.into_inner(), file, stop)
            }
        }
    }

    /// The digest of the whole file, all parts of which are written.
    pub(crate) fn digest(&self, file: &File, stop: &Stop) -> io::Result<Digest> {
        let mut digested = lock(&self.digested);
        self.go_on(&mut digested, file, stop)?;
        Ok(digested.digester.finish())
    }

    fn go_on(&self, digested: &mut DigestedParts, file: &File, stop: &Stop) -> io::Result<()> {
        let mut piece = Vec::new();
        loop {
            let end = lock(&self.ends).get(digested.parts).copied().flatten();
            let Some(end) = end else {
                return Ok(());
            };
            piece.resize(PIECE, 0);
            while digested.position < end {
                stop.check()?;
                let length = (end - digested.position).min(PIECE as u64) as usize;
                file.read_exact_at(&mut piece[..length], digested.position)?;
                digested.digester.update(&piece[..length]);
                digested.position += length as u64;
            }
            digested.parts += 1;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
