//! A throw-away child that tries something and says in five bytes how it went.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, pipe2, read, write};

use super::step::{Failure, Step};
use crate::process::{Forked, ends_within, exit_now, follow_parent, fork, own_pid, send_signal};

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All of it worked.
    Done,
    /// A step was refused.
    Failed(Failure),
    /// The child ended without an answer: a filter kills for a forbidden call (`SECCOMP_RET_KILL`).
    Died,
    /// There was no answer in time.
    TimedOut,
    /// There was no child.
    NotStarted(io::Error),
}

/// What may run in the child: it must keep to signal-safety(7), so it allocates nothing, since
/// other threads of the parent may have held any lock when the child was made.
pub(super) type Attempt = fn() -> Result<(), Failure>;

/// Runs `attempt` in a child that is killed after `limit`.
pub(super) fn run(attempt: Attempt, limit: Duration) -> Outcome {
    start(attempt).map_or_else(Outcome::NotStarted, |(child, reader)| {
        let outcome = answer(&reader, limit);
        reap(child);
        outcome
    })
}

fn start(attempt: Attempt) -> io::Result<(Pid, OwnedFd)> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // A handler of the parent's that ran in the child would speak for the parent, as libuv's does
    // through a pipe that both have.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let parent = own_pid();
    let child = match fork() {
        Ok(Forked::Child) => {
            // Else this would be a reader too, and never see that the parent has ended.
            drop(reader);
            try_and_tell(parent, &writer, attempt)
        }
        Ok(Forked::Parent(child)) => Ok(child),
        Err(error) => Err(error),
    };
    before.thread_set_mask()?;
    Ok((child?, reader))
}

/// The child. It stays until the parent has ended it, or has ended itself: where children are reaped
/// by the kernel, the number of one that ends by itself could be another's by then.
fn try_and_tell(parent: Pid, writer: &OwnedFd, attempt: Attempt) -> ! {
    // An attempt may hang.
    if follow_parent(parent, Signal::SIGKILL).is_ok() {
        let _ = write(writer, &encode(attempt()));
        let gone = PollFd::new(writer.as_fd(), PollFlags::empty());
        let _ = poll(&mut [gone], PollTimeout::NONE);
    }
    exit_now(0)
}

const LENGTH: usize = 5;

fn encode(result: Result<(), Failure>) -> [u8; LENGTH] {
    let mut bytes = [u8::MAX, 0, 0, 0, 0];
    if let Err(failure) = result {
        bytes[0] = failure.step.number();
        bytes[1..].copy_from_slice(&(failure.errno as i32).to_le_bytes());
    }
    bytes
}

fn decode(bytes: [u8; LENGTH]) -> Outcome {
    let [number, errno @ ..] = bytes;
    if number == u8::MAX {
        return Outcome::Done;
    }
    let errno = Errno::from_raw(i32::from_le_bytes(errno));
    Step::of_number(number).map_or(Outcome::Died, |step| {
        Outcome::Failed(Failure { step, errno })
    })
}

fn answer(reader: &OwnedFd, limit: Duration) -> Outcome {
    let until = Instant::now() + limit;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(
            &mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)],
            timeout,
        ) {
            Ok(0) if left.is_zero() => return Outcome::TimedOut,
            Ok(0) | Err(Errno::EINTR) => {}
            _ => break,
        }
    }
    let mut bytes = [0; LENGTH];
    match read(reader, &mut bytes) {
        Ok(LENGTH) => decode(bytes),
        // Five bytes through a pipe come whole or, when the child died, not at all.
        _ => Outcome::Died,
    }
}

/// The child has answered, died, or is late: nothing of it is wanted any more. One that is stuck in
/// the kernel is left as it is after a second.
fn reap(child: Pid) {
    send_signal(child, Signal::SIGKILL);
    let _ = ends_within(child, Duration::from_secs(1));
}

#[cfg(test)]
mod tests {
    use nix::sys::wait::waitpid;

    use super::*;
    use crate::namespaces::NamespaceStep;
    use crate::process::{ExitKind, wait_for};

    const LIMIT: Duration = Duration::from_secs(5);

    #[test]
    fn what_the_child_says_arrives() {
        assert!(matches!(run(|| Ok(()), LIMIT), Outcome::Done));
        for step in Step::ALL {
            let sent = encode(Err(Failure {
                step,
                errno: Errno::ENOTTY,
            }));
            let Outcome::Failed(failure) = decode(sent) else {
                panic!("{step:?}")
            };
            assert_eq!((failure.step, failure.errno), (step, Errno::ENOTTY));
        }
        let step = Step::Namespace(NamespaceStep::UidMap);
        let failed = || {
            Err(Failure {
                step: Step::Namespace(NamespaceStep::UidMap),
                errno: Errno::EPERM,
            })
        };
        let Outcome::Failed(failure) = run(failed, LIMIT) else {
            panic!()
        };
        assert_eq!((failure.step, failure.errno), (step, Errno::EPERM));
    }

    #[test]
    fn a_child_that_dies_or_hangs_does_not_stop_the_parent() {
        assert!(matches!(run(|| exit_now(3), LIMIT), Outcome::Died));
        let before = Instant::now();
        let hang = || loop {
            std::thread::sleep(Duration::from_secs(9));
        };
        assert!(matches!(
            run(hang, Duration::from_millis(50)),
            Outcome::TimedOut
        ));
        assert!(before.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn no_child_is_left() {
        // In a process that has no other children: tests may run side by side in one.
        match fork().unwrap() {
            Forked::Child => {
                let hang = || loop {
                    std::thread::sleep(Duration::from_secs(9));
                };
                run(hang, Duration::from_millis(50));
                run(|| exit_now(3), LIMIT);
                let left = waitpid(Pid::from_raw(-1), None);
                exit_now(i32::from(left != Err(Errno::ECHILD)))
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }

    #[test]
    fn none_outlives_its_parent() {
        let [answered, hanging]: [Attempt; 2] = [
            || Ok(()),
            || loop {
                std::thread::sleep(Duration::from_secs(9));
            },
        ];
        for attempt in [answered, hanging] {
            // The child of the child has the writer, too.
            let (reader, writer) = pipe2(OFlag::O_CLOEXEC).unwrap();
            match fork().unwrap() {
                Forked::Child => {
                    let begun = start(attempt);
                    exit_now(i32::from(begun.is_err()))
                }
                Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
            }
            drop(writer);
            let closed = &mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(closed, 10_000_u16), Ok(1), "it is there still");
        }
    }

    #[test]
    fn signals_of_the_parent_stay_as_they_were() {
        let before = SigSet::thread_get_mask().unwrap();
        run(|| Ok(()), LIMIT);
        assert_eq!(SigSet::thread_get_mask().unwrap(), before);
    }

    #[test]
    fn it_works_beside_other_threads_that_allocate() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::black_box(vec![0_u8; 4096]);
                    }
                });
            }
            for _ in 0..100 {
                assert!(matches!(run(|| Ok(()), LIMIT), Outcome::Done));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
