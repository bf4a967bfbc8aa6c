//! Variables out of an environment in bytes.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

/// The value of `name` in `environment`, empty values taken as none.
pub(crate) fn variable<'a>(environment: &'a [CString], name: &str) -> Option<&'a OsStr> {
    environment
        .iter()
        .find_map(|string| {
            string
                .as_bytes()
                .strip_prefix(name.as_bytes())?
                .strip_prefix(b"=")
        })
        .filter(|value| !value.is_empty())
        .map(OsStr::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_an_empty_one_is_none() {
        let environment = [c"AB=1", c"A=2", c"A=3", c"E=", c"odd"].map(CString::from);
        assert_eq!(variable(&environment, "A"), Some(OsStr::new("2")));
        for name in ["E", "odd", "B"] {
            assert_eq!(variable(&environment, name), None, "{name}");
        }
    }
}
