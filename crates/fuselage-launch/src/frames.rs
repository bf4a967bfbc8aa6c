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

/// A frame that comes piece by piece from somebody who is not trusted.
pub(crate) struct Incoming {
    /// The most bytes that it may have behind its header.
    limit: usize,
    bytes: Vec<u8>,
}

impl Incoming {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: Vec::new(),
        }
    }

    /// Whether some of it has come.
    pub(crate) fn has_begun(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Takes what has come of it, without waiting; the frame, if that was the rest.
    ///
    /// # Errors
    /// `WouldBlock`: nothing has come. `InvalidData`: it is too long. `UnexpectedEof`, and what
    /// recv(2) says: the other side is gone.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
        const PIECE: usize = 4096;
        let mut piece = [0; PIECE];
        let wanted = self.missing()?.min(PIECE);
        match descriptors::receive_ready(socket, &mut piece[..wanted]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => self.bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok((self.missing()? == 0).then(|| self.bytes.split_off(HEADER_LENGTH)))
    }

    /// Bytes of the header that are missing, or else of the whole.
    fn missing(&self) -> io::Result<usize> {
        let Some(header) = self.bytes.first_chunk::<HEADER_LENGTH>() else {
            return Ok(HEADER_LENGTH - self.bytes.len());
        };
        match frame_length(*header) {
            Ok(length) if length <= self.limit => Ok(HEADER_LENGTH + length - self.bytes.len()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn received(sent: &[&[u8]], limit: usize) -> io::Result<Option<Vec<u8>>> {
        let (ours, theirs) = descriptors::socket_pair().unwrap();
        let mut frame = Incoming::new(limit);
        let mut whole = None;
        for piece in sent {
            descriptors::send_some(theirs.as_fd(), piece).unwrap();
            whole = frame.receive(ours.as_fd())?;
            assert!(frame.has_begun());
        }
        Ok(whole)
    }

    #[test]
    fn a_frame_may_come_in_pieces() {
        let whole = Some(b"abc".to_vec());
        assert_eq!(
            received(&[b"\x03\0", b"\0\0", b"a", b"bc"], 3).unwrap(),
            whole
        );
        assert_eq!(received(&[b"\x03\0\0\0", b"abc"], 3).unwrap(), whole);
        assert_eq!(received(&[b"\0\0\0\0"], 3).unwrap(), Some(Vec::new()));
        assert_eq!(received(&[b"\x03\0\0\0", b"ab"], 3).unwrap(), None);
    }

    #[test]
    fn nothing_is_waited_for() {
        let (ours, _theirs) = descriptors::socket_pair().unwrap();
        let nothing = Incoming::new(3).receive(ours.as_fd()).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn one_that_would_be_too_long_is_refused_by_its_header() {
        for header in [b"\x04\0\0\0", b"\xff\xff\xff\xff"] {
            let refused = received(&[header], 3).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        }
    }
}
