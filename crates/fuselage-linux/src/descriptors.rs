//! File descriptors: the caller's that must arrive unchanged, and ours that must not.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::sys::stat::Mode;

/// Where a descriptor of ours is reached by calls that want a path (proc(5)).
pub fn proc_path(descriptor: impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_fd().as_raw_fd()))
}

/// Holds the numbers 0, 1 and 2 that the caller left closed, so that nothing we open gets one of
/// them; close-on-exec, so that they are closed again in the command.
///
/// Returns which of them were closed. Without `/` to open nothing is held.
pub fn hold_closed_standard() -> [bool; 3] {
    let mut closed = [false; 3];
    for (number, slot) in closed.iter_mut().enumerate() {
        if is_open(number as RawFd) {
            continue;
        }
        *slot = true;
        // The lowest free number is the one that was found closed: the lower ones are held.
        if let Ok(held) = open("/", OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()) {
            std::mem::forget(held);
        }
    }
    closed
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: F_GETFD touches no memory and works for any number.
    unsafe { libc::fcntl(number, libc::F_GETFD) >= 0 }
}

/// The status flags of descriptors 0, 1 and 2 (`F_GETFL`), which belong to the open description
/// that is shared with the caller and everybody else who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandardFlags([Option<i32>; 3]);

impl StandardFlags {
    /// As they are now.
    pub fn read() -> Self {
        Self([0, 1, 2].map(|number| {
            // SAFETY: F_GETFL touches no memory and works for any number.
            let flags = unsafe { libc::fcntl(number, libc::F_GETFL) };
            (flags >= 0).then_some(flags)
        }))
    }

    /// Gives those back that have changed since.
    pub fn restore(self) {
        let now = Self::read();
        for (number, (before, after)) in self.0.into_iter().zip(now.0).enumerate() {
            if let (Some(flags), Some(other)) = (before, after)
                && flags != other
            {
                // SAFETY: F_SETFL touches no memory. It cannot fail for flags the file had.
                unsafe { libc::fcntl(number as RawFd, libc::F_SETFL, flags) };
            }
        }
    }
}

/// Closes every descriptor from `first` on but those `kept`: `close_range(2)` (5.9), else what
/// `/proc/self/fd` lists.
///
/// For a forked child that executes a program next or ends without returning: a descriptor that
/// some value still owns must not be used, nor that value be dropped, afterwards.
///
/// # Errors
/// `ENOSYS`: an old kernel and no /proc.
pub fn close_from(first: RawFd, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut kept: Vec<RawFd> = kept.iter().map(AsRawFd::as_raw_fd).collect();
    kept.sort_unstable();
    let begins = std::iter::once(first).chain(kept.iter().map(|number| first.max(number + 1)));
    let ends = kept.iter().map(|number| number - 1).chain([RawFd::MAX]);
    if begins.zip(ends).all(|(begin, end)| close_range(begin, end)) {
        return Ok(());
    }
    // What /proc says of itself, ENOENT, would be taken for that of what is to be executed.
    let open = std::fs::read_dir("/proc/self/fd").map_err(|_| Errno::ENOSYS)?;
    let numbers: Vec<RawFd> = open
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number >= first && !kept.contains(number))
        .collect();
    numbers.into_iter().for_each(close_number);
    Ok(())
}

/// Whether the kernel knows close_range(2); an empty range is closed.
fn close_range(first: RawFd, last: RawFd) -> bool {
    if first > last {
        return true;
    }
    // SAFETY: closes descriptors only; that no owner uses them later is demanded of the caller.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first as libc::c_uint,
            last as libc::c_uint,
            0,
        ) == 0
    }
}

/// Makes `descriptor` the number `number` and keeps it over execve(2) (dup2(2)).
///
/// For a forked child just before it executes a program: whoever owned `number` loses it.
///
/// # Errors
/// What dup2(2) says.
pub fn install(descriptor: BorrowedFd<'_>, number: RawFd) -> io::Result<()> {
    if descriptor.as_raw_fd() == number {
        fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
        return Ok(());
    }
    // SAFETY: replaces a descriptor number; that its owner does not use it is demanded above.
    let result = unsafe { libc::dup2(descriptor.as_raw_fd(), number) };
    Errno::result(result).map(drop).map_err(io::Error::from)
}

