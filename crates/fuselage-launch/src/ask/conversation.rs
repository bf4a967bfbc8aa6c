//! The question out, one answer in, signals in between.

use std::io;
use std::os::fd::AsFd;

use fuselage_linux::descriptors;
use fuselage_linux::poll::{Watch, wait_for_either};
use fuselage_linux::process::{self, Signal};
use fuselage_linux::signals::{Arrival, Borrowed};
use fuselage_plan::{HEADER_LENGTH, frame_length};

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
}

/// Sends the frame `question` and reads one frame. A signal that comes is noted in `came` and
/// forwarded once where node did not get it from the terminal itself.
pub(crate) fn converse(
    node: &Node,
    question: &[u8],
    signals: &Borrowed,
    came: &mut Option<Signal>,
) -> io::Result<Heard> {
    let socket = node.socket.as_fd();
    let mut unsent = question;
    let mut received = Vec::new();
    // Not on the stack, whose limit is the caller's.
    let mut chunk = vec![0; CHUNK];
    loop {
        let [ready, signal] = wait_for_either([
            Watch {
                descriptor: socket,
                write: !unsent.is_empty(),
            },
            Watch {
                descriptor: signals.descriptor(),
                write: false,
            },
        ])?;
        if signal.read {
            while let Some(arrival) = signals.next() {
                came.get_or_insert(arrival.signal);
                if let Some(signal) = forwarded(arrival) {
                    process::send_signal(node.pid, signal);
                }
            }
        }
        if ready.write && !unsent.is_empty() {
            match descriptors::send_some(socket, unsent) {
                Ok(count) => unsent = &unsent[count..],
                Err(error) if waits(&error) => {}
                // It has stopped reading; it may have answered all the same (`unsuitable`).
                Err(_) => unsent = &[],
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
                Err(_) => {
                    return Ok(Heard::Ended {
                        partial: !received.is_empty(),
                    });
                }
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

/// Node opens its inspector on SIGUSR1 in place of ending, so it is told to end by another one.
fn forwarded(arrival: Arrival) -> Option<Signal> {
    match arrival {
        Arrival {
            from_terminal: true,
            ..
        } => None,
        Arrival {
            signal: Signal::SIGUSR1,
            ..
        } => Some(Signal::SIGTERM),
        Arrival { signal, .. } => Some(signal),
    }
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

    #[test]
    fn a_key_on_the_terminal_is_not_forwarded_and_usr1_ends_node() {
        let arrival = |signal, from_terminal| Arrival {
            signal,
            from_terminal,
        };
        assert_eq!(forwarded(arrival(Signal::SIGINT, true)), None);
        assert_eq!(
            forwarded(arrival(Signal::SIGINT, false)),
            Some(Signal::SIGINT)
        );
        assert_eq!(
            forwarded(arrival(Signal::SIGUSR1, false)),
            Some(Signal::SIGTERM)
        );
    }
}
