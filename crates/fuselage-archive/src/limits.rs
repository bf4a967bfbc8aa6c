//! What an archive may at most unpack to.

use serde::{Deserialize, Serialize};

/// Limits that a plan gives; the defaults are the policy of whoever plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, directories that are only implied by a name included.
    pub entries: u64,
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
    /// Components of one entry's path.
    pub depth: u32,
    /// Bytes of one entry's path.
    pub name_length: u32,
    /// Unpacked bytes for each byte of the archive; holes are not counted.
    pub ratio: u32,
}

/// The longest component of a path that Linux file systems take, in bytes (`NAME_MAX`).
pub(crate) const LONGEST_COMPONENT: usize = 255;

/// What there is too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limited {
    /// [`Limits::entries`].
    Entries,
    /// [`Limits::bytes`].
    Bytes,
    /// [`Limits::depth`].
    Depth,
    /// [`Limits::name_length`].
    NameLength,
    /// [`Limits::ratio`].
    Ratio,
    /// Bytes of one component of a path, which the kernel limits.
    Component,
    /// Bytes of the names of all entries together, which are held in memory.
    Names,
}

impl Limited {
    /// Its name as `--limit` takes it; `None`: nothing raises it.
    pub fn option(self) -> Option<&'static str> {
        match self {
            Self::Entries => Some("entries"),
            Self::Bytes => Some("bytes"),
            Self::Depth => Some("depth"),
            Self::NameLength => Some("name-length"),
            Self::Ratio => Some("ratio"),
            Self::Component | Self::Names => None,
        }
    }

    /// What `entry` has, or with it the archive: `found` of it. Without a name it is the root.
    pub(crate) fn exceeded(self, entry: &str, found: u64) -> String {
        let with = match entry {
            "" => "with what is in its root".to_owned(),
            entry => format!("with the entry `{entry}`"),
        };
        match self {
            Self::Entries => format!("{with} the archive has {found} entries"),
            Self::Bytes => format!("{with} the archive unpacks to {found} bytes"),
            Self::Names => format!("{with} the names of the archive have {found} bytes"),
            Self::Ratio => {
                format!("{with} the archive unpacks to {found} bytes for each of its own")
            }
            Self::Depth => format!("the entry `{entry}` is {found} levels deep"),
            Self::NameLength => format!("the entry `{entry}` has a name of {found} bytes"),
            Self::Component => {
                format!("the entry `{entry}` has a component of {found} bytes in its name")
            }
        }
    }
}
