//! `--explain`: the plan's reasons, for people.

use std::fmt::Write as _;
use std::path::PathBuf;

use fuselage_plan::{MountPlan, Place, Reason};

use crate::report::{self, printable};

/// Prints each reason of `plan`; `locate` says where a place is in this run.
pub(crate) fn print(plan: &MountPlan, locate: impl Fn(&Place) -> PathBuf) {
    let mut text = String::new();
    for reason in &plan.reasons {
        text.push_str(&line(reason, &locate));
    }
    report::print_text(&text);
}

/// One line, whatever names are in it: each part is made printable by itself.
fn line(reason: &Reason, locate: impl Fn(&Place) -> PathBuf) -> String {
    let mut line = format!(
        "fuselage: {}: {}",
        printable(&reason.subject),
        printable(&reason.strategy)
    );
    if let Some(place) = &reason.at {
        let path = locate(place).display().to_string();
        let _ = write!(line, " at {}", printable(&path));
    }
    let _ = writeln!(line, " ({})", printable(&reason.why));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_line() {
        let reason = |name: &str| Reason {
            subject: format!("static {name}"),
            strategy: "extracted".into(),
            why: format!("`{name}` is a zip archive"),
            at: Some(Place::procdir(format!("static/{name}"))),
        };
        let path = |place: &Place| match place {
            Place::Procdir(inner) => PathBuf::from("/p").join(inner.procdir.as_os_str()),
            Place::Path(path) => path.as_os_str().into(),
        };
        assert_eq!(
            line(&reason("sdk"), path),
            "fuselage: static sdk: extracted at /p/static/sdk (`sdk` is a zip archive)\n"
        );
        let forged = line(&reason("x\nfuselage: y"), path);
        assert_eq!(forged.lines().count(), 1, "{forged}");
        assert!(forged.contains("/p/static/x\\nfuselage: y"), "{forged}");
    }
}
