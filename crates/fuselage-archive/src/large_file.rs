//! A file that several threads write, each a part of it.

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tree::Leaf;

/// Made by whoever comes first, finished by whoever is done last, open in between.
pub(crate) struct LargeFile<'a> {
    pub(crate) leaf: &'a Leaf,
    /// Parts that are not written yet.
    left: AtomicUsize,
    file: Mutex<Option<Arc<File>>>,
}

impl<'a> LargeFile<'a> {
    pub(crate) fn new(leaf: &'a Leaf, parts: usize) -> Self {
        Self {
            leaf,
            left: AtomicUsize::new(parts),
            file: Mutex::new(None),
        }
    }

    /// The file, which `make` makes the first time.
    pub(crate) fn open<E>(&self, make: impl FnOnce() -> Result<File, E>) -> Result<Arc<File>, E> {
        let mut file = self.lock();
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
            *self.lock() = None;
        }
        last
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<File>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
