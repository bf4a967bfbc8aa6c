//! The library's way in: the plan comes on descriptor 3, and so does an error go back; the
//! descriptor that execve(2) closes says that the command has started.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use fuselage_linux::{descriptors, process};
use fuselage_plan::{Answer, ErrorReport};

use crate::error::LaunchError;
use crate::frames::{receive_frame, send_frame};
use crate::out_of_memory::Listener;
use crate::{FAILURE, execute, out_of_memory, report};

/// Executes the plan that is sent; returns the exit status of a failure.
pub(crate) fn serve(words: &[CString]) -> i32 {
    let socket = match descriptors::take_passed() {
        Ok(socket) => socket,
        Err(error) => {
            let error = LaunchError::system("use descriptor 3, which the library passes", error);
            report::print(&error.into_report());
            return FAILURE;
        }
    };
    out_of_memory::tell(Listener::Library);
    descriptors::hold_closed_standard();
    let report = follow(&socket, words).into_report();
    let status = i32::from(report.exit_code);
    if send(&socket, report.clone()).is_err() {
        report::print(&report);
    }
    status
}

fn follow(socket: &OwnedFd, words: &[CString]) -> LaunchError {
    let bytes = match receive_frame(socket.as_fd()) {
        Ok(bytes) => bytes,
        Err(error) => return LaunchError::system("read the plan from descriptor 3", error),
    };
    match serde_json::from_slice(&bytes) {
        Ok(Answer::Plan { plan, .. }) => {
            execute::execute(&plan, words, process::environment(), None)
        }
        Ok(_) => LaunchError::PlanInvalid {
            why: "what came is no plan".to_owned(),
        },
        Err(error) => LaunchError::PlanInvalid {
            why: error.to_string(),
        },
    }
}

fn send(socket: &OwnedFd, error: ErrorReport) -> io::Result<()> {
    let payload = serde_json::to_vec(&Answer::Error { error })?;
    send_frame(socket.as_fd(), &payload)
}
