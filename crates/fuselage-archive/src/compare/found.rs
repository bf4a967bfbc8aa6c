//! The differences that were found, by several threads.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use fuselage_linux::causes;

use crate::compare::difference::{Change, Difference};
use crate::compare::not_compared;
use crate::error::ArchiveError;

/// As many as were asked for; and what made a thread give up.
pub(crate) struct Found {
    most: usize,
    is_over: AtomicBool,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    differences: Vec<Difference>,
    error: Option<ArchiveError>,
}

impl Found {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            is_over: AtomicBool::new(most == 0),
            all: Mutex::default(),
        }
    }

    /// The entry at `path`, empty for the root, is different.
    pub(crate) fn add(&self, path: &[u8], change: Change) {
        let path = match path {
            b"" => ".".to_owned(),
            path => String::from_utf8_lossy(path).into_owned(),
        };
        self.with(|all| {
            if all.differences.len() < self.most {
                all.differences.push(Difference { path, change });
            }
            if all.differences.len() == self.most {
                self.stop();
            }
        });
    }

    /// A call failed for the entry at `path`: that is a difference, unless it says nothing of it.
    pub(crate) fn failed(&self, path: &[u8], error: io::Error) {
        if causes::is_out_of_descriptors(&error) || error.kind() == io::ErrorKind::OutOfMemory {
            self.with(|all| all.error = Some(not_compared(error)));
            return self.stop();
        }
        let change = match error.kind() {
            // Also: what is above it was replaced meanwhile.
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Change::Missing,
            _ => Change::Unreadable {
                errno: error.raw_os_error(),
            },
        };
        self.add(path, change);
    }

    /// Nobody is to look for more.
    pub(crate) fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// By path.
    pub(crate) fn all(self) -> Result<Vec<Difference>, ArchiveError> {
        let mut all = self
            .all
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        all.differences.sort();
        all.error.map_or(Ok(all.differences), Err)
    }

    fn with(&self, what: impl FnOnce(&mut All)) {
        what(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
