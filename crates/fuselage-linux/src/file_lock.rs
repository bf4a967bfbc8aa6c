//! A lock by which others see that somebody who has a file open is alive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, openat};
use rustix::io::Errno;

use crate::own_directory::set_mode;

const FLAGS_OF_PLACE: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the file `name` in `directory` to lock it; one that is missing is made, 0600. `None`: there
/// is a directory or a symbolic link of that name. A mode that keeps its owner out is changed.
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
    let open = || openat(directory, name, flags, Mode::RUSR | Mode::WUSR);
    let opened = match open() {
        Err(Errno::ACCESS) => {
            let place = openat(directory, name, FLAGS_OF_PLACE, Mode::empty())?;
            // The mode of a file with another name is not this one's alone.
            if fstat(&place)?.st_nlink == 1 {
                set_mode(&place, (Mode::RUSR | Mode::WUSR).bits())?;
            }
            open()
        }
        opened => opened,
    };
    match opened {
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
    try_to(file, FlockOperation::NonBlockingLockExclusive)
}

/// The same together with others who lock it so; whether nobody has it for himself.
///
/// # Errors
/// As [`lock`].
pub fn lock_with_others(file: impl AsFd) -> io::Result<bool> {
    try_to(file, FlockOperation::NonBlockingLockShared)
}

/// As [`lock`], and waits until it can be had.
///
/// # Errors
/// As [`lock`].
pub fn wait_and_lock(file: impl AsFd) -> io::Result<()> {
    try_to(file, FlockOperation::LockExclusive).map(drop)
}

fn try_to(file: impl AsFd, operation: FlockOperation) -> io::Result<bool> {
    loop {
        match flock(&file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether somebody else holds the lock of an open file. Who tries to take it at this very moment
/// fails.
///
/// # Errors
/// As [`lock`].
pub fn is_locked(file: impl AsFd) -> io::Result<bool> {
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(true),
        Err(error) => return Err(error.into()),
    }
    flock(&file, FlockOperation::Unlock)?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::process::{ExitKind, Forked, Signal, fork, send_signal, wait_for};

    #[test]
    fn a_mode_that_keeps_the_owner_out_is_changed_unless_the_file_has_another_name() {
        let place = tempfile::tempdir().unwrap();
        let [path, other] = ["lock", "other"].map(|name| place.path().join(name));
        File::create(&path).unwrap();
        let closed = || std::os::unix::fs::PermissionsExt::from_mode(0o0);
        let directory = File::open(place.path()).unwrap();
        let opens = || {
            // Root may open everything.
            let lost = crate::capabilities::give_up().is_ok();
            lost && open_lock(directory.as_fd(), b"lock").is_ok()
        };
        let opens_in_child = || match fork().unwrap() {
            Forked::Child => crate::process::exit_now(i32::from(!opens())),
            Forked::Parent(child) => wait_for(child).unwrap() == ExitKind::Exited(0),
        };
        std::fs::set_permissions(&path, closed()).unwrap();
        assert!(opens_in_child());
        std::fs::set_permissions(&path, closed()).unwrap();
        std::fs::hard_link(&path, &other).unwrap();
        assert!(!opens_in_child());
        let mode = std::os::unix::fs::MetadataExt::mode(&other.metadata().unwrap());
        assert_eq!(mode & 0o777, 0);
    }

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
