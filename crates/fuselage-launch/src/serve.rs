//! The library's way in: the plan comes on descriptor 3, and so does an error go back; the
//! descriptor that execve(2) closes says that the command has started.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fuselage_linux::{descriptors, process};
use fuselage_plan::{Answer, ErrorReport, HEADER_LENGTH, frame_length, write_frame};

use crate::error::LaunchError;
use crate::{FAILURE, execute, report};

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
        Ok(Answer::Plan { plan, .. }) => execute::execute(&plan, words, process::environment()),
        Ok(_) => LaunchError::PlanInvalid {
            why: "what came is no plan".to_owned(),
        },
        Err(error) => LaunchError::PlanInvalid {
            why: error.to_string(),
        },
    }
}

/// Reads one frame from a socket that waits.
pub(crate) fn receive_frame(socket: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut header = [0; HEADER_LENGTH];
    receive_exactly(socket, &mut header)?;
    let length = frame_length(header).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    receive_exactly(socket, &mut bytes)?;
    Ok(bytes)
}

fn receive_exactly(socket: BorrowedFd<'_>, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match descriptors::receive_some(socket, bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = &mut bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends `payload` as one frame.
pub(crate) fn send_frame(socket: BorrowedFd<'_>, payload: &[u8]) -> io::Result<()> {
    let frame = write_frame(payload).map_err(io::Error::other)?;
    let mut rest = frame.as_slice();
    while !rest.is_empty() {
        match descriptors::send_some(socket, rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn send(socket: &OwnedFd, error: ErrorReport) -> io::Result<()> {
    let payload = serde_json::to_vec(&Answer::Error { error })?;
    send_frame(socket.as_fd(), &payload)
}