/// The same file under a number of 10 or above, out of the way of [`install`].
///
/// # Errors
/// `EMFILE`.
pub fn move_up(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    rustix::io::fcntl_dupfd_cloexec(descriptor, 10).map_err(|errno| match errno {
        // The limit allows no such number at all (F_DUPFD in fcntl(2)).
        rustix::io::Errno::INVAL => Errno::EMFILE.into(),
        errno => errno.into(),
    })
}

/// Whether descriptor 2 is a terminal.
pub fn standard_error_is_terminal() -> bool {
    rustix::termios::isatty(standard_error())
}

/// How many columns the terminal has that descriptor 2 is; `None`: it is none, or another job has
/// it, whose output must not be mixed with ours.
pub fn own_terminal_columns() -> Option<usize> {
    /// What a terminal that does not know has.
    const USUAL: usize = 80;
    let columns = rustix::termios::tcgetwinsize(standard_error()).ok()?.ws_col;
    let foreground = rustix::termios::tcgetpgrp(standard_error());
    // A terminal that does not control us has no job of ours.
    if foreground.is_ok_and(|group| group != rustix::process::getpgrp()) {
        return None;
    }
    Some(match columns {
        0 => USUAL,
        columns => columns.into(),
    })
}

/// Closes the descriptor `number`, which the caller of this process may have passed.
pub fn close_number(number: RawFd) {
    // SAFETY: for a forked child just before it executes a program, as with `install`.
    unsafe { libc::close(number) };
}

/// Takes over descriptor 3, which the parent passed on purpose, and makes it close-on-exec.
///
/// # Errors
/// `EBADF`: there is none. Called a second time: the same, since it has an owner then.
pub fn take_passed() -> io::Result<OwnedFd> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if !is_open(3) || TAKEN.swap(true, Ordering::Relaxed) {
        return Err(Errno::EBADF.into());
    }
    // SAFETY: it is open, and the flag above lets only one owner be made. The launcher calls this
    // before it opens anything, so no other value owns the number.
    let descriptor = unsafe { OwnedFd::from_raw_fd(3) };
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(descriptor)
}

/// Descriptor 3, which [`take_passed`] took over, for the end of the process.
pub fn passed() -> BorrowedFd<'static> {
    // SAFETY: only the number is used; where nobody holds it any more, calls give EBADF, or reach
    // another file of this process, which ends.
    unsafe { BorrowedFd::borrow_raw(3) }
}

/// Two connected stream sockets, close-on-exec.
///
/// # Errors
/// `EMFILE`, `ENFILE`: no descriptors left.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::Unix,
        SockType::Stream,
        None,
        SockFlag::SOCK_CLOEXEC,
    )?)
}

/// Lets reads and writes return `WouldBlock` in place of waiting.
///
/// # Errors
/// What fcntl(2) says.
pub fn set_nonblocking(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    fcntl(descriptor, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// send(2), without SIGPIPE when the other side is gone.
///
/// # Errors
/// `EPIPE`, `ECONNRESET`: it is gone. `WouldBlock`.
pub fn send_some(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?)
}

/// recv(2); zero bytes: the other side has closed.
///
/// # Errors
/// `ECONNRESET`, which is an end too. `WouldBlock`.
pub fn receive_some(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket.as_raw_fd(), bytes, MsgFlags::empty())?)
}

/// The same without ever waiting, of a socket that waits; what poll(2) calls readable may have
/// nothing to receive, bytes out of band for example.
///
/// # Errors
/// `WouldBlock`: nothing has come; and as [`receive_some`].
pub fn receive_ready(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT)?)
}

