//! Waiting for descriptors.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

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

/// Waits until a read of `descriptor` would not wait, at most for `limit`; whether it would not.
///
/// # Errors
/// What poll(2) says; after `EINTR` it waits on.
pub fn readable_within(descriptor: BorrowedFd<'_>, limit: Duration) -> io::Result<bool> {
    let end = Instant::now() + limit;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], timeout) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(count) => return Ok(count > 0),
        }
    }
}

/// Waits until one of some descriptors is ready, at most for `limit`: then none is.
///
/// # Errors
/// What poll(2) says; never `EINTR`.
pub fn wait_for_any<const N: usize>(
    watches: [Watch<'_>; N],
    limit: Option<Duration>,
) -> io::Result<[Ready; N]> {
    let end = limit.map(|limit| Instant::now() + limit);
    let mut set = watches.map(|watch| {
        let also = if watch.write {
            PollFlags::POLLOUT
        } else {
            PollFlags::empty()
        };
        PollFd::new(watch.descriptor, PollFlags::POLLIN | also)
    });
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.map_or(PollTimeout::NONE, |left| {
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut set, timeout) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::{send_some, socket_pair};
    use std::os::fd::AsFd;

    #[test]
    fn the_ready_one_of_several_is_told_and_none_after_the_limit() {
        let ((one, other), (third, _fourth)) = (socket_pair().unwrap(), socket_pair().unwrap());
        let watch = |descriptor| Watch {
            descriptor,
            write: false,
        };
        let watches = || [watch(one.as_fd()), watch(third.as_fd())];
        let limit = Some(Duration::from_millis(20));
        let none = [Ready::default(); 2];
        assert_eq!(wait_for_any(watches(), limit).unwrap(), none);
        send_some(other.as_fd(), b"x").unwrap();
        let ready = wait_for_any(watches(), None).unwrap();
        assert_eq!(ready.map(|ready| ready.read), [true, false]);
    }

    #[test]
    fn bytes_and_an_end_are_seen_and_nothing_is_waited_for_in_vain() {
        let (one, other) = socket_pair().unwrap();
        let limit = Duration::from_millis(20);
        assert!(!readable_within(one.as_fd(), limit).unwrap());
        send_some(other.as_fd(), b"x").unwrap();
        assert!(readable_within(one.as_fd(), Duration::from_secs(9)).unwrap());
        drop(one);
        assert!(readable_within(other.as_fd(), Duration::from_secs(9)).unwrap());
    }
}
