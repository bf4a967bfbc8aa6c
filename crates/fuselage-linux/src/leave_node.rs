//! What node has changed in its process and the next program must not inherit.

use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};

/// Lets the next program have descriptors 0, 1 and 2, which node has made close-on-exec, and sets
/// the signals that node ignores in every process, SIGPIPE and SIGXFSZ, to their default; for a node
/// that is about to execute a program. The signal mask is the caller's still.
///
/// Which signals the caller of node ignored is not known any more, nor is its soft `RLIMIT_NOFILE`,
/// nor which of its descriptors from 3 on were open: node has made them close-on-exec too (all below
/// the first unused number from 16 on, `uv_disable_stdio_inheritance`), and they cannot be told from
/// its own.
pub fn leave_node() {
    for number in 0..=2 {
        // SAFETY: F_SETFD touches no memory and works for any number.
        unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
    }
    for ignored in [Signal::SIGPIPE, Signal::SIGXFSZ] {
        // SAFETY: SIG_DFL is no function: nothing of ours is ever called.
        let _ = unsafe { signal(ignored, SigHandler::SigDfl) };
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
                leave_node();
                // SAFETY: neither does F_GETFD.
                let kept = (0..=2).all(|number| unsafe { libc::fcntl(number, libc::F_GETFD) } == 0);
                exit_now(i32::from(!kept))
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
                leave_node();
                let after = is_ignored(Signal::SIGPIPE);
                exit_now(i32::from(!before || after))
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }
}
