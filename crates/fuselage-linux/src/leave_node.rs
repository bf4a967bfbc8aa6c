//! What node has changed in its process and the next program must not inherit.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Sets the signals that node ignores in every process, SIGPIPE and SIGXFSZ, to their default; for a
/// node that is about to execute a program. The signal mask is the caller's still.
///
/// Which signals the caller of node ignored is not known any more, nor is its soft `RLIMIT_NOFILE`,
/// nor which of its descriptors from 3 on it meant to pass: node has made all of them
/// close-on-exec.
pub fn leave_node() {
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
