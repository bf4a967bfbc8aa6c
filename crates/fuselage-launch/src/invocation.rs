//! What the launcher was called for, by its own words.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The front door's word, with the directory of the npm package behind it. It begins like no
/// subcommand and no command of a user would.
const ASK: &[u8] = b"--fuselage-ask=";
const EXECUTE: &[u8] = b"--fuselage-execute";
const VERSION: &[u8] = b"--fuselage-version";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// Ask node about the words and do what it answers.
    Ask {
        /// The directory of the npm package; `None`: called under the launcher's own name.
        package: Option<PathBuf>,
        /// The words of the user.
        words: Vec<CString>,
    },
    /// Do the plan that the library sends on descriptor 3.
    Execute {
        /// The words of the command.
        words: Vec<CString>,
    },
    /// Print the version.
    Version,
}

/// Reads `words`, the first of which is the name of the program.
pub(crate) fn invocation(words: Vec<CString>) -> Invocation {
    let mut words: Vec<CString> = words.into_iter().skip(1).collect();
    let first = words
        .first()
        .map(|word| word.as_bytes().to_vec())
        .unwrap_or_default();
    if let Some(package) = first.strip_prefix(ASK) {
        words.remove(0);
        return Invocation::Ask {
            package: Some(OsStr::from_bytes(package).into()),
            words,
        };
    }
    match first.as_slice() {
        EXECUTE => {
            words.remove(0);
            Invocation::Execute { words }
        }
        VERSION => Invocation::Version,
        _ => Invocation::Ask {
            package: None,
            words,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<CString> {
        text.iter()
            .map(|word| CString::new(*word).unwrap())
            .collect()
    }

    #[test]
    fn the_first_word_alone_decides() {
        assert_eq!(
            invocation(words(&[
                "l",
                "--fuselage-ask=/p",
                "run",
                "--fuselage-version"
            ])),
            Invocation::Ask {
                package: Some("/p".into()),
                words: words(&["run", "--fuselage-version"])
            }
        );
        assert_eq!(
            invocation(words(&["l", "run", "--fuselage-execute"])),
            Invocation::Ask {
                package: None,
                words: words(&["run", "--fuselage-execute"])
            }
        );
        assert_eq!(
            invocation(words(&["l", "--fuselage-execute", "a"])),
            Invocation::Execute {
                words: words(&["a"])
            }
        );
        assert_eq!(
            invocation(words(&["l", "--fuselage-version"])),
            Invocation::Version
        );
        assert_eq!(
            invocation(vec![]),
            Invocation::Ask {
                package: None,
                words: vec![]
            }
        );
    }
}
