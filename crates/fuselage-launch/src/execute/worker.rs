//! A forked process that has no privilege and no name in the command: it answers questions, and is
//! ended without a trace.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use fuselage_linux::poll::readable_within;
use fuselage_linux::process::{self, ExitKind, Forked, Pid, Signal};
use fuselage_linux::signals::{self, ChildSignal};
use fuselage_linux::{capabilities, descriptors};

use crate::frames::{receive_frame, send_frame};

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// Its answer.
    Answer(Vec<u8>),
    /// The worker ended before it answered.
    Died(ExitKind),
    /// It was ended, since it was stuck.
    Stuck,
}

/// A child without capabilities that can gain no privileges and ends when this process does. It is
/// ended without a trace when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    socket: OwnedFd,
    /// `None`: it has ended, and was waited for.
    child: Option<Pid>,
    /// What is done with SIGCHLD while there is a child.
    children: Option<ChildSignal>,
}

impl Worker {
    /// Starts one, in which `answer` is asked each question.
    pub(crate) fn start(mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<Self> {
        let (ours, theirs) = descriptors::socket_pair()?;
        let parent = process::own_pid();
        let children = ChildSignal::begin();
        match process::fork() {
            Ok(Forked::Parent(child)) => Ok(Self {
                socket: ours,
                child: Some(child),
                children: Some(children),
            }),
            Ok(Forked::Child) => {
                let confined = process::follow_parent(parent, Signal::SIGKILL)
                    .and_then(|()| process::no_new_privileges())
                    .and_then(|()| capabilities::give_up());
                drop(ours);
                signals::fail_at_file_size_limit();
                if confined.is_ok() {
                    // Alive until the parent ends it: so it leaves neither a signal nor a line in
                    // the parent's getrusage(2).
                    while let Ok(question) = receive_frame(theirs.as_fd()) {
                        if send_frame(theirs.as_fd(), &answer(&question)).is_err() {
                            break;
                        }
                    }
                }
                process::exit_now(1)
            }
            Err(error) => {
                children.restore();
                Err(error)
            }
        }
    }

    /// Asks it. Every `interval` it looks, with the processor time that the child has taken so far,
    /// whether it is stuck.
    pub(crate) fn ask(
        &mut self,
        question: &[u8],
        interval: Duration,
        mut is_stuck: impl FnMut(Duration) -> bool,
    ) -> io::Result<Worked> {
        let Some(child) = self.child else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let socket = self.socket.as_fd();
        let sent = send_frame(socket, question);
        while sent.is_ok() && readable_within(socket, interval).is_ok_and(|ready| !ready) {
            // One that is gone is seen by the socket.
            if process::processor_time(child).is_ok_and(&mut is_stuck) {
                process::send_signal(child, Signal::SIGKILL);
                self.child = None;
                return process::wait_for(child).map(|_| Worked::Stuck);
            }
        }
        match sent.and_then(|()| receive_frame(socket)) {
            Ok(answer) => Ok(Worked::Answer(answer)),
            Err(_) => {
                self.child = None;
                process::wait_for(child).map(Worked::Died)
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(children) = self.children.take() else {
            return;
        };
        if let Some(child) = self.child.take() {
            children.ignore();
            process::end_untraced(child);
        }
        children.restore();
    }
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
        let mut work = Some(work);
        let mut worker = Worker::start(|question| {
            if let Some(work) = work.take() {
                work(&notes);
            }
            question.to_vec()
        })
        .unwrap();
        let worked = worker
            .ask(b"done", OFTEN, |used| watchdog.is_stuck(notes.read(), used))
            .unwrap();
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

    #[test]
    fn it_answers_until_it_is_ended_and_a_dead_one_no_more() {
        let mut count = 0;
        let mut worker = Worker::start(|question| {
            count += 1;
            if question.is_empty() {
                process::exit_now(4);
            }
            [question, &[count]].concat()
        })
        .unwrap();
        let mut ask = |question: &[u8]| worker.ask(question, Duration::from_secs(9), |_| false);
        for count in 1..4 {
            assert_eq!(ask(b"a").unwrap(), Worked::Answer(vec![b'a', count]));
        }
        let died = Worked::Died(ExitKind::Exited(4));
        assert_eq!(ask(b"").unwrap(), died);
        assert!(ask(b"a").is_err());
    }
}
