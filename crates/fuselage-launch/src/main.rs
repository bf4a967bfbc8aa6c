//! The entry point of the launcher, without the runtime of the standard library: that would ignore
//! SIGPIPE and open closed standard descriptors, and the command would inherit both.

#![no_main]

use std::os::raw::{c_char, c_int};

use fuselage_linux::start_memory::StartMemory;

#[global_allocator]
static MEMORY: StartMemory<fuselage_launch::Ending> = StartMemory::new();

/// What the C runtime calls.
///
/// # Safety
/// Nobody else calls it: `argv` is as the C runtime passes it.
#[allow(
    unsafe_code,
    reason = "the entry point of the program, the one written exception"
)]
// SAFETY: `main` is defined once, with the signature that the C runtime calls.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: these are the arguments of `main` as the C runtime passed them.
    let words = unsafe { fuselage_linux::process::words_of_main(argc, argv) };
    fuselage_launch::start(words)
}
