//! base64 text (RFC 4648), as tools write it and people keep it: lines of any width, `#` comment
//! lines and empty lines anywhere.
//!
//! One state machine takes byte after byte and knows line and column. Lines that are nothing but
//! whole groups of the alphabet, so nearly all, go through the block decoder of the `base64` crate;
//! whatever that refuses, the state machine decides.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memchr;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextError {
    /// From 1.
    pub(crate) line: u64,
    /// In bytes, from 1.
    pub(crate) column: u64,
    pub(crate) what: String,
}

/// Turns text into bytes, in pieces of any length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    /// The line and column of the next byte.
    line: u64,
    column: u64,
    place: Place,
    alphabet: Alphabet,
    /// The values of a group of four that has begun.
    group: [u8; 3],
    filled: usize,
    padding: usize,
    /// Bytes of a byte order mark that were seen.
    mark: usize,
}

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// Nothing but blanks before it.
    Start,
    Payload,
    /// Behind the payload of the line.
    Blanks,
    Comment,
}

/// The two alphabets differ in two characters; a text has one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Alphabet {
    /// None of those characters was seen yet.
    Either,
    /// `+` and `/`.
    Standard,
    /// `-` and `_` (RFC 4648, 5).
    UrlSafe,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const PART_OF_MARK: &str = "the text begins with a part of a byte order mark";

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            line: 1,
            column: 1,
            place: Place::Start,
            alphabet: Alphabet::Either,
            group: [0; 3],
            filled: 0,
            padding: 0,
            mark: 0,
        }
    }

    /// Decodes the next piece of the text; appends to `to`, also before an error.
    pub(crate) fn piece(&mut self, mut text: &[u8], to: &mut Vec<u8>) -> Result<(), TextError> {
        while let Some(first) = text.first() {
            let taken = if self.place == Place::Comment {
                self.comment(text)
            } else if self.is_between_groups() && is_payload(*first) {
                self.line(text, to)?
            } else {
                self.byte(*first, to)?;
                1
            };
            text = &text[taken..];
        }
        Ok(())
    }

    /// The text has ended. Padding may be missing.
    pub(crate) fn finish(&mut self, to: &mut Vec<u8>) -> Result<(), TextError> {
        if self.mark > 0 && self.mark < BYTE_ORDER_MARK.len() {
            return Err(self.error(PART_OF_MARK));
        }
        if self.filled == 1 || self.padding == 1 && self.filled + self.padding < 4 {
            return Err(
                self.error("the text ends within a group of four characters: it was cut off")
            );
        }
        if self.filled > 1 && self.padding == 0 {
            self.last_group(to)?;
        }
        Ok(())
    }

    fn is_between_groups(&self) -> bool {
        self.filled == 0
            && self.padding == 0
            && matches!(self.place, Place::Start | Place::Payload)
            && (self.mark == 0 || self.mark == BYTE_ORDER_MARK.len())
    }

    fn comment(&mut self, text: &[u8]) -> usize {
        match memchr(b'\n', text) {
            Some(end) => {
                self.next_line();
                end + 1
            }
            None => {
                self.column += text.len() as u64;
                text.len()
            }
        }
    }

    /// Takes the payload of a line as far as it is in `text`, which begins with it.
    fn line(&mut self, text: &[u8], to: &mut Vec<u8>) -> Result<usize, TextError> {
        let end = memchr(b'\n', text).unwrap_or(text.len());
        let payload = text[..end].trim_ascii_end();
        let whole = payload.len() - payload.len() % 4;
        if whole > 0 && self.block(&payload[..whole], to) {
            self.place = Place::Payload;
            self.column += whole as u64;
            return Ok(whole);
        }
        // All of it byte by byte: trying again behind each group would take the square of time.
        for byte in payload {
            self.byte(*byte, to)?;
        }
        Ok(payload.len())
    }

    /// Decodes whole groups at once; `false`, and nothing is changed, where that is not possible.
    fn block(&mut self, groups: &[u8], to: &mut Vec<u8>) -> bool {
        let before = to.len();
        to.resize(before + groups.len() / 4 * 3, 0);
        let decoded = match self.alphabet {
            Alphabet::UrlSafe => URL_SAFE_NO_PAD.decode_slice(groups, &mut to[before..]),
            _ => STANDARD_NO_PAD.decode_slice(groups, &mut to[before..]),
        };
        if decoded.is_err() {
            to.truncate(before);
            return false;
        }
        if self.alphabet == Alphabet::Either && memchr::memchr2(b'+', b'/', groups).is_some() {
            self.alphabet = Alphabet::Standard;
        }
        true
    }

    fn byte(&mut self, byte: u8, to: &mut Vec<u8>) -> Result<(), TextError> {
        if self.is_of_mark(byte)? {
            return Ok(());
        }
        match (byte, self.place) {
            (b'\n', _) => {
                self.next_line();
                return Ok(());
            }
            (_, Place::Comment) => {}
            (b' ' | b'\t' | b'\r', Place::Payload) => self.place = Place::Blanks,
            (b' ' | b'\t' | b'\r', _) => {}
            (b'#', Place::Start) => self.place = Place::Comment,
            (_, Place::Blanks) => return Err(self.error("there is a blank within the line")),
            (b'=', _) => {
                self.place = Place::Payload;
                self.pad(to)?;
            }
            _ => {
                self.place = Place::Payload;
                self.character(byte, to)?;
            }
        }
        self.column += 1;
        Ok(())
    }

    /// Whether `byte` belongs to a byte order mark at the beginning, which counts as no column.
    fn is_of_mark(&mut self, byte: u8) -> Result<bool, TextError> {
        if (self.line, self.column) != (1, 1) || self.place != Place::Start {
            return Ok(false);
        }
        let wanted = BYTE_ORDER_MARK.get(self.mark);
        if wanted == Some(&byte) {
            self.mark += 1;
            return Ok(true);
        }
        if self.mark == 0 || wanted.is_none() {
            return Ok(false);
        }
        Err(self.error(PART_OF_MARK))
    }

    fn character(&mut self, byte: u8, to: &mut Vec<u8>) -> Result<(), TextError> {
        let value = value(byte).ok_or_else(|| self.error(&no_character(byte)))?;
        if self.padding > 0 {
            return Err(self.error("there is something behind the padding (`=`), which is the end"));
        }
        match (byte, self.alphabet) {
            (b'+' | b'/', Alphabet::UrlSafe) | (b'-' | b'_', Alphabet::Standard) => {
                return Err(self.error("the text mixes the two alphabets of base64, `+/` and `-_`"));
            }
            (b'+' | b'/', _) => self.alphabet = Alphabet::Standard,
            (b'-' | b'_', _) => self.alphabet = Alphabet::UrlSafe,
            _ => {}
        }
        if let Some(place) = self.group.get_mut(self.filled) {
            *place = value;
            self.filled += 1;
            return Ok(());
        }
        let [a, b, c] = self.group;
        to.extend([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | value]);
        self.filled = 0;
        Ok(())
    }

    fn pad(&mut self, to: &mut Vec<u8>) -> Result<(), TextError> {
        if self.filled < 2 || self.filled + self.padding >= 4 {
            return Err(self.error("there is padding (`=`) where none belongs"));
        }
        self.padding += 1;
        if self.padding == 1 {
            self.last_group(to)?;
        }
        Ok(())
    }

    /// A group of two or three characters: one byte or two, and bits that must be zero.
    fn last_group(&self, to: &mut Vec<u8>) -> Result<(), TextError> {
        let [a, b, c] = self.group;
        let rest = if self.filled == 2 {
            to.push(a << 2 | b >> 4);
            b & 0xf
        } else {
            to.extend([a << 2 | b >> 4, b << 4 | c >> 2]);
            c & 3
        };
        if rest == 0 {
            return Ok(());
        }
        Err(self
            .error("the last group has more bits than bytes to put them in: it was changed or cut"))
    }

    fn next_line(&mut self) {
        self.line += 1;
        self.column = 1;
        self.place = Place::Start;
    }

    fn error(&self, what: &str) -> TextError {
        TextError {
            line: self.line,
            column: self.column,
            what: what.to_owned(),
        }
    }
}

/// Whether a line may go on, or begin, with `byte`, as far as one byte tells.
fn is_payload(byte: u8) -> bool {
    value(byte).is_some()
}

/// The six bits of a character, of either alphabet.
fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn no_character(byte: u8) -> String {
    let shown = byte.escape_ascii();
    format!("`{shown}` is no character of base64")
}

#[cfg(test)]
mod tests;
