//! Whether a text is base64 of an archive, as far as its beginning tells.

use crate::base64_text::Decoder;
use crate::detect::{Ends, archive};
use crate::format::Format;
use crate::looks_like::{Looks, looks_like};

/// What a base64 text is.
#[derive(Debug)]
pub(crate) enum Encoded {
    /// An archive, or something that only shows once all of it is decoded.
    Open {
        /// The format, where the beginning tells.
        format: Option<Format>,
        /// How long the image says that it is that the decoded bytes begin with.
        image_length: Option<u64>,
        /// In words.
        words: String,
    },
    /// Of something that is no archive.
    Refused(Looks),
}

/// Decoded bytes from which on a text that then has an error is taken for damaged base64, and not
/// for another text.
const CLEARLY: usize = 300;
/// Decoded bytes from which on a short text is called base64 of something.
const PLAUSIBLE: usize = 24;
/// The length of what is not decoded yet.
const UNKNOWN: u64 = u64::MAX;

/// Looks at the first bytes of a text of `length` bytes; `None`: it is not base64.
pub(crate) fn look(head: &[u8], length: u64) -> Option<Encoded> {
    let is_whole = head.len() as u64 >= length;
    let (mut decoder, mut bytes) = (Decoder::new(), Vec::new());
    let mut decoded = decoder.piece(head, &mut bytes);
    if is_whole {
        decoded = decoded.and_then(|()| decoder.finish(&mut bytes));
    }
    match decoded {
        Ok(()) if is_whole => of_whole(&bytes),
        Ok(()) => of_beginning(&bytes),
        // Decoding all of it will say where it is wrong.
        Err(_) => match known(&bytes) {
            None if bytes.len() < CLEARLY => None,
            known => Some(Encoded::Open {
                format: known.map(|(format, _)| format),
                image_length: None,
                words: "base64 text that is damaged".to_owned(),
            }),
        },
    }
}

fn of_whole(bytes: &[u8]) -> Option<Encoded> {
    // Memory can always be read.
    if let Ok(Some(found)) = archive(bytes, bytes) {
        return Some(Encoded::Open {
            format: found.format,
            image_length: found.image_length.filter(|_| found.offset == 0),
            words: format!("base64 text of {}", found.looks_like),
        });
    }
    let refused = || Encoded::Refused(looks_like(bytes, bytes).of_base64());
    (bytes.len() >= PLAUSIBLE).then(refused)
}

fn of_beginning(bytes: &[u8]) -> Option<Encoded> {
    if let Some((format, words)) = known(bytes) {
        return Some(Encoded::Open {
            format: Some(format),
            image_length: format.image_length(bytes),
            words: format!("base64 text of {words}"),
        });
    }
    let looks = looks_like(bytes, bytes);
    if !bytes.is_empty() && !looks.may_carry {
        return Some(Encoded::Refused(looks.of_base64()));
    }
    Some(Encoded::Open {
        format: None,
        image_length: None,
        words: "base64 text".to_owned(),
    })
}

fn known(bytes: &[u8]) -> Option<(Format, &'static str)> {
    Format::of(&Ends {
        head: bytes,
        tail: &[],
        length: UNKNOWN,
    })
}
