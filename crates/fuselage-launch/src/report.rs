//! The one printer of errors.

use std::fmt::Write as _;

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

fn text(error: &ErrorReport) -> String {
    let mut text = format!("fuselage: {} [{}]\n", printable(&error.message), error.code);
    for cause in &error.causes {
        let _ = writeln!(text, "  cause: {}", printable(cause));
    }
    for hint in &error.hints {
        let _ = writeln!(text, "  fix: {}", printable(hint));
    }
    text
}

/// Names out of archives must not reach a terminal as control sequences.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|char| {
            let escaped = char.is_control().then(|| char.escape_default());
            let plain = escaped.is_none().then_some(char);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as in error-text.test.ts.
    #[test]
    fn an_error_says_what_why_and_what_to_do() {
        let error = ErrorReport {
            code: "ERR_INTERNAL".into(),
            message: "cannot open the archive a\u{1b}[2J\nb".into(),
            hints: vec!["close it: \u{9d}".into()],
            causes: vec!["it is \0 open".into()],
            exit_code: 125,
        };
        assert_eq!(
            text(&error),
            "fuselage: cannot open the archive a\\u{1b}[2J\\nb [ERR_INTERNAL]\n  cause: it is \\u{0} \
             open\n  fix: close it: \\u{9d}\n"
        );
    }
}
