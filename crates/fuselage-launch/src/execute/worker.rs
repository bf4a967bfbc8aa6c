//! A forked process that has no privilege and no name in the command: it answers questions, and is
//! ended without a trace. What it answers is not trusted: it may have been taken over by what it
//! reads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use fuselage_linux::confinement::{ConfineError, ConfineStep, FilesBy, confine_files_by};
use fuselage_linux::poll::readable_within;
use fuselage_linux::process::{self, ExitKind, Forked, Pid, Signal};
use fuselage_linux::signals::{self, ChildSignal};
use fuselage_linux::{descriptors, local_time};

use crate::frames::{Incoming, receive_frame, send_frame};
use crate::out_of_memory::{self, Listener, OUT_OF_MEMORY};

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

/// How long to wait with a socket that is readable and has nothing, which no honest child makes it.
const PAUSE: Duration = Duration::from_millis(100);

const UNENDED: &str = "it began an answer and did not end it";

/// What became of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worked {
    /// Its answer.
    Answer(Vec<u8>),
    /// It has read nothing, since it could not be confined: the step, and the number of the
    /// system's error.
    Unconfined(ConfineStep, i32),
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
    /// What keeps other files from it.
    pub(crate) files_by: FilesBy,
}

/// A confined child that ends when this process does. It is ended without a trace when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    socket: OwnedFd,
    /// `None`: it has ended, and was waited for.
    child: Option<Pid>,
    /// It has said so: the first that it says.
    is_confined: bool,
    /// What is done with SIGCHLD while there are workers.
    children: Rc<ChildSignal>,
}

impl Worker {
    /// Starts one, in which `answer` is asked each question; `children` are all workers. It may use
    /// no descriptors but those that are `kept`, and the calls that [`confine`] leaves.
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
                is_confined: false,
                children: Rc::clone(children),
            }),
            Forked::Child => {
                // Closed with all others, and not by its owner.
                std::mem::forget(ours);
                let worked = work(parent, theirs.as_fd(), kept, answer);
                process::exit_now(match worked {
                    Err(error) if error.kind() == io::ErrorKind::OutOfMemory => OUT_OF_MEMORY,
                    _ => 1,
                })
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
        if !self.is_confined {
            // Sent before the question was read, so that no archive has had a hand in it.
            match receive_answer(socket, child, interval, &mut is_stuck) {
                Received::Answer(said) if said.is_empty() => self.is_confined = true,
                Received::Answer(said) => return self.end(unconfined(&said)),
                other => return self.ended(other, child),
            }
        }
        let received = match sent {
            Ok(()) => receive_answer(socket, child, interval, is_stuck),
            Err(error) => Received::without_socket(error),
        };
        self.ended(received, child)
    }

    /// What `received` means; but for an answer the child has ended then.
    fn ended(&mut self, received: Received, child: Pid) -> io::Result<Worked> {
        match received {
            Received::Answer(answer) => Ok(Worked::Answer(answer)),
            Received::Failed(error) => Err(error),
            Received::Stuck => self.end(Worked::Stuck),
            Received::Broken(why) => self.end(Worked::Broken(why)),
            Received::Gone => match process::ends_within(child, END_TIME) {
                Ok(Some(how)) => {
                    self.child = None;
                    Ok(Worked::Died(how))
                }
                Ok(None) => self.end(Worked::Broken("it closed the socket, and went on")),
                // It has ended while another one was, see [`ChildSignal::end_untraced`].
                Err(_) => {
                    self.child = None;
                    Ok(Worked::Broken("it has ended, and nobody saw how"))
                }
            },
        }
    }

    fn end(&mut self, worked: Worked) -> io::Result<Worked> {
        if let Some(child) = self.child.take() {
            process::send_signal(child, Signal::SIGKILL);
            process::wait_for(child)?;
        }
        Ok(worked)
    }
}

/// What a worker says first: nothing, or the number of the step that failed and the system's error.
fn readiness(confined: &Result<(), ConfineError>) -> Vec<u8> {
    let Err(error) = confined else {
        return Vec::new();
    };
    let number = error.source.raw_os_error().unwrap_or_default();
    let step = ConfineStep::ALL.iter().position(|step| *step == error.step);
    let step = step.unwrap_or_default() as u8;
    std::iter::once(step).chain(number.to_le_bytes()).collect()
}

fn unconfined(said: &[u8]) -> Worked {
    let step = said
        .first()
        .and_then(|step| ConfineStep::ALL.get(usize::from(*step)));
    match (step, said.last_chunk()) {
        (Some(step), Some(number)) => Worked::Unconfined(*step, i32::from_le_bytes(*number)),
        _ => Worked::Broken("it did not say whether it is confined"),
    }
}

/// The child, until the parent ends it: so it leaves neither a signal nor a line in the parent's
/// getrusage(2).
fn work(
    parent: Pid,
    socket: BorrowedFd<'_>,
    kept: &Kept<'_>,
    answer: impl FnMut(&[u8]) -> Vec<u8>,
) -> io::Result<()> {
    out_of_memory::tell(Listener::Launcher);
    local_time::keep_zone()?;
    signals::fail_at_file_size_limit();
    let descriptors: Vec<BorrowedFd<'_>> = kept.files.iter().copied().chain([socket]).collect();
    // The hook of the standard library would look for files, for a backtrace, and end this process
    // by SIGSYS: a fault of ours would look like an attack.
    std::panic::set_hook(Box::new(|_| std::process::abort()));
    let confined = confine_files_by(kept.files_by, parent, kept.root, &descriptors);
    send_frame(socket, &readiness(&confined))?;
    match confined {
        Ok(()) => answer_all(socket, answer),
        Err(_) => Ok(()),
    }
}

/// Until the other side is gone, which is an error.
fn answer_all(socket: BorrowedFd<'_>, mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
    loop {
        let question = receive_frame(socket)?;
        send_frame(socket, &answer(&question))?;
    }
}

/// What came of an answer.
enum Received {
    Answer(Vec<u8>),
    Stuck,
    Broken(&'static str),
    /// The other side of the socket is closed.
    Gone,
    /// This process cannot ask or wait. The child may go on.
    Failed(io::Error),
}

impl Received {
    /// What an error of the socket means.
    fn without_socket(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Gone,
            _ => Self::Failed(error),
        }
    }
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
        let readable = readable_within(socket, interval);
        let received = match readable {
            Ok(true) => answer.receive(socket),
            Ok(false) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => return Received::Failed(error),
        };
        match received {
            Ok(Some(answer)) => return Received::Answer(answer),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // One that is gone is seen by the socket.
                if process::processor_time(child).is_ok_and(&mut is_stuck) {
                    return Received::Stuck;
                }
                if matches!(readable, Ok(true)) {
                    std::thread::sleep(PAUSE.min(interval));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Received::Broken("its answer is longer than 1 MiB");
            }
            Err(error) => return Received::without_socket(error),
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
mod tests;
