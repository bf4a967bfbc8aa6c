//! A process that goes on by itself: nobody's child, of no session and no terminal, with nothing of
//! the caller's open.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, setsid};

use crate::process::{Forked, exit_now, fork};
use crate::signals::{set_default, with_untraced_children};
use crate::{descriptors, open};

/// Whether a process that is left alone would become this one's child: it is the first of its pid
/// namespace, or a subreaper (prctl(2)).
pub fn adopts_orphans() -> bool {
    nix::unistd::getpid() == Pid::from_raw(1)
        // Where it cannot be told, nothing is started.
        || nix::sys::prctl::get_child_subreaper().unwrap_or(true)
}

/// Runs `body` in a process of its own, which has the descriptors `kept` alone, /dev/null as standard
/// input, output and error, and `/` as its working directory; does not wait for it. No signal of it
/// arrives here, and nothing of it is in `RUSAGE_CHILDREN`.
///
/// For a process with one thread. Not for one that [`adopts_orphans`].
///
/// # Errors
/// What fork(2) says.
pub fn detach(kept: &[BorrowedFd<'_>], body: impl FnOnce()) -> io::Result<()> {
    with_untraced_children(|| match fork()? {
        Forked::Parent(middle) => {
            // The kernel reaps it, and then there is no such child.
            while let Ok(_) | Err(Errno::EINTR) = waitpid(middle, None) {}
            Ok(())
        }
        Forked::Child => match fork() {
            Ok(Forked::Child) => {
                let alone = leave_all(kept);
                if alone.is_ok() {
                    body();
                }
                exit_now(i32::from(alone.is_err()))
            }
            Ok(Forked::Parent(_)) => exit_now(0),
            Err(_) => exit_now(1),
        },
    })
}

fn leave_all(kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    setsid()?;
    chdir(c"/")?;
    set_default(Signal::SIGCHLD);
    let nothing = open::open_nothing()?;
    let nothing = descriptors::move_up(nothing)?;
    for number in 0..3 {
        descriptors::install(nothing.as_fd(), number)?;
    }
    drop(nothing);
    descriptors::close_from(3, kept)
}
