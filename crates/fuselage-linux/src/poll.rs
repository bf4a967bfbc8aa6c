//! Waiting for descriptors.

use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A descriptor and what to wait for.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// Which.
    pub descriptor: BorrowedFd<'a>,
    /// Whether being writable counts, and not only being readable or closed.
    pub write: bool,
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// A read does not wait: bytes, an end or an error.
    pub read: bool,
    /// A write does not wait.
    pub write: bool,
}

/// Waits without limit until one of two descriptors is ready.
///
/// # Errors
/// What poll(2) says; never `EINTR`.
pub fn wait_for_either(watches: [Watch<'_>; 2]) -> io::Result<[Ready; 2]> {
    let mut set = watches.map(|watch| {
        let also = if watch.write {
            PollFlags::POLLOUT
        } else {
            PollFlags::empty()
        };
        PollFd::new(watch.descriptor, PollFlags::POLLIN | also)
    });
    loop {
        match poll(&mut set, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => break,
        }
    }
    Ok(set.map(|entry| {
        let events = entry.revents().unwrap_or(PollFlags::empty());
        Ready {
            read: events.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR),
            write: events.intersects(PollFlags::POLLOUT | PollFlags::POLLERR),
        }
    }))
}
