//! Memory for the start of a process that is another program a millisecond later: taken one after
//! the other out of a room that the program brings along, and mostly not given back.
//!
//! musl's malloc asks the kernel for a page or two for each size of block and gives them back when
//! they are empty, which is a dozen system calls and page faults of a start. Whatever does not fit
//! into the room comes from the system's allocator as ever. Where that has none, the program ends in
//! its own words: the standard library would abort.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the room. Pages of it that are never used cost nothing.
const ROOM: usize = 256 << 10;
/// A larger block would be a buffer, which is given back and used again.
const LARGEST: usize = 32 << 10;

/// The allocator of the launcher: `#[global_allocator]`.
///
/// In this order, so that the counter lies in a page that is written to anyway.
#[repr(C)]
pub struct StartMemory<E> {
    /// How much of the room is taken, from its beginning.
    used: AtomicUsize,
    room: UnsafeCell<Room>,
    ending: PhantomData<fn() -> E>,
}

#[repr(align(16))]
struct Room([u8; ROOM]);

// SAFETY: a part of the room belongs to the one caller that moved `used` over it, by a
// compare-and-exchange, until that caller gives it back.
unsafe impl<E> Sync for StartMemory<E> {}

impl<E> std::fmt::Debug for StartMemory<E> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let used = self.used.load(Ordering::Relaxed);
        formatter
            .debug_struct("StartMemory")
            .field("used", &used)
            .finish()
    }
}

/// What is done where the system has no memory.
pub trait OutOfMemory {
    /// Ends the program, of which any thread may be the caller. It must allocate nothing.
    ///
    /// So who asks whether there is memory (`try_reserve`) learns of none that there is not; nobody
    /// in the launcher does but the standard library, which would give up as well.
    fn end() -> !;
}

impl<E: OutOfMemory> Default for StartMemory<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: OutOfMemory> StartMemory<E> {
    /// With an empty room. All of it is zero, so that the file of the program has none of it and the
    /// kernel gives fresh pages: how the program ends is a type for that, and no value.
    pub const fn new() -> Self {
        Self {
            used: AtomicUsize::new(0),
            room: UnsafeCell::new(Room([0; ROOM])),
            ending: PhantomData,
        }
    }

    fn or_end(&self, block: *mut u8) -> *mut u8 {
        if block.is_null() {
            E::end()
        }
        block
    }

    fn base(&self) -> *mut u8 {
        // SAFETY: the cell is there as long as `self` is; nothing is read.
        unsafe { &raw mut (*self.room.get()).0 }.cast()
    }

    /// Where in the room a block begins; `None`: it is no block of the room.
    fn offset_of(&self, block: *mut u8) -> Option<usize> {
        let offset = block.addr().wrapping_sub(self.base().addr());
        (offset < ROOM).then_some(offset)
    }

    // Once in the program and not wherever something is allocated.
    #[inline(never)]
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        if layout.size() > LARGEST {
            return None;
        }
        let base = self.base();
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let address = (base.addr() + used).checked_next_multiple_of(layout.align())?;
            let offset = address - base.addr();
            let end = offset
                .checked_add(layout.size())
                .filter(|end| *end <= ROOM)?;
            // Acquire: who had this part before is done with it.
            match self
                .used
                .compare_exchange_weak(used, end, Ordering::Acquire, Ordering::Relaxed)
            {
                // SAFETY: `offset` is in the room, by the check of `end`.
                Ok(_) => return Some(unsafe { base.add(offset) }),
                Err(now) => used = now,
            }
        }
    }

    /// Moves the end of the block that was taken last; false: it was not the last one.
    #[inline(never)]
    fn move_end(&self, offset: usize, size: usize, new_size: usize) -> bool {
        let end = offset + size;
        let new_end = offset + new_size;
        new_end <= ROOM
            && self
                .used
                .compare_exchange(end, new_end, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }
}

