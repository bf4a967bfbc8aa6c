//! A bound for the memory that the threads of one extraction take for large entries.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::stop::Stop;

/// Bytes that may be taken.
#[derive(Debug)]
pub(crate) struct Memory {
    all: u64,
    left: Mutex<u64>,
    /// Some came back, or a stop was raised.
    more: Condvar,
}

/// Some of them; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    from: &'a Memory,
    bytes: u64,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        Self {
            all: bytes,
            left: Mutex::new(bytes),
            more: Condvar::new(),
        }
    }

    /// Takes `bytes`, if there are so many left.
    pub(crate) fn take(&self, bytes: u64) -> Option<Taken<'_>> {
        let mut left = self.left();
        *left = left.checked_sub(bytes)?;
        Some(Taken { from: self, bytes })
    }

    /// Takes `bytes`, as soon as there are so many; all of them, where that is more than there ever
    /// are: no two that need so much have it at once, though what they need beyond it is not
    /// counted. Who has taken some and waits for more might wait for ever.
    ///
    /// # Errors
    /// `stop` is raised, and whoever waits was woken.
    pub(crate) fn wait(&self, bytes: u64, stop: &Stop) -> io::Result<Taken<'_>> {
        let bytes = bytes.min(self.all);
        let mut left = self
            .more
            .wait_while(self.left(), |left| *left < bytes && !stop.is_raised())
            .unwrap_or_else(PoisonError::into_inner);
        stop.check()?;
        *left -= bytes;
        Ok(Taken { from: self, bytes })
    }

    /// Wakes those who wait, so that they look at their stop.
    pub(crate) fn wake(&self) {
        // Nobody is between looking and waiting while this is held.
        let _left = self.left();
        self.more.notify_all();
    }

    fn left(&self) -> MutexGuard<'_, u64> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.from.left() += self.bytes;
        self.from.more.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_all_comes_back() {
        let memory = Memory::new(10);
        let first = memory.take(6).unwrap();
        assert!(memory.take(5).is_none());
        let second = memory.take(4).unwrap();
        drop(first);
        assert!(memory.take(7).is_none());
        drop(second);
        assert!(memory.take(10).is_some());
    }

    #[test]
    fn who_waits_gets_it_in_the_end_and_who_wants_too_much_is_alone() {
        let memory = Memory::new(10);
        let held = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for number in 0..64 {
                let (memory, held) = (&memory, &held);
                scope.spawn(move || {
                    let bytes = [1, 4, 10, 99][number % 4];
                    let taken = memory.wait(bytes, &Stop::new()).unwrap();
                    assert_eq!(taken.bytes, bytes.min(10));
                    let before = held.fetch_add(taken.bytes, Ordering::SeqCst);
                    assert!(before + taken.bytes <= 10);
                    std::thread::yield_now();
                    held.fetch_sub(taken.bytes, Ordering::SeqCst);
                });
            }
        });
        assert!(memory.take(10).is_some());
    }

    #[test]
    fn who_waits_is_woken_by_its_own_stop_alone() {
        let memory = Memory::new(10);
        let held = memory.take(6).unwrap();
        let (raised, other) = (Stop::new(), Stop::new());
        std::thread::scope(|scope| {
            let memory = &memory;
            let wait = |stop| scope.spawn(move || memory.wait(5, stop).map(|taken| taken.bytes));
            let stopped = [wait(&raised), wait(&raised)];
            let served = wait(&other);
            // What is there is to be had meanwhile.
            assert_eq!(memory.wait(4, &raised).unwrap().bytes, 4);
            raised.raise();
            memory.wake();
            for waiter in stopped {
                assert!(Stop::caused(&waiter.join().unwrap().unwrap_err()));
            }
            assert!(memory.wait(1, &raised).is_err());
            drop(held);
            assert_eq!(served.join().unwrap().unwrap(), 5);
        });
        assert!(memory.take(10).is_some());
    }
}
