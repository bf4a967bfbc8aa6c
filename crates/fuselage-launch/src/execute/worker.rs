//! A forked process that has no privilege and no name in the command: it gets work, answers once,
//! and is ended without a trace.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use fuselage_linux::poll::readable_within;
use fuselage_linux::process::{self, ExitKind, Forked, Pid, Signal};
use fuselage_linux::signals::{self, ChildSignal};
use fuselage_linux::{capabilities, descriptors};

use crate::frames::{receive_frame, send_frame};

/// What became of the work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// Its answer.
    Answer(Vec<u8>),
    /// It ended before it answered.
    Died(ExitKind),
    /// It was ended, since it was stuck.
    Stuck,
}

/// Runs `work` in a child without capabilities that can gain no privileges and ends when this
/// process does, and returns the bytes it returned.
///
/// Every `interval` it asks `is_stuck`, with the processor time that the child has taken so far.
pub(crate) fn run(
    work: impl FnOnce() -> Vec<u8>,
    interval: Duration,
    is_stuck: impl FnMut(Duration) -> bool,
) -> io::Result<Worked> {
    let (ours, theirs) = descriptors::socket_pair()?;
    let parent = process::own_pid();
    let children = ChildSignal::begin();
    let child = match process::fork() {
        Ok(Forked::Parent(child)) => child,
        Ok(Forked::Child) => {
            let confined = process::follow_parent(parent, Signal::SIGKILL)
                .and_then(|()| process::no_new_privileges())
                .and_then(|()| capabilities::give_up());
            drop(ours);
            signals::fail_at_file_size_limit();
            if confined.is_ok() {
                let answer = work();
                if send_frame(theirs.as_fd(), &answer).is_ok() {
                    // Alive until the parent has stopped listening for its end: so it leaves
                    // neither a signal nor a line in the parent's getrusage(2).
                    let _ = descriptors::receive_some(theirs.as_fd(), &mut [0]);
                }
            }
            process::exit_now(1)
        }
        Err(error) => {
            children.restore();
            return Err(error);
        }
    };
    drop(theirs);
    let worked = match wait_for_answer(ours.as_fd(), child, interval, is_stuck) {
        Some(Ok(answer)) => {
            children.ignore();
            process::end_untraced(child);
            Ok(Worked::Answer(answer))
        }
        Some(Err(_)) => process::wait_for(child).map(Worked::Died),
        None => {
            process::send_signal(child, Signal::SIGKILL);
            process::wait_for(child).map(|_| Worked::Stuck)
        }
    };
    children.restore();
    worked
}

/// The answer or why there is none; `None`: the child is stuck.
fn wait_for_answer(
    socket: BorrowedFd<'_>,
    child: Pid,
    interval: Duration,
    mut is_stuck: impl FnMut(Duration) -> bool,
) -> Option<io::Result<Vec<u8>>> {
    while let Ok(false) = readable_within(socket, interval) {
        // One that is gone is seen by the socket.
        if process::processor_time(child).is_ok_and(&mut is_stuck) {
            return None;
        }
    }
    Some(receive_frame(socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::watchdog::Watchdog;
    use fuselage_linux::shared_notes::SharedNotes;

    const OFTEN: Duration = Duration::from_millis(10);

    fn compute(time: Duration) {
        let end = process::processor_time(process::own_pid()).unwrap() + time;
        while process::processor_time(process::own_pid()).unwrap() < end {
            std::hint::spin_loop();
        }
    }

    fn watched(allowance: Duration, work: impl FnOnce(&SharedNotes)) -> (Worked, Vec<Vec<u8>>) {
        let notes = SharedNotes::new().unwrap();
        let mut watchdog = Watchdog::new(allowance);
        let work = || {
            work(&notes);
            b"done".to_vec()
        };
        let worked = run(work, OFTEN, |used| watchdog.is_stuck(notes.read(), used)).unwrap();
        (worked, notes.read())
    }

    #[test]
    fn one_that_computes_without_progress_is_ended_and_its_note_is_left() {
        let (worked, notes) = watched(Duration::from_millis(100), |notes| {
            notes.note(b"the entry");
            loop {
                std::hint::spin_loop();
            }
        });
        assert_eq!(
            (worked, notes),
            (Worked::Stuck, vec![b"the entry".to_vec()])
        );
    }

    #[test]
    fn one_that_gets_on_or_waits_is_not() {
        let (worked, _) = watched(Duration::from_millis(100), |notes| {
            for round in 0..6_u8 {
                notes.note(&[b'0' + round]);
                compute(Duration::from_millis(40));
            }
            std::thread::sleep(Duration::from_millis(300));
        });
        assert_eq!(worked, Worked::Answer(b"done".to_vec()));
    }

    #[test]
    fn one_that_dies_is_told_from_one_that_ends() {
        let died = |work: fn()| watched(Duration::from_secs(9), |_| work()).0;
        let kill = || process::send_signal(process::own_pid(), Signal::SIGKILL);
        assert_eq!(
            died(kill),
            Worked::Died(ExitKind::Signaled(Signal::SIGKILL))
        );
        assert_eq!(
            died(|| process::exit_now(3)),
            Worked::Died(ExitKind::Exited(3))
        );
    }
}
