//! Notes that outlive the process that wrote them: what a worker was doing when it crashed.

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};

const SLOTS: usize = 64;
const SLOT_LENGTH: usize = 256;
const NOTES: usize = SLOTS * SLOT_LENGTH;
const COUNTS: usize = 2;
const LENGTH: usize = NOTES + COUNTS * size_of::<AtomicU64>();

/// A small memory that a forked child shares with its parent: one short note a thread, the last
/// one each has written, and two counts.
#[derive(Debug)]
pub struct SharedNotes {
    memory: NonNull<AtomicU8>,
    taken: AtomicUsize,
}

// SAFETY: the memory is only ever reached as atomics.
unsafe impl Sync for SharedNotes {}
// SAFETY: as above; the mapping belongs to no thread.
unsafe impl Send for SharedNotes {}

thread_local! {
    static SLOT: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

impl SharedNotes {
    /// Maps the memory (five pages), empty.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new() -> io::Result<Self> {
        let length = NonZeroUsize::MIN.saturating_mul(NonZeroUsize::MIN.saturating_add(LENGTH - 1));
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let memory = unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_SHARED) }?;
        Ok(Self {
            memory: memory.cast(),
            taken: AtomicUsize::new(0),
        })
    }

    /// Keeps it from children that are forked from now on (`MADV_DONTFORK`), which must neither use
    /// nor drop this.
    ///
    /// # Errors
    /// What madvise(2) says.
    pub fn keep_from_children(&self) -> io::Result<()> {
        // SAFETY: the range is this mapping; nothing in this process changes by it, and what
        // children must not do is said above.
        Ok(unsafe { madvise(self.memory.cast(), LENGTH, MmapAdvise::MADV_DONTFORK) }?)
    }

    /// Notes `text` for this thread, cut to 255 bytes; threads beyond 64 share slots.
    pub fn note(&self, text: &[u8]) {
        let slot = SLOT.get().unwrap_or_else(|| {
            let slot = self.taken.fetch_add(1, Ordering::Relaxed) % SLOTS;
            SLOT.set(Some(slot));
            slot
        });
        let text = &text[..text.len().min(SLOT_LENGTH - 1)];
        let bytes = self.slot(slot);
        bytes[0].store(text.len() as u8, Ordering::Relaxed);
        for (place, byte) in bytes[1..].iter().zip(text) {
            place.store(*byte, Ordering::Relaxed);
        }
    }

    /// What the threads noted last, those that noted nothing left out.
    pub fn read(&self) -> Vec<Vec<u8>> {
        (0..SLOTS)
            .map(|slot| {
                let bytes = self.slot(slot);
                let length = bytes[0].load(Ordering::Relaxed) as usize;
                bytes[1..=length]
                    .iter()
                    .map(|byte| byte.load(Ordering::Relaxed))
                    .collect()
            })
            .filter(|note: &Vec<u8>| !note.is_empty())
            .collect()
    }

    /// Adds to the two counts.
    pub fn count(&self, more: [u64; COUNTS]) {
        for (count, more) in self.counted().iter().zip(more) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// The two counts.
    pub fn counts(&self) -> [u64; COUNTS] {
        let [one, other] = self.counted();
        [one, other].map(|count| count.load(Ordering::Relaxed))
    }

    fn counted(&self) -> &[AtomicU64; COUNTS] {
        // SAFETY: the mapping is LENGTH bytes long, zeroed by the kernel and lives as long as
        // `self`; it begins at a page and NOTES is a multiple of 8, so the counts are aligned; they
        // are only ever reached as atomics.
        unsafe {
            self.memory
                .add(NOTES)
                .cast::<[AtomicU64; COUNTS]>()
                .as_ref()
        }
    }

    fn slot(&self, slot: usize) -> &[AtomicU8] {
        // SAFETY: the notes are the first SLOTS * SLOT_LENGTH bytes of the mapping, which is zeroed
        // by the kernel and lives as long as `self`, and AtomicU8 has the layout of u8.
        unsafe {
            std::slice::from_raw_parts(self.memory.add(slot * SLOT_LENGTH).as_ptr(), SLOT_LENGTH)
        }
    }
}

impl Drop for SharedNotes {
    fn drop(&mut self) {
        // SAFETY: nothing can borrow from `self` any more.
        let _ = unsafe { munmap(self.memory.cast(), LENGTH) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{ExitKind, Forked, Signal, exit_now, fork, wait_for};

    #[test]
    fn the_parent_reads_what_a_dead_child_noted() {
        let notes = SharedNotes::new().unwrap();
        match fork().unwrap() {
            Forked::Child => {
                notes.note(b"first");
                notes.note(&[b'x'; 400]);
                notes.count([1, u64::MAX - 5]);
                notes.count([2, 5]);
                exit_now(0)
            }
            Forked::Parent(child) => {
                wait_for(child).unwrap();
                assert_eq!(notes.read(), [vec![b'x'; 255]]);
                assert_eq!(notes.counts(), [3, u64::MAX]);
            }
        }
    }
    #[test]
    fn a_later_child_cannot_write_what_is_kept_from_it() {
        let notes = SharedNotes::new().unwrap();
        let end_of_writer = || match fork().unwrap() {
            Forked::Child => {
                notes.note(b"written");
                exit_now(0)
            }
            Forked::Parent(child) => wait_for(child).unwrap(),
        };
        assert_eq!(end_of_writer(), ExitKind::Exited(0), "the twin");
        notes.keep_from_children().unwrap();
        assert_eq!(end_of_writer(), ExitKind::Signaled(Signal::SIGSEGV));
        assert_eq!(notes.read(), [b"written".to_vec()]);
    }
}
