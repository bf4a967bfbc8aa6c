//! The one printer of errors.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use fuselage_linux::{descriptors, signals};
use fuselage_plan::ErrorReport;

/// Prints `error` to standard error; a closed one is no reason to die of SIGPIPE.
pub(crate) fn print(error: &ErrorReport) {
    print_text(&text(error));
}

/// Prints `text` to standard error.
pub(crate) fn print_text(text: &str) {
    signals::without_sigpipe(|| {
        // Nobody is left to be told that standard error is closed.
        let _ = descriptors::write_all(descriptors::standard_error(), text.as_bytes());
    });
}

pub(crate) fn text(error: &ErrorReport) -> String {
    let (message, code) = (printable(&error.message), printable(&error.code));
    let mut text = format!("fuselage: {message} [{code}]\n");
    for cause in &error.causes {
        let _ = writeln!(text, "  cause: {}", printable(cause));
    }
    for hint in &error.hints {
        let _ = writeln!(text, "  fix: {}", printable(hint));
    }
    text
}

/// Names out of archives must not reach a terminal as control sequences, nor change what is read:
/// control characters, line ends, and what reorders text or is not seen are written as escapes.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() || INVISIBLE.iter().any(|range| range.contains(&char)) {
            printable.extend(char.escape_default());
        } else {
            printable.push(char);
        }
    }
    printable
}

/// Line ends beside the control characters, and characters of the category Cf that show nothing
/// (UnicodeData.txt) but the two joiners, which words and emoji are spelt with. `src/printable.ts`
/// has the same.
const INVISIBLE: [RangeInclusive<char>; 9] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e007f}',
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as in error-text.test.ts.
    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let error = ErrorReport {
            code: "ERR_INTERNAL".into(),
            message: "cannot open the archive a\u{1b}[2J\nb".into(),
            hints: vec!["close it: \u{9d}\u{202e}".into()],
            causes: vec!["it is \0 open".into()],
            exit_code: 125,
        };
        assert_eq!(
            text(&error),
            "fuselage: cannot open the archive a\\u{1b}[2J\\nb [ERR_INTERNAL]\n  cause: it is \\u{0} \
             open\n  fix: close it: \\u{9d}\\u{202e}\n"
        );
    }

    #[test]
    fn a_code_is_written_out_as_well() {
        let error = ErrorReport {
            code: "ERR_\u{1b}[2J".into(),
            message: "m".into(),
            hints: vec![],
            causes: vec![],
            exit_code: 125,
        };
        assert_eq!(text(&error), "fuselage: m [ERR_\\u{1b}[2J]\n");
    }

    #[test]
    fn names_neither_end_lines_nor_turn_them_around() {
        let hostile = "a\u{202e}b\u{2028}c\u{9b}d\ne\u{7f}\u{feff}\u{e0041}";
        assert_eq!(
            printable(hostile),
            "a\\u{202e}b\\u{2028}c\\u{9b}d\\ne\\u{7f}\\u{feff}\\u{e0041}"
        );
        let plain = "grün\u{301} \u{1f469}\u{200d}\u{1f4bb} می\u{200c}خواهم 文 \\ '";
        assert_eq!(printable(plain), plain);
    }
}
