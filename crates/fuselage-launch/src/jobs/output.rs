//! What jobs print to standard output.

use fuselage_linux::{descriptors, signals};
use serde::Serialize;

use crate::error::LaunchError;
use crate::report;

/// Prints `value` as JSON, or what `text` makes of it for people, a line each.
pub(crate) fn print<T: Serialize>(
    value: &T,
    json: bool,
    text: impl FnOnce(&T) -> Vec<String>,
) -> Result<(), LaunchError> {
    let written = if json {
        serde_json::to_string_pretty(value)
            .map(|text| text + "\n")
            .map_err(|error| LaunchError::system("write the result", error.into()))?
    } else {
        let lines = text(value);
        lines
            .iter()
            .map(|line| report::printable(line) + "\n")
            .collect()
    };
    // Nobody reads it any more: no failure to tell about.
    signals::without_sigpipe(|| {
        let written = descriptors::write_all(descriptors::standard_output(), written.as_bytes());
        match written {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(LaunchError::system("write to standard output", error))
            }
            _ => Ok(()),
        }
    })
}
