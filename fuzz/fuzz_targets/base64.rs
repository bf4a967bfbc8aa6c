//! Text that is decoded: all at once, in pieces, and by the reference give the same.
#![no_main]

use std::io::Read;

use fuselage_archive::decode_stream;
use fuselage_fuzz::base64_reference::decoded_by_reference;
use libfuzzer_sys::fuzz_target;

/// Hands out `piece` bytes at a time.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = self.piece.min(to.len());
        self.left.read(&mut to[..count])
    }
}

fn decoded(text: &[u8], piece: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut pieces = Pieces { left: text, piece };
    let count = decode_stream(&mut pieces, &mut bytes).ok()?;
    assert_eq!(count, bytes.len() as u64);
    Some(bytes)
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, text)) = input.split_first() else {
        return;
    };
    let whole = decoded(text, usize::MAX);
    assert_eq!(whole, decoded(text, usize::from(*piece).max(1)));
    assert_eq!(whole, decoded_by_reference(text));
});
