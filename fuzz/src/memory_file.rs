//! Bytes as a file, which is what archives are.

use std::cell::OnceCell;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, memfd_create};

thread_local! {
    /// One file for all inputs: to make one costs more than most inputs do.
    static FILE: OnceCell<File> = const { OnceCell::new() };
}

/// Calls `what` with a file of these bytes.
///
/// # Panics
/// The kernel gives no memory.
pub fn with_file_of<T>(bytes: &[u8], what: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
    FILE.with(|file| {
        let file = file.get_or_init(|| {
            File::from(memfd_create("input", MemfdFlags::CLOEXEC).expect("a file in memory"))
        });
        file.set_len(0).expect("a file in memory can be emptied");
        file.write_all_at(bytes, 0)
            .expect("a file in memory can be written");
        what(file.as_fd())
    })
}
