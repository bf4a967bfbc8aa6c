//! What node has changed in its process and the next program must not inherit.

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};

/// Lets the next program have descriptors 0, 1 and 2, which node has made close-on-exec, and sets
/// the signals that node ignores in every process, SIGPIPE and SIGXFSZ, to their default; for a
/// node that is about to execute a program. The signal mask is the caller's still.
///
/// Which signals the caller of node ignored is not known any more, nor is its soft `RLIMIT_NOFILE`,
/// nor which of its descriptors from 3 on were open: node has made them close-on-exec too (all
/// below the first unused number from 16 on, `uv_disable_stdio_inheritance`), and they cannot be
/// told from its own.
#[must_use]
pub fn leave_node() -> LeftNode {
    let flags = [0, 1, 2].map(|number| {
        // SAFETY: F_GETFD and F_SETFD touch no memory and work for any number.
        unsafe {
            let before = libc::fcntl(number, libc::F_GETFD);
            libc::fcntl(number, libc::F_SETFD, 0);
            before
        }
    });
    // SAFETY: SIG_DFL is no function: nothing of ours is ever called.
    let handlers = SIGNALS.map(|ignored| unsafe { signal(ignored, SigHandler::SigDfl) }.ok());
    LeftNode { flags, handlers }
}

const SIGNALS: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];

/// What [`leave_node`] has changed.
#[derive(Debug)]
pub struct LeftNode {
    flags: [libc::c_int; 3],
    handlers: [Option<SigHandler>; 2],
}

impl LeftNode {
    /// Gives node its process back, since there is no next program: without, a closed pipe would
    /// kill it.
    pub fn come_back(self) {
        for (number, flags) in (0..).zip(self.flags) {
            if flags >= 0 {
                // SAFETY: F_SETFD touches no memory and works for any number.
                unsafe { libc::fcntl(number, libc::F_SETFD, flags) };
            }
        }
        for (ignored, handler) in SIGNALS.into_iter().zip(self.handlers) {
            if let Some(handler) = handler {
                // SAFETY: this is the handler that was installed before.
                let _ = unsafe { signal(ignored, handler) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{ExitKind, Forked, exit_now, fork, wait_for};
    use crate::signals::is_ignored;

    #[test]
    fn the_next_program_has_the_standard_descriptors() {
        match fork().unwrap() {
            Forked::Child => {
                for number in 0..=2 {
                    // SAFETY: F_SETFD touches no memory and works for any number.
                    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
                }
                // SAFETY: neither does F_GETFD.
                let flags =
                    || [0, 1, 2].map(|number| unsafe { libc::fcntl(number, libc::F_GETFD) });
                let left = leave_node();
                let kept = flags() == [0; 3];
                left.come_back();
                exit_now(i32::from(!kept || flags() != [libc::FD_CLOEXEC; 3]))
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }

    #[test]
    fn a_signal_that_was_ignored_acts_again() {
        match fork().unwrap() {
            Forked::Child => {
                // SAFETY: SIG_IGN is no function.
                let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
                let before = is_ignored(Signal::SIGPIPE);
                let left = leave_node();
                let after = is_ignored(Signal::SIGPIPE);
                left.come_back();
                exit_now(i32::from(!before || after || !is_ignored(Signal::SIGPIPE)))
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }
}
