//! Which of two plans is executed: the one with namespaces, or the other where they are refused.

use fuselage_linux::probe::{NotEntered, probe_namespaces};
use fuselage_linux::signals::with_untraced_children;
use fuselage_plan::{MountPlan, Namespaces};

use crate::error::LaunchError;
use crate::report;

/// The plan to execute. Whether the kernel allows the namespaces is found out by entering them in a
/// child, so that this process is in none of them, with its own ids, where they are refused; and here
/// and not by node, since security modules go by the program that asks. Where it cannot be tried, that
/// is an error: nothing was refused.
pub(crate) fn choose(plan: &MountPlan) -> Result<&MountPlan, LaunchError> {
    let Some(otherwise) = &plan.otherwise else {
        return Ok(plan);
    };
    let as_root = plan.namespaces == Namespaces::Mount;
    match with_untraced_children(|| probe_namespaces(as_root)) {
        Ok(()) => Ok(plan),
        Err(NotEntered::Untried(error)) => Err(LaunchError::system("try the namespaces", error)),
        Err(NotEntered::Refused(refusal)) => {
            let cause = refusal.causes.first().unwrap_or(&refusal.message);
            report::print_text(&warning(&refusal.message, cause));
            Ok(otherwise)
        }
    }
}

fn warning(message: &str, cause: &str) -> String {
    let text = format!("fuselage: real files are used instead of mounts: {message}: {cause}");
    format!("{}\n", report::printable(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_one_line_that_names_the_cause() {
        assert_eq!(
            warning("cannot x (EPERM)", "a filter\nforbids it"),
            "fuselage: real files are used instead of mounts: cannot x (EPERM): a filter\\nforbids it\n"
        );
    }
}
