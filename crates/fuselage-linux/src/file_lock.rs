//! A lock by which others see that somebody who has a file open is alive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, openat};
use rustix::io::Errno;

/// Opens the file `name` in `directory` to lock it; one that is missing is made, 0600. `None`: there
/// is a directory or a symbolic link of that name.
///
/// # Errors
/// What openat(2) says.
pub fn open_lock(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC;
    match openat(directory, name, flags, Mode::RUSR | Mode::WUSR) {
        Err(Errno::ISDIR | Errno::LOOP) => Ok(None),
        opened => Ok(opened.map(Some)?),
    }
}

/// Whether an open file still has a name.
///
/// # Errors
/// What fstat(2) says.
pub fn has_name(file: impl AsFd) -> io::Result<bool> {
    Ok(fstat(file)?.st_nlink > 0)
}

/// Locks an open file for whoever has it open by this descriptor or a copy of it, in this process
/// and in those forked from it, without waiting; whether that worked. The lock goes with the last of
/// these descriptors (flock(2)): it cannot be left behind, and is seen across pid namespaces.
///
/// The file must be open to write: network file systems want it for this kind of lock.
///
/// # Errors
/// `ENOLCK`, `EOPNOTSUPP`: the file system has no locks.
pub fn lock(file: impl AsFd) -> io::Result<bool> {
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::process::{Forked, Signal, fork, send_signal, wait_for};

    #[test]
    fn a_lock_lasts_until_the_last_copy_of_its_descriptor_is_closed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let first = File::create(&path).unwrap();
        let second = || File::options().write(true).open(&path).unwrap();
        assert!(lock(&first).unwrap());
        assert!(!lock(second()).unwrap());
        let child = match fork().unwrap() {
            Forked::Child => loop {
                std::thread::sleep(std::time::Duration::from_secs(9));
            },
            Forked::Parent(child) => child,
        };
        drop(first);
        assert!(!lock(second()).unwrap(), "the child has a copy");
        send_signal(child, Signal::SIGKILL);
        wait_for(child).unwrap();
        assert!(lock(second()).unwrap());
    }
}
