//! The environment of the command: the caller's, and the documented changes.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use fuselage_plan::{Environment, Place};

use crate::error::LaunchError;

/// Takes away what is cleared and what is set, then sets it; all else stays as it is, also strings
/// without `=`, and in its order.
pub(crate) fn command_environment(
    mut strings: Vec<CString>,
    changes: &Environment,
    locate: impl Fn(&Place) -> PathBuf,
) -> Result<Vec<CString>, LaunchError> {
    let names = || {
        changes
            .cleared
            .iter()
            .chain(changes.set.iter().map(|value| &value.name))
    };
    strings.retain(|string| !names().any(|name| is_named(string, name)));
    for value in &changes.set {
        let mut string = format!("{}=", value.name).into_bytes();
        string.extend(locate(&value.place).into_os_string().into_vec());
        let string = CString::new(string).map_err(|error| LaunchError::PlanInvalid {
            why: error.to_string(),
        })?;
        strings.push(string);
    }
    Ok(strings)
}

fn is_named(string: &CString, name: &str) -> bool {
    string
        .as_bytes()
        .strip_prefix(name.as_bytes())
        .is_some_and(|rest| rest.starts_with(b"="))
}

#[cfg(test)]
mod tests {
    use fuselage_plan::{EnvironmentValue, PlanPath};

    use super::*;

    #[test]
    fn an_outer_runs_variables_are_replaced_and_nothing_else_changes() {
        let strings = |texts: &[&str]| -> Vec<CString> {
            texts
                .iter()
                .map(|text| CString::new(*text).unwrap())
                .collect()
        };
        let changes = Environment {
            cleared: vec!["OUT".into(), "GONE".into()],
            set: vec![EnvironmentValue {
                name: "OUT".into(),
                place: Place::Path(PlanPath::from("/new")),
            }],
        };
        let caller = strings(&[
            "B=2",
            "OUT=/old",
            "odd",
            "GONE=1",
            "GONE2=1",
            "A=1",
            "OUT=/older",
        ]);
        let command = command_environment(caller, &changes, |place| match place {
            Place::Path(path) => path.as_os_str().into(),
            Place::Procdir(_) => PathBuf::new(),
        });
        assert_eq!(
            command.unwrap(),
            strings(&["B=2", "odd", "GONE2=1", "A=1", "OUT=/new"])
        );
    }
}
