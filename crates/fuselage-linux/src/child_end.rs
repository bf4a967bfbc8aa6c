//! The end of a child, to wait for beside something else.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;

use crate::poll::{Watch, wait_for_any};
use crate::process::Pid;

/// How often one looks for oneself, where the kernel does not tell.
const INTERVAL: Duration = Duration::from_millis(10);

/// A child whose end can be waited for, and what tells it: a descriptor that is readable then
/// (pidfd_open(2), Linux 5.3).
#[derive(Debug)]
pub struct ChildEnd {
    descriptor: Option<OwnedFd>,
}

impl ChildEnd {
    /// That of `child`, which has not been waited for.
    pub fn of(child: Pid) -> Self {
        Self {
            // Whatever the reason is: looking again and again does as well.
            descriptor: open(child).ok(),
        }
    }

    /// Waits until the child may have ended or `other` is ready, at most for `limit`; earlier than
    /// either where the kernel does not tell, so that the caller looks and waits again.
    ///
    /// # Errors
    /// What poll(2) says.
    pub fn wait_beside(&self, other: Watch<'_>, limit: Option<Duration>) -> io::Result<()> {
        match &self.descriptor {
            Some(descriptor) => {
                let end = Watch {
                    descriptor: descriptor.as_fd(),
                    write: false,
                };
                wait_for_any([end, other], limit).map(drop)
            }
            None => {
                let soon = limit.map_or(INTERVAL, |limit| limit.min(INTERVAL));
                wait_for_any([other], Some(soon)).map(drop)
            }
        }
    }
}

fn open(child: Pid) -> io::Result<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(child.as_raw()).ok_or(Errno::ESRCH)?;
    let flags = rustix::process::PidfdFlags::empty();
    Ok(rustix::process::pidfd_open(pid, flags)?)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::descriptors::{send_some, socket_pair};
    use crate::process::{Forked, Signal, exit_now, fork, has_ended, send_signal};

    fn sleeper() -> Pid {
        match fork().unwrap() {
            Forked::Child => {
                std::thread::sleep(Duration::from_secs(60));
                exit_now(0)
            }
            Forked::Parent(child) => child,
        }
    }

    #[test]
    fn the_end_and_the_other_are_noticed_both_ways() {
        for told in [true, false] {
            let child = sleeper();
            let mut end = ChildEnd::of(child);
            assert!(end.descriptor.is_some(), "this kernel is newer than 5.3");
            if !told {
                end.descriptor = None;
            }
            let (one, other) = socket_pair().unwrap();
            let watch = Watch {
                descriptor: one.as_fd(),
                write: false,
            };
            let before = Instant::now();
            end.wait_beside(watch, Some(Duration::from_millis(20)))
                .unwrap();
            assert!(before.elapsed() < Duration::from_secs(5));
            assert_eq!(has_ended(child).unwrap(), None, "the twin");
            send_some(other.as_fd(), b"x").unwrap();
            end.wait_beside(watch, None).unwrap();
            send_signal(child, Signal::SIGKILL);
            let (quiet, _other) = socket_pair().unwrap();
            let watch = Watch {
                descriptor: quiet.as_fd(),
                write: false,
            };
            while has_ended(child).unwrap().is_none() {
                end.wait_beside(watch, None).unwrap();
            }
        }
    }
}
