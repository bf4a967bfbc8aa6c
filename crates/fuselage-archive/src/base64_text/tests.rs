use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

/// Decodes `text` in pieces of `size` bytes; of one byte: by the state machine alone.
fn decode(text: &[u8], size: usize) -> Result<Vec<u8>, TextError> {
    let (mut decoder, mut bytes) = (Decoder::new(), Vec::new());
    for piece in text.chunks(size) {
        decoder.piece(piece, &mut bytes)?;
    }
    decoder.finish(&mut bytes)?;
    Ok(bytes)
}

#[track_caller]
fn accepted(text: &str, bytes: &[u8]) {
    for size in [1, 3, 1000] {
        assert_eq!(
            decode(text.as_bytes(), size).as_deref(),
            Ok(bytes),
            "{text:?} {size}"
        );
    }
}

#[track_caller]
fn refused(text: &[u8], line: u64, column: u64, word: &str) {
    for size in [1, 3, 1000] {
        let error = decode(text, size).expect_err("it is no base64 text");
        assert_eq!(
            (error.line, error.column),
            (line, column),
            "{error:?} {size}"
        );
        assert!(error.what.contains(word), "{error:?}");
    }
}

#[test]
fn what_tools_and_people_write_is_accepted() {
    for (text, bytes) in [
        ("", &b""[..]),
        ("QUJD", b"ABC"),
        ("QUI=", b"AB"),
        ("QQ==", b"A"),
        // Without padding.
        ("QUI", b"AB"),
        ("QQ", b"A"),
        // Any width, and groups over the ends of lines.
        ("Q\nU\nJ\nD\n", b"ABC"),
        ("QUJDR\nEVG\n", b"ABCDEF"),
        ("QQ\n==\n", b"A"),
        ("QQ=\n=", b"A"),
        // Line ends, blanks around the payload, empty lines.
        ("QUJD\r\nREVG\r\n", b"ABCDEF"),
        ("  QUJD\t \n\n \n\t\r\nREVG  ", b"ABCDEF"),
        // Comments, also within a group and behind the end.
        ("# a.zip\nQU\n#QUJD\n  # more ###\nJD\n#", b"ABC"),
        ("QQ==\n# end\n\n", b"A"),
        ("#!/usr/bin/env thing\nQUJD", b"ABC"),
        // A byte order mark, the alphabet for URLs.
        ("\u{feff}QUJD", b"ABC"),
        ("\u{feff}# a\nQUJD", b"ABC"),
        ("-_-_", b"\xfb\xff\xbf"),
        ("+/+/", b"\xfb\xff\xbf"),
    ] {
        accepted(text, bytes);
    }
}

#[test]
fn what_is_wrong_is_told_with_line_and_column() {
    for (text, line, column, word) in [
        (&b"QUJD\nQU*D\n"[..], 2, 3, "`*` is no character"),
        (b"# a\n\n  QUJ\xff", 3, 6, "`\\xff` is no character"),
        (b"\xef\xbb\xbfQ\0", 1, 2, "`\\x00` is no character"),
        (b"QU JD", 1, 4, "blank within the line"),
        (b"QUJD # comment", 1, 6, "blank within the line"),
        (b"QUJD#", 1, 5, "`#` is no character"),
        (b"QQ==QUJD", 1, 5, "behind the padding"),
        (b"QUI=\nQUJD", 2, 1, "behind the padding"),
        (b"QQ=U", 1, 4, "behind the padding"),
        (b"QQ===", 1, 5, "padding"),
        (b"QUI==", 1, 5, "padding"),
        (b"=", 1, 1, "padding"),
        (b"Q===", 1, 2, "padding"),
        (b"QUJD=", 1, 5, "padding"),
        (b"QUJDQ", 1, 6, "cut off"),
        (b"QUJD\nQQ=\n", 3, 1, "cut off"),
        (b"QR==", 1, 3, "more bits"),
        (b"QUJ", 1, 4, "more bits"),
        (b"QUJD+UJD\n-UJD", 2, 1, "two alphabets"),
        (b"-UJD/UJD", 1, 5, "two alphabets"),
        (b"\xef\xbbQUJD", 1, 1, "byte order mark"),
        (b"\xef", 1, 1, "byte order mark"),
        (b"QUJD\n\xef\xbb\xbfQUJD", 2, 1, "no character"),
    ] {
        refused(text, line, column, word);
    }
}

#[test]
fn lines_of_every_width_come_out_the_same() {
    let bytes: Vec<u8> = (0..2000u32).map(|n| ((n * n) >> 3) as u8).collect();
    for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
        for width in 1..100 {
            for end in ["\n", "\r\n", " \n# comment\n"] {
                let lines: Vec<&str> = text
                    .as_bytes()
                    .chunks(width)
                    .map(|line| std::str::from_utf8(line).unwrap())
                    .collect();
                let text = lines.join(end);
                assert!(
                    decode(text.as_bytes(), 700) == Ok(bytes.clone()),
                    "{width} {end:?}"
                );
            }
        }
    }
}

/// Bytes that a text is likely to have, and some that none has.
fn odd_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[A-Za-z0-9]{4,40}".prop_map(String::into_bytes),
        2 => "[A-Za-z0-9+/_-]{1,9}".prop_map(String::into_bytes),
        4 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\n# comment\n".to_vec()),
        1 => Just(b" ".to_vec()),
        1 => Just(b"=".to_vec()),
        1 => Just(b"\xef\xbb\xbf".to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_blocks_and_the_state_machine_agree(text in odd_text(), size in 2usize..200) {
        prop_assert_eq!(decode(&text, size), decode(&text, 1));
    }

    #[test]
    fn what_was_encoded_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1usize..200) {
        let text = STANDARD.encode(&bytes);
        prop_assert_eq!(decode(text.as_bytes(), size), Ok(bytes));
    }
}
