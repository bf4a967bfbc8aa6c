//! What the walk leaves to other threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::compare::files::Run;

/// Runs that wait for one thread, each with an open directory.
const EACH: usize = 4;
/// And for all threads together.
const MOST: usize = 64;

/// Runs of files, of which no more wait than threads are soon done with.
pub(crate) struct Queue {
    most: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    runs: VecDeque<Run>,
    is_closed: bool,
}

impl Queue {
    pub(crate) fn new(jobs: usize) -> Self {
        Self {
            most: jobs.saturating_sub(1).saturating_mul(EACH).min(MOST),
            waiting: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Leaves a run to another thread; where too many wait, it comes back: whoever walks does it.
    pub(crate) fn push(&self, run: Run) -> Option<Run> {
        let mut waiting = self.lock();
        if waiting.runs.len() >= self.most {
            return Some(run);
        }
        waiting.runs.push_back(run);
        self.changed.notify_one();
        None
    }

    /// The next run, as soon as there is one; `None`: there will be none.
    pub(crate) fn wait(&self) -> Option<Run> {
        let mut waiting = self
            .changed
            .wait_while(self.lock(), |waiting| {
                waiting.runs.is_empty() && !waiting.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        waiting.runs.pop_front()
    }

    /// Nothing more comes.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
