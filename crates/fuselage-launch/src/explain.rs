//! `--explain`: the plan's reasons, for people.

use std::fmt::Write as _;
use std::path::PathBuf;

use fuselage_plan::{Place, Reason};

use crate::report;

/// Prints each of `reasons`; `locate` says where a place is in this run.
pub(crate) fn print(reasons: &[Reason], locate: impl Fn(&Place) -> PathBuf) {
    report::print_text(&text(reasons, locate));
}

/// A line for each reason.
fn text(reasons: &[Reason], locate: impl Fn(&Place) -> PathBuf) -> String {
    let mut text = String::new();
    for reason in reasons {
        let mut line = format!("fuselage: {}: {}", reason.subject, reason.strategy);
        if let Some(place) = &reason.at {
            let _ = write!(line, " at {}", locate(place).display());
        }
        let _ = write!(line, " ({})", reason.why);
        text.push_str(&report::printable(&line));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuselage_plan::PlanPath;

    #[test]
    fn each_reason_is_one_line_with_its_place_in_this_run() {
        let reason = |at: Option<Place>, why: &str| Reason {
            subject: "static sdk".into(),
            strategy: "extracted".into(),
            why: why.into(),
            at,
        };
        let place = Place::Path(PlanPath::from("sdk"));
        let reasons = [
            reason(Some(place), "`a\n\u{1b}[2J.zip` is a zip archive"),
            reason(None, "nothing else"),
        ];
        let locate = |place: &Place| match place {
            Place::Path(path) => PathBuf::from("/run").join(path.as_os_str()),
            Place::Procdir(_) => PathBuf::new(),
        };
        assert_eq!(
            text(&reasons, locate),
            "fuselage: static sdk: extracted at /run/sdk (`a\\n\\u{1b}[2J.zip` is a zip archive)\n\
             fuselage: static sdk: extracted (nothing else)\n"
        );
        assert_eq!(text(&[], locate), "");
    }
}