// SAFETY: blocks are aligned, inside of the room and apart from each other, or the system's, which
// gets back what is outside of the room alone.
unsafe impl<E: OutOfMemory> GlobalAlloc for StartMemory<E> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        self.take(layout)
            .unwrap_or_else(|| self.or_end(unsafe { System.alloc(layout) }))
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match self.take(layout) {
            Some(block) => {
                // SAFETY: the block is ours and has this size.
                unsafe { block.write_bytes(0, layout.size()) };
                block
            }
            // SAFETY: the caller keeps the contract of `alloc_zeroed`.
            None => self.or_end(unsafe { System.alloc_zeroed(layout) }),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match self.offset_of(block) {
            Some(offset) => {
                self.move_end(offset, layout.size(), 0);
            }
            // SAFETY: it is no block of the room, so it came from the system with this layout.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Some(offset) = self.offset_of(block) else {
            // SAFETY: it is no block of the room, so it came from the system with this layout.
            return self.or_end(unsafe { System.realloc(block, layout, new_size) });
        };
        if new_size <= LARGEST && self.move_end(offset, layout.size(), new_size)
            || new_size <= layout.size()
        {
            return block;
        }
        // SAFETY: the caller promises that the size is not zero and can be rounded up; both blocks
        // have the smaller of the two sizes, and are apart.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
            self.dealloc(block, layout);
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ending;

    impl OutOfMemory for Ending {
        fn end() -> ! {
            crate::process::exit_now(OUT_OF_MEMORY)
        }
    }

    type Memory = StartMemory<Ending>;

    #[test]
    fn an_unused_room_is_zero_so_that_no_file_has_it() {
        let memory = Box::new(Memory::new());
        // SAFETY: the room is that long, was written when it was made, and is alive.
        let room = unsafe { std::slice::from_raw_parts(memory.base(), ROOM) };
        assert!(room.iter().all(|byte| *byte == 0));
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
        assert!(size_of_val(&*memory) <= ROOM + 16, "and nothing beside it");
    }

    const OUT_OF_MEMORY: i32 = 12;

    #[test]
    fn where_the_system_has_none_the_program_ends_in_its_own_words() {
        use crate::process::{ExitKind, Forked, fork, wait_for};
        let memory = Box::new(Memory::new());
        // More than an address space has.
        let vast = layout(1 << 60, 8);
        type Asking = fn(&Memory, Layout) -> *mut u8;
        let ways: [Asking; 3] = [
            // SAFETY: the size is not zero.
            |memory, vast| unsafe { memory.alloc(vast) },
            // SAFETY: the size is not zero.
            |memory, vast| unsafe { memory.alloc_zeroed(vast) },
            // SAFETY: the block is given with the layout it has.
            |memory, vast| unsafe {
                memory.realloc(
                    memory.alloc(layout(64 << 10, 8)),
                    layout(64 << 10, 8),
                    vast.size(),
                )
            },
        ];
        for way in ways {
            match fork().unwrap() {
                Forked::Child => {
                    way(&memory, vast);
                    crate::process::exit_now(0)
                }
                Forked::Parent(child) => {
                    assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(OUT_OF_MEMORY));
                }
            }
        }
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    /// A block, filled with `byte`.
    fn filled(memory: &Memory, layout: Layout, byte: u8) -> *mut u8 {
        // SAFETY: the size is not zero, and the block has it.
        unsafe {
            let block = memory.alloc(layout);
            assert!(!block.is_null());
            block.write_bytes(byte, layout.size());
            block
        }
    }

    fn content(block: *mut u8, size: usize) -> Vec<u8> {
        // SAFETY: the tests ask for what they have filled.
        unsafe { std::slice::from_raw_parts(block, size) }.to_vec()
    }

    #[test]
    fn blocks_are_aligned_and_apart() {
        let memory = Box::new(Memory::new());
        let layouts = [(1, 1), (3, 8), (100, 64), (1, 1), (5000, 4096), (7, 2)];
        let blocks: Vec<_> = (1..)
            .zip(layouts)
            .map(|(byte, (size, align))| (filled(&memory, layout(size, align), byte), byte))
            .collect();
        for ((block, byte), (size, align)) in blocks.into_iter().zip(layouts) {
            assert_eq!(block.addr() % align, 0);
            assert!(memory.offset_of(block).is_some());
            assert_eq!(content(block, size), vec![byte; size]);
        }
    }

    #[test]
    fn the_last_block_grows_shrinks_and_is_given_back_where_it_is() {
        let memory = Box::new(Memory::new());
        let first = filled(&memory, layout(16, 8), 1);
        let last = filled(&memory, layout(16, 8), 2);
        // SAFETY: each block is given with the layout it has.
        unsafe {
            assert_eq!(memory.realloc(last, layout(16, 8), 64), last);
            assert_eq!(memory.realloc(last, layout(64, 8), 8), last);
            assert_eq!(content(last, 8), [2; 8]);
            memory.dealloc(last, layout(8, 8));
            assert_eq!(filled(&memory, layout(4, 1), 3), last);
            assert_eq!(content(first, 16), [1; 16]);
            let zeroed = memory.alloc_zeroed(layout(4, 1));
            memory.dealloc(zeroed, layout(4, 1));
        }
    }

    #[test]
    fn a_block_with_another_one_behind_it_moves_to_grow() {
        let memory = Box::new(Memory::new());
        let first = filled(&memory, layout(16, 8), 1);
        let last = filled(&memory, layout(16, 8), 2);
        // SAFETY: each block is given with the layout it has.
        unsafe {
            assert_eq!(
                memory.realloc(first, layout(16, 8), 8),
                first,
                "it shrinks in its place"
            );
            let moved = memory.realloc(first, layout(8, 8), 32);
            assert_ne!(moved, first);
            assert_eq!(content(moved, 8), [1; 8]);
            assert_eq!(content(last, 16), [2; 16]);
        }
    }

    #[test]
    fn what_was_used_before_is_zeroed_where_that_is_asked() {
        let memory = Box::new(Memory::new());
        let used = filled(&memory, layout(64, 8), 9);
        // SAFETY: each block is given with the layout it has.
        unsafe {
            memory.dealloc(used, layout(64, 8));
            let zeroed = memory.alloc_zeroed(layout(64, 8));
            assert_eq!(zeroed, used);
            assert_eq!(content(zeroed, 64), [0; 64]);
        }
    }

    #[test]
    fn large_blocks_and_those_that_find_no_room_are_the_systems() {
        let memory = Box::new(Memory::new());
        let large = layout(LARGEST + 1, 8);
        let block = filled(&memory, large, 1);
        assert!(memory.offset_of(block).is_none());
        let one = layout(LARGEST, 1);
        let blocks: Vec<_> = (0..ROOM / LARGEST + 2)
            .map(|_| filled(&memory, one, 2))
            .collect();
        let outside = blocks
            .iter()
            .filter(|block| memory.offset_of(**block).is_none());
        assert_eq!(outside.count(), 2);
        // SAFETY: each block is given with the layout it has.
        unsafe {
            let grown = memory.realloc(blocks[0], one, LARGEST + 1);
            assert!(memory.offset_of(grown).is_none());
            assert_eq!(content(grown, LARGEST), vec![2; LARGEST]);
            memory.dealloc(grown, large);
            memory.dealloc(block, large);
            blocks[1..]
                .iter()
                .for_each(|block| memory.dealloc(*block, one));
        }
    }

    #[test]
    fn threads_get_blocks_of_their_own() {
        let memory = Box::new(Memory::new());
        std::thread::scope(|scope| {
            for byte in 1..=4_u8 {
                let memory = &*memory;
                scope.spawn(move || {
                    for size in 1..200 {
                        let kept = filled(memory, layout(size, 8), byte);
                        let given = filled(memory, layout(size, 8), byte);
                        // SAFETY: the block is given with the layout it has.
                        unsafe { memory.dealloc(given, layout(size, 8)) };
                        assert_eq!(content(kept, size), vec![byte; size]);
                    }
                });
            }
        });
    }
}
