//! A forked process that has no privilege and no name in the command: it gets work, answers once,
//! and is ended without a trace.

use std::io;
use std::os::fd::AsFd;

use fuselage_linux::process::{self, ExitKind, Forked, Signal};
use fuselage_linux::signals::{self, ChildSignal};
use fuselage_linux::{capabilities, descriptors};

use crate::serve::{receive_frame, send_frame};

/// What became of the work.
pub(crate) enum Worked {
    /// Its answer.
    Answer(Vec<u8>),
    /// It ended before it answered.
    Died(ExitKind),
}

/// Runs `work` in a child without capabilities that can gain no privileges and ends when this
/// process does, and returns the bytes it returned.
pub(crate) fn run(work: impl FnOnce() -> Vec<u8>) -> io::Result<Worked> {
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
    let worked = match receive_frame(ours.as_fd()) {
        Ok(answer) => {
            children.ignore();
            process::end_untraced(child);
            Ok(Worked::Answer(answer))
        }
        Err(_) => process::wait_for(child).map(Worked::Died),
    };
    children.restore();
    worked
}
