//! The question out, one answer in, signals in between.

use std::io;
use std::os::fd::AsFd;

use fuselage_linux::descriptors;
use fuselage_linux::poll::{Watch, wait_for_any};
use fuselage_plan::{HEADER_LENGTH, frame_length};

use crate::ask::interruption::Interruption;
use crate::ask::node_process::Node;

/// Bytes that are taken from the socket at once.
const CHUNK: usize = 65536;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The payload of a whole frame.
    Frame(Vec<u8>),
    /// The other side closed before that; whether it had begun.
    Ended { partial: bool },
    /// A signal came, and the other side takes too long to end of it.
    Stuck,
}

/// Sends the frame `question` and reads one frame, and passes signals on meanwhile.
pub(crate) fn converse(
    node: &Node,
    question: &[u8],
    interruption: &mut Interruption<'_>,
) -> io::Result<Heard> {
    let socket = node.socket.as_fd();
    let mut unsent = question;
    let mut received = Vec::new();
    // Not on the stack, whose limit is the caller's.
    let mut chunk = vec![0; CHUNK];
    loop {
        let answer = Watch {
            descriptor: socket,
            write: !unsent.is_empty(),
        };
        let watches = [answer, interruption.watch()];
        let [ready, _] = wait_for_any(watches, interruption.time_left())?;
        interruption.pass_on(node.pid);
        if interruption.is_over() {
            return Ok(Heard::Stuck);
        }
        if ready.write && !unsent.is_empty() {
            match descriptors::send_some(socket, unsent) {
                Ok(count) => unsent = &unsent[count..],
                Err(error) if waits(&error) => {}
                // It has stopped reading; it may have answered all the same (`unsuitable`).
                Err(error) if is_gone(&error) => unsent = &[],
                Err(error) => return Err(error),
            }
        }
        if ready.read {
            match descriptors::receive_some(socket, &mut chunk) {
                Ok(0) => {
                    return Ok(Heard::Ended {
                        partial: !received.is_empty(),
                    });
                }
                Ok(count) => received.extend_from_slice(&chunk[..count]),
                Err(error) if waits(&error) => {}
                // Ended with some of the question unread.
                Err(error) if is_gone(&error) => {
                    return Ok(Heard::Ended {
                        partial: !received.is_empty(),
                    });
                }
                Err(error) => return Err(error),
            }
            if let Some(payload) = whole_frame(&received)? {
                return Ok(Heard::Frame(payload));
            }
        }
    }
}

fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Whether the other side is closed.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

fn whole_frame(received: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let Some((header, rest)) = received.split_first_chunk::<HEADER_LENGTH>() else {
        return Ok(None);
    };
    let length = frame_length(*header).map_err(io::Error::other)?;
    Ok(rest.get(..length).map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_once_it_is_whole() {
        assert_eq!(whole_frame(b"\x02\0\0").unwrap(), None);
        assert_eq!(whole_frame(b"\x02\0\0\0a").unwrap(), None);
        assert_eq!(whole_frame(b"\x02\0\0\0abc").unwrap(), Some(b"ab".to_vec()));
        assert!(whole_frame(b"\xff\xff\xff\xff").is_err());
    }
}
