//! A bound for the memory that the threads of one extraction take for large entries.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that may be taken.
#[derive(Debug)]
pub(crate) struct Memory(AtomicU64);

/// Some of them; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    from: &'a Memory,
    bytes: u64,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        Self(AtomicU64::new(bytes))
    }

    /// Takes `bytes`, if there are so many left.
    pub(crate) fn take(&self, bytes: u64) -> Option<Taken<'_>> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .ok()
            .map(|_| Taken { from: self, bytes })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.from.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
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
}
