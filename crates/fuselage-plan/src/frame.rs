//! Frames: a length of four bytes, little endian, and that many bytes.

use thiserror::Error;

/// Bytes of the length before each frame.
pub const HEADER_LENGTH: usize = 4;

/// The longest frame that is accepted: above the longest argv and environment that Linux takes
/// (`MAX_ARG_STRINGS` aside, a quarter of the stack limit and at most 6 MiB, execve(2)), which the
/// base64 of words that are not UTF-8 makes a third longer.
pub const FRAME_LIMIT: usize = 64 << 20;

/// A frame that cannot be one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a frame of {length} bytes is longer than {FRAME_LIMIT}")]
pub struct FrameError {
    /// The length it claims, in bytes.
    pub length: usize,
}

/// Reads the length of the frame behind `header`.
///
/// # Errors
/// The length is above [`FRAME_LIMIT`].
pub fn frame_length(header: [u8; HEADER_LENGTH]) -> Result<usize, FrameError> {
    let length = u32::from_le_bytes(header) as usize;
    if length > FRAME_LIMIT {
        Err(FrameError { length })
    } else {
        Ok(length)
    }
}

/// Puts the length before `payload`.
///
/// # Errors
/// The payload is longer than [`FRAME_LIMIT`].
pub fn write_frame(payload: &[u8]) -> Result<Vec<u8>, FrameError> {
    let length = payload.len();
    let header = u32::try_from(length)
        .ok()
        .filter(|_| length <= FRAME_LIMIT)
        .ok_or(FrameError { length })?
        .to_le_bytes();
    let mut frame = Vec::with_capacity(HEADER_LENGTH + length);
    frame.extend_from_slice(&header);
    frame.extend_from_slice(payload);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_its_length_before_it() {
        assert_eq!(write_frame(b"abc").unwrap(), b"\x03\0\0\0abc");
        assert_eq!(frame_length(*b"\x03\0\0\0"), Ok(3));
    }

    #[test]
    fn a_length_above_the_limit_is_refused() {
        let header = u32::MAX.to_le_bytes();
        assert_eq!(
            frame_length(header),
            Err(FrameError {
                length: u32::MAX as usize
            })
        );
    }
}