/// Writes all of it, waiting where the descriptor is non-blocking (poll(2)).
///
/// # Errors
/// What write(2) says; `EPIPE` for a closed pipe when SIGPIPE is ignored or blocked.
pub fn write_all(descriptor: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    while !bytes.is_empty() {
        match nix::unistd::write(descriptor, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let _ = poll(
                    &mut [PollFd::new(descriptor, PollFlags::POLLOUT)],
                    PollTimeout::NONE,
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The caller's standard error, which may be closed.
pub fn standard_error() -> BorrowedFd<'static> {
    // SAFETY: number 2 is never closed by us but in a child about to execute a program; where the
    // caller left it closed, `hold_closed_standard` holds it or calls give EBADF.
    unsafe { BorrowedFd::borrow_raw(2) }
}

/// The caller's standard output, which may be closed.
pub fn standard_output() -> BorrowedFd<'static> {
    // SAFETY: as for `standard_error`.
    unsafe { BorrowedFd::borrow_raw(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{ExitKind, Forked, exit_now, fork, wait_for};

    /// Runs `body` in a forked child and asserts that it returned true there.
    fn in_child(body: impl FnOnce() -> bool) {
        match fork().unwrap() {
            Forked::Child => exit_now(if body() { 0 } else { 1 }),
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }

    #[test]
    fn closed_standard_descriptors_are_held_and_open_ones_are_not_touched() {
        in_child(|| {
            close_number(0);
            close_number(2);
            let closed = hold_closed_standard();
            closed == [true, false, true] && is_open(0) && is_open(2)
        });
    }

    #[test]
    fn close_from_leaves_the_lower_ones() {
        in_child(|| {
            let Ok(Ok((one, other))) = socket_pair()
                .map(|(one, other)| move_up(one).and_then(|one| Ok((one, move_up(other)?))))
            else {
                return false;
            };
            let (kept, closed) = (one.as_raw_fd(), other.as_raw_fd());
            let done = close_from(3, &[one.as_fd()]).is_ok();
            std::mem::forget(other);
            done && is_open(2) && !is_open(3) && is_open(kept) && !is_open(closed)
        });
    }

    #[test]
    fn close_from_leaves_what_is_kept_in_any_order() {
        in_child(|| {
            let Ok(((one, other), (third, fourth))) =
                socket_pair().and_then(|pair| Ok((pair, socket_pair()?)))
            else {
                return false;
            };
            let kept = [fourth.as_fd(), one.as_fd(), third.as_fd()];
            let numbers = kept.map(|descriptor| descriptor.as_raw_fd());
            let closed = other.as_raw_fd();
            let done = close_from(3, &kept).is_ok();
            std::mem::forget(other);
            done && numbers.into_iter().all(is_open) && !is_open(closed) && is_open(2)
        });
    }

    #[test]
    fn changed_flags_are_given_back() {
        in_child(|| {
            let Ok((one, _other)) = socket_pair() else {
                return false;
            };
            if install(one.as_fd(), 1).is_err() {
                return false;
            }
            let before = StandardFlags::read();
            if set_nonblocking(standard_output()).is_err() || StandardFlags::read() == before {
                return false;
            }
            before.restore();
            StandardFlags::read() == before
        });
    }

    #[test]
    fn a_passed_descriptor_has_one_owner() {
        in_child(|| {
            let Ok((one, _other)) = socket_pair() else {
                return false;
            };
            let installed = install(one.as_fd(), 3).is_ok();
            // It may have the number 3 itself, which has a new owner below.
            std::mem::forget(one);
            installed && take_passed().is_ok() && take_passed().is_err()
        });
    }

    #[test]
    fn sending_to_a_closed_side_is_an_error_and_no_signal() {
        let (one, other) = socket_pair().unwrap();
        drop(other);
        assert_eq!(
            send_some(one.as_fd(), b"x").unwrap_err().raw_os_error(),
            Some(libc::EPIPE)
        );
    }
    #[test]
    fn what_is_ready_is_received_and_nothing_is_waited_for() {
        let (one, other) = socket_pair().unwrap();
        let receive = || receive_ready(one.as_fd(), &mut [0; 8]);
        let is_nothing = |received: io::Result<usize>| {
            received.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        assert!(is_nothing(receive()));
        send_some(other.as_fd(), b"abc").unwrap();
        assert_eq!(receive().unwrap(), 3, "the twin");
        match send(other.as_raw_fd(), b"x", MsgFlags::MSG_OOB) {
            // Before Linux 5.15.
            Err(Errno::EOPNOTSUPP) => {}
            sent => {
                sent.unwrap();
                let soon = std::time::Duration::from_secs(9);
                assert!(crate::poll::readable_within(one.as_fd(), soon).unwrap());
                assert!(is_nothing(receive()));
            }
        }
    }
}
