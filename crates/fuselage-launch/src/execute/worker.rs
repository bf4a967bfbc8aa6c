//! A forked process that has no privilege and no name in the command: it answers questions, and is
//! ended without a trace. What it answers is not trusted: it may have been taken over by what it
//! reads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use fuselage_linux::confinement::confine;
use fuselage_linux::poll::readable_within;
use fuselage_linux::process::{self, ExitKind, Forked, Pid, Signal};
use fuselage_linux::signals::{self, ChildSignal};
use fuselage_linux::{descriptors, local_time};

use crate::frames::{Incoming, receive_frame, send_frame};

/// The most bytes of an answer. The longest is an error, with a path or two in it.
const ANSWER_LIMIT: usize = 1 << 20;
/// How long an answer may take from its first byte to its last. It is sent in one go, so that only
/// a machine that hardly gets on at all comes near it.
#[cfg(not(test))]
const ANSWER_TIME: Duration = Duration::from_secs(30);
#[cfg(test)]
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// How long a process may take to end after its descriptors were closed, which is the last that the
/// kernel does before.
const END_TIME: Duration = Duration::from_secs(5);

const UNENDED: &str = "it began an answer and did not end it";

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// Its answer.
    Answer(Vec<u8>),
    /// The worker ended before it answered.
    Died(ExitKind),
    /// It was ended, since it was stuck.
    Stuck,
    /// It was ended, since what it sent is no answer; why not.
    Broken(&'static str),
}

/// What a worker keeps of this process's descriptors.
pub(crate) struct Kept<'a> {
    /// The directory that it may reach files below.
    pub(crate) root: BorrowedFd<'a>,
    /// The files that it reads or writes.
    pub(crate) files: Vec<BorrowedFd<'a>>,
}

/// A confined child that ends when this process does. It is ended without a trace when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    socket: OwnedFd,
    /// `None`: it has ended, and was waited for.
    child: Option<Pid>,
    /// What is done with SIGCHLD while there are workers.
    children: Rc<ChildSignal>,
}

impl Worker {
    /// Starts one, in which `answer` is asked each question; `children` are all workers. It may use no descriptors but those
    /// that are `kept`, and the calls that [`confine`] leaves.
    pub(crate) fn start(
        children: &Rc<ChildSignal>,
        kept: &Kept<'_>,
        answer: impl FnMut(&[u8]) -> Vec<u8>,
    ) -> io::Result<Self> {
        let (ours, theirs) = descriptors::socket_pair()?;
        let parent = process::own_pid();
        match process::fork()? {
            Forked::Parent(child) => Ok(Self {
                socket: ours,
                child: Some(child),
                children: Rc::clone(children),
            }),
            Forked::Child => {
                // Closed with all others, and not by its owner.
                std::mem::forget(ours);
                work(parent, theirs.as_fd(), kept, answer);
                process::exit_now(1)
            }
        }
    }

    /// Asks it. Every `interval` it looks, with the processor time that the child has taken so far,
    /// whether it is stuck.
    pub(crate) fn ask(
        &mut self,
        question: &[u8],
        interval: Duration,
        is_stuck: impl FnMut(Duration) -> bool,
    ) -> io::Result<Worked> {
        let Some(child) = self.child else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let worked = match send_frame(self.socket.as_fd(), question) {
            Ok(()) => receive_answer(self.socket.as_fd(), child, interval, is_stuck),
            Err(_) => Received::Gone,
        };
        let worked = match worked {
            Received::Answer(answer) => return Ok(Worked::Answer(answer)),
            Received::Stuck => Worked::Stuck,
            Received::Broken(why) => Worked::Broken(why),
            Received::Gone => match process::ends_within(child, END_TIME) {
                Ok(Some(how)) => {
                    self.child = None;
                    return Ok(Worked::Died(how));
                }
                Ok(None) => Worked::Broken("it closed the socket, and went on"),
                // It has ended while another one was, see [`ChildSignal::end_untraced`].
                Err(_) => {
                    self.child = None;
                    return Ok(Worked::Broken("it has ended, and nobody saw how"));
                }
            },
        };
        process::send_signal(child, Signal::SIGKILL);
        self.child = None;
        process::wait_for(child).map(|_| worked)
    }
}

