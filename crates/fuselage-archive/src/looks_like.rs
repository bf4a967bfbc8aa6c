//! What a file seems to be, in words, for somebody who gave the wrong one.

use crate::kinds::{BINARY, Kind, TEXT};
use crate::source::Positioned;

/// What a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    /// With an article.
    pub(crate) words: String,
    /// What to do about it.
    pub(crate) advice: Option<&'static str>,
    /// Whether an archive may follow what it begins with.
    pub(crate) may_carry: bool,
}

impl Looks {
    fn plain(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            advice: None,
            may_carry: false,
        }
    }

    fn advice(self, advice: &'static str) -> Self {
        Self {
            advice: Some(advice),
            ..self
        }
    }

    /// The same as base64 text.
    pub(crate) fn of_base64(self) -> Self {
        Self {
            words: format!("base64 text of {}", self.words),
            ..self
        }
    }
}

impl From<&Kind> for Looks {
    fn from(kind: &Kind) -> Self {
        Self {
            words: kind.name.to_owned(),
            advice: kind.advice,
            may_carry: kind.may_carry,
        }
    }
}

const EMPTY: &str = "make it or fetch it again: something went wrong";
const WIDE: &str = "save it in UTF-8, if it is base64 text";

/// Every advice that is ever given.
pub(crate) fn known_advice() -> impl Iterator<Item = &'static str> {
    let of_kinds = BINARY.iter().chain(TEXT).filter_map(|kind| kind.advice);
    of_kinds.chain([EMPTY, WIDE])
}

/// Names the kind of a file that begins with `head`.
pub(crate) fn looks_like<T: Positioned + ?Sized>(file: &T, head: &[u8]) -> Looks {
    if head.is_empty() {
        return Looks::plain("an empty file").advice(EMPTY);
    }
    if let Some(kind) = BINARY.iter().find(|kind| has(kind, file, head)) {
        return kind.into();
    }
    if head.iter().all(|byte| *byte == 0) {
        return Looks::plain("a file of zeros");
    }
    text(head).unwrap_or_else(|| Looks {
        may_carry: true,
        ..Looks::plain("a binary file of no kind that is known")
    })
}

fn has<T: Positioned + ?Sized>(kind: &Kind, file: &T, head: &[u8]) -> bool {
    let end = kind.at + kind.magic.len();
    if let Some(bytes) = head.get(kind.at..end) {
        return bytes == kind.magic;
    }
    // Beyond what was read; what cannot be read now has no kind.
    kind.at as u64 + kind.magic.len() as u64 <= file.length()
        && file
            .read_up_to(kind.magic.len(), kind.at as u64)
            .is_ok_and(|bytes| bytes == kind.magic)
}

fn text(head: &[u8]) -> Option<Looks> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if is_utf16(head) {
        return Some(Looks::plain("a text in UTF-16").advice(WIDE));
    }
    let begin = head.trim_ascii_start();
    let is = |kind: &&Kind| {
        begin
            .get(..kind.magic.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(kind.magic))
    };
    // A text may be cut within a character, and have one of ours behind it.
    let is_text = match std::str::from_utf8(head) {
        Ok(_) => !head.contains(&0),
        Err(error) => error.error_len().is_none() && !head.contains(&0),
    };
    let kind = TEXT.iter().find(is);
    match kind {
        Some(kind) if is_text || kind.may_carry => Some(kind.into()),
        _ => is_text.then(|| Looks::plain("a text")),
    }
}

/// With a byte order mark, or ASCII with a NUL byte beside each.
fn is_utf16(head: &[u8]) -> bool {
    let head = &head[..head.len().min(256)];
    let is_wide = |first: bool| {
        head.len() >= 8
            && head.chunks_exact(2).all(|pair| {
                let (zero, byte) = if first {
                    (pair[0], pair[1])
                } else {
                    (pair[1], pair[0])
                };
                zero == 0 && (byte.is_ascii_graphic() || byte.is_ascii_whitespace())
            })
    };
    head.starts_with(b"\xff\xfe")
        || head.starts_with(b"\xfe\xff")
        || is_wide(true)
        || is_wide(false)
}

#[cfg(test)]
mod tests;
