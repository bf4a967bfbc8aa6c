//! What entries are called.

use std::fmt;
use std::str::FromStr;

use fuselage_archive::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cache::sentinel::FORMAT;

/// What an entry keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An extracted tree: a directory.
    Tree,
    /// An image that was decoded: a file.
    Image,
}

/// The name of an entry in its cache, which is that of its data: `DIGEST-FORMAT` for a tree,
/// `DIGEST-FORMAT.sfs` for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName {
    /// Of the decoded archive.
    pub digest: Digest,
    /// What is kept of it.
    pub kind: Kind,
}

/// Text that is no name of an entry of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the name of an entry is a digest of 64 digits, `-{FORMAT}`, and `.sfs` for an image")]
pub struct NotAName;

impl EntryName {
    /// The name of its sentinel.
    pub fn sentinel(&self) -> String {
        format!("{self}.complete")
    }

    /// The name of the list of its files.
    pub fn list(&self) -> String {
        format!("{self}.files")
    }

    /// The name of the file that is locked while it is built.
    pub fn lock(&self) -> String {
        format!("{self}.lock")
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.kind {
            Kind::Tree => "",
            Kind::Image => ".sfs",
        };
        write!(formatter, "{}-{FORMAT}{end}", self.digest)
    }
}

impl FromStr for EntryName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let (stem, kind) = match text.strip_suffix(".sfs") {
            Some(stem) => (stem, Kind::Image),
            None => (text, Kind::Tree),
        };
        let (digest, format) = stem.split_once('-').ok_or(NotAName)?;
        if format != FORMAT.to_string() {
            return Err(NotAName);
        }
        let digest = digest.parse().map_err(|_| NotAName)?;
        Ok(Self { digest, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_whole_digest_and_the_format() {
        for kind in [Kind::Tree, Kind::Image] {
            let digest = Digest::of(b"x");
            let name = EntryName { digest, kind };
            let text = name.to_string();
            assert!(text.starts_with(&format!("{digest}-1")), "{text}");
            assert_eq!(text.parse(), Ok(name));
        }
        let digest = Digest::of(b"x");
        for other in [
            format!("{digest}-2"),
            format!("{digest}"),
            format!("{digest}-1.files"),
            format!("{}-1", &digest.to_string()[..16]),
            "../x".to_owned(),
        ] {
            assert_eq!(other.parse::<EntryName>(), Err(NotAName), "{other}");
        }
    }
}