/// The child, until the parent ends it: so it leaves neither a signal nor a line in the parent's
/// getrusage(2).
fn work(
    parent: Pid,
    socket: BorrowedFd<'_>,
    kept: &Kept<'_>,
    mut answer: impl FnMut(&[u8]) -> Vec<u8>,
) {
    local_time::keep_zone();
    signals::fail_at_file_size_limit();
    let descriptors: Vec<BorrowedFd<'_>> = kept.files.iter().copied().chain([socket]).collect();
    if confine(parent, kept.root, &descriptors).is_err() {
        return;
    }
    while let Ok(question) = receive_frame(socket) {
        if send_frame(socket, &answer(&question)).is_err() {
            break;
        }
    }
}

/// What came of an answer.
enum Received {
    Answer(Vec<u8>),
    Stuck,
    Broken(&'static str),
    /// The other side of the socket is closed.
    Gone,
}

fn receive_answer(
    socket: BorrowedFd<'_>,
    child: Pid,
    interval: Duration,
    mut is_stuck: impl FnMut(Duration) -> bool,
) -> Received {
    let mut answer = Incoming::new(ANSWER_LIMIT);
    let mut begin = None;
    loop {
        match readable_within(socket, interval) {
            Ok(true) => match answer.receive(socket) {
                Ok(Some(answer)) => return Received::Answer(answer),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Received::Broken("its answer is longer than 1 MiB");
                }
                Err(_) => return Received::Gone,
            },
            Ok(false) => {
                // One that is gone is seen by the socket.
                if process::processor_time(child).is_ok_and(&mut is_stuck) {
                    return Received::Stuck;
                }
            }
            Err(_) => return Received::Gone,
        }
        if answer.has_begun() && begin.get_or_insert_with(Instant::now).elapsed() > ANSWER_TIME {
            return Received::Broken(UNENDED);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.children.end_untraced(child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::watchdog::Watchdog;
    use fuselage_linux::shared_notes::SharedNotes;

    const OFTEN: Duration = Duration::from_millis(10);

    fn compute(time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }

    fn start(answer: impl FnMut(&[u8]) -> Vec<u8>) -> Worker {
        let root = std::fs::File::open("/proc/self").unwrap();
        let kept = Kept {
            root: root.as_fd(),
            files: Vec::new(),
        };
        Worker::start(&Rc::new(ChildSignal::begin()), &kept, answer).unwrap()
    }

    fn watched(allowance: Duration, work: impl FnOnce(&SharedNotes)) -> (Worked, Vec<Vec<u8>>) {
        let notes = SharedNotes::new().unwrap();
        let mut watchdog = Watchdog::new(allowance);
        let mut work = Some(work);
        let mut worker = start(|question| {
            if let Some(work) = work.take() {
                work(&notes);
            }
            question.to_vec()
        });
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
        assert_eq!(
            died(|| std::process::abort()),
            Worked::Died(ExitKind::Signaled(Signal::SIGABRT))
        );
        assert_eq!(
            died(|| process::exit_now(3)),
            Worked::Died(ExitKind::Exited(3))
        );
    }

    #[test]
    fn one_that_does_what_no_reader_does_is_told_apart() {
        let (worked, notes) = watched(Duration::from_secs(9), |notes| {
            notes.note(b"the entry");
            // Before it could do anything else with it.
            let _ = descriptors::socket_pair();
        });
        assert_eq!(
            (worked, notes),
            (
                Worked::Died(ExitKind::Signaled(Signal::SIGSYS)),
                vec![b"the entry".to_vec()]
            )
        );
    }

    #[test]
    fn it_answers_until_it_is_ended_and_a_dead_one_no_more() {
        let mut count = 0;
        let mut worker = start(|question| {
            count += 1;
            if question.is_empty() {
                process::exit_now(4);
            }
            [question, &[count]].concat()
        });
        let mut ask = |question: &[u8]| worker.ask(question, Duration::from_secs(9), |_| false);
        for count in 1..4 {
            assert_eq!(ask(b"a").unwrap(), Worked::Answer(vec![b'a', count]));
        }
        let died = Worked::Died(ExitKind::Exited(4));
        assert_eq!(ask(b"").unwrap(), died);
        assert!(ask(b"a").is_err());
    }

    /// Makes the file that it is asked for below its root.
    fn maker(children: &Rc<ChildSignal>, root: &std::path::Path) -> Worker {
        let root = std::fs::File::open(root).unwrap();
        let kept = Kept {
            root: root.as_fd(),
            files: Vec::new(),
        };
        let make = |path: &[u8]| {
            let path = std::str::from_utf8(path).unwrap_or_default();
            vec![std::fs::File::create(path).is_ok().into()]
        };
        Worker::start(children, &kept, make).unwrap()
    }

    #[test]
    fn each_of_several_reaches_its_own_directory_and_is_ended_alone() {
        let place = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| place.path().join(name));
        let children = Rc::new(ChildSignal::begin());
        let mut workers = [&a, &b].map(|root| {
            std::fs::create_dir(root).unwrap();
            maker(&children, root)
        });
        drop(children);
        let others = b.join("of a");
        for path in ["of a", "../b/of a", others.to_str().unwrap()] {
            let answer = workers[0].ask(path.as_bytes(), OFTEN, |_| false).unwrap();
            let expected = path == "of a";
            assert_eq!(answer, Worked::Answer(vec![expected.into()]), "{path}");
        }
        let [first, mut second] = workers;
        drop(first);
        let answer = second.ask(b"of b", OFTEN, |_| false).unwrap();
        assert_eq!(answer, Worked::Answer(vec![1]));
        process::send_signal(second.child.unwrap(), Signal::SIGTERM);
        let answer = second.ask(b"of b", OFTEN, |_| false).unwrap();
        assert_eq!(answer, Worked::Died(ExitKind::Signaled(Signal::SIGTERM)));
        let names = |path: &std::path::Path| {
            let entries = std::fs::read_dir(path).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            (names(&a), names(&b)),
            (vec!["of a".into()], vec!["of b".into()])
        );
    }

    /// A child that does with its side of the socket what `act` does, and then waits for ever.
    fn hostile(act: impl FnOnce(OwnedFd)) -> Worker {
        let (socket, theirs) = descriptors::socket_pair().unwrap();
        let children = Rc::new(ChildSignal::begin());
        match process::fork().unwrap() {
            Forked::Parent(child) => Worker {
                socket,
                child: Some(child),
                children,
            },
            Forked::Child => {
                drop(socket);
                act(theirs);
                loop {
                    std::thread::sleep(Duration::from_secs(9));
                }
            }
        }
    }

    fn answered(act: impl FnOnce(OwnedFd)) -> Worked {
        let mut worker = hostile(act);
        let worked = worker.ask(b"", OFTEN, |_| false).unwrap();
        if !matches!(worked, Worked::Answer(_)) {
            assert!(worker.ask(b"", OFTEN, |_| false).is_err(), "it is gone");
        }
        worked
    }

    #[test]
    fn an_answer_is_limited_and_so_is_the_time_that_it_takes() {
        let send = |bytes: &'static [u8]| {
            move |socket: OwnedFd| {
                descriptors::send_some(socket.as_fd(), bytes).unwrap();
                // Open until the end.
                std::mem::forget(socket);
            }
        };
        assert_eq!(
            answered(send(b"\x02\0\0\0ab")),
            Worked::Answer(b"ab".to_vec()),
            "the twin"
        );
        let too_long = answered(send(b"\x01\0\x10\0"));
        assert_eq!(too_long, Worked::Broken("its answer is longer than 1 MiB"));
        for half in [&b"\x02"[..], b"\x02\0\0\0", b"\x02\0\0\0a"] {
            assert_eq!(answered(send(half)), Worked::Broken(UNENDED));
        }
    }

    #[test]
    fn one_that_sends_a_byte_now_and_then_is_ended_too() {
        let trickle = |socket: OwnedFd| {
            for byte in b"\xff\xff".iter().chain(std::iter::repeat(&0)) {
                let _ = descriptors::send_some(socket.as_fd(), &[*byte]);
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        assert_eq!(answered(trickle), Worked::Broken(UNENDED));
    }

    #[test]
    fn one_that_closes_the_socket_and_stays_is_ended() {
        assert_eq!(
            answered(drop),
            Worked::Broken("it closed the socket, and went on")
        );
    }
}
