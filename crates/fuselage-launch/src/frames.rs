//! Whole frames over a socket that waits.

use std::io;
use std::os::fd::BorrowedFd;

use fuselage_linux::descriptors;
use fuselage_plan::{HEADER_LENGTH, frame_length, write_frame};

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
