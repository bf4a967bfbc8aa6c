//! That what runs in the children allocates nothing, shown by an allocator that ends the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::attempts;
use super::child::Attempt;
use crate::process::{ExitKind, Forked, exit_now, fork, wait_for};

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

const ALLOCATED: i32 = 77;

struct Strict;

#[global_allocator]
static STRICT: Strict = Strict;

// SAFETY: everything is passed on to the system's allocator, or the process ends.
unsafe impl GlobalAlloc for Strict {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if FORBIDDEN.try_with(Cell::get) == Ok(true) {
            exit_now(ALLOCATED);
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn end_of(attempt: impl FnOnce()) -> ExitKind {
    match fork().unwrap() {
        Forked::Child => {
            FORBIDDEN.set(true);
            attempt();
            exit_now(0)
        }
        Forked::Parent(child) => wait_for(child).unwrap(),
    }
}

#[test]
fn no_attempt_allocates() {
    let all: [Attempt; 8] = [
        attempts::user_namespace,
        attempts::tmpfs_as_user,
        attempts::tmpfs_as_root,
        attempts::overlay_as_user,
        attempts::overlay_as_root,
        attempts::fuse_as_user,
        attempts::fuse_as_root,
        attempts::loop_device,
    ];
    for (number, attempt) in all.into_iter().enumerate() {
        let end = end_of(|| _ = attempt());
        assert_eq!(end, ExitKind::Exited(0), "attempt {number}");
    }
    let twin = end_of(|| drop(std::hint::black_box(vec![0_u8; 64])));
    assert_eq!(twin, ExitKind::Exited(ALLOCATED));
}
