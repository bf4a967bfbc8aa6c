//! `--explain`: the plan's reasons, for people.

use std::fmt::Write as _;
use std::path::PathBuf;

use fuselage_plan::{MountPlan, Place};

use crate::report;

/// Prints each reason of `plan`; `locate` says where a place is in this run.
pub(crate) fn print(plan: &MountPlan, locate: impl Fn(&Place) -> PathBuf) {
    let mut text = String::new();
    for reason in &plan.reasons {
        let _ = write!(text, "fuselage: {}: {}", reason.subject, reason.strategy);
        if let Some(place) = &reason.at {
            let _ = write!(text, " at {}", locate(place).display());
        }
        let _ = writeln!(text, " ({})", reason.why);
    }
    let safe: Vec<String> = text.lines().map(report::printable).collect();
    report::print_text(&(safe.join("\n") + "\n"));
}
