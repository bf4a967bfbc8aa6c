//! Base64 text, decoded as the documentation says, in the plainest way.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

const BLANKS: [u8; 3] = *b" \t\r";

/// The bytes of `text`; `None`: it is no base64 text.
pub fn decoded_by_reference(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut joined = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = trimmed(line);
        if line.starts_with(b"#") {
            continue;
        }
        if line.iter().any(|byte| BLANKS.contains(byte)) {
            return None;
        }
        joined.extend_from_slice(line);
    }
    let length = joined
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    let (payload, padding) = joined.split_at(length);
    let fits = match payload.len() % 4 {
        0 => padding.is_empty(),
        2 => matches!(padding.len(), 0 | 2),
        3 => matches!(padding.len(), 0 | 1),
        _ => false,
    };
    if !fits {
        return None;
    }
    // A text that mixes the two alphabets is refused by either.
    match payload.iter().any(|byte| b"-_".contains(byte)) {
        true => URL_SAFE_NO_PAD.decode(payload).ok(),
        false => STANDARD_NO_PAD.decode(payload).ok(),
    }
}

fn trimmed(mut line: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = line
        && BLANKS.contains(first)
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && BLANKS.contains(last)
    {
        line = rest;
    }
    line
}
