//! Writing a new file through its page cache: no second copy of what is unpacked.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Gives `file`, which was just made and is open to read and write, `length` bytes, which `fill`
/// writes. The room is had before (fallocate(2)), so that a full file system is an error and not a
/// SIGBUS.
///
/// # Errors
/// `ENOSPC`, `EOPNOTSUPP`: the file system has no fallocate(2); and what mmap(2) says.
pub fn fill_new_file<T>(
    file: &File,
    length: NonZeroUsize,
    fill: impl FnOnce(&mut [u8]) -> T,
) -> io::Result<T> {
    let size = i64::try_from(length.get()).map_err(io::Error::other)?;
    fallocate(file.as_fd(), FallocateFlags::empty(), 0, size)?;
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let memory = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, file, 0) }?;
    // SAFETY: the mapping is `length` bytes of a file that this process has just made in a tree
    // that nobody else has: no one writes to it or cuts it while the slice lives, which ends before
    // the mapping does.
    let bytes = unsafe { std::slice::from_raw_parts_mut(memory.as_ptr().cast(), length.get()) };
    let filled = fill(bytes);
    // SAFETY: the slice is not used any more.
    unsafe { munmap(memory, length.get()) }?;
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_filled_in_is_in_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let length = NonZeroUsize::new(10_000).unwrap();
        let sum = fill_new_file(&file, length, |bytes| {
            bytes.fill(7);
            bytes.len()
        });
        assert_eq!(sum.unwrap(), 10_000);
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        assert_eq!(content, vec![7; 10_000]);
    }
}
