//! What is not as the list says.

use std::fmt;
use std::io;

use fuselage_linux::look_beneath::EntryKind;
use serde::{Deserialize, Serialize};

/// One entry that is not as the list says, and in what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// Its path in the tree; `.` is the root. What is no UTF-8 in it is replaced.
    pub path: String,
    /// What is different.
    pub change: Change,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// It is not there.
    Missing,
    /// It is there and not in the list.
    Extra,
    /// It is something else.
    Kind {
        /// By the list.
        expected: Kind,
        /// Now.
        found: Kind,
    },
    /// Its permission bits.
    Mode {
        /// By the list.
        expected: u32,
        /// Now.
        found: u32,
    },
    /// Its length.
    Size {
        /// Bytes, by the list.
        expected: u64,
        /// Bytes, now.
        found: u64,
    },
    /// Its modification time.
    Time,
    /// What is in the file.
    Content,
    /// Where the link leads.
    Target,
    /// It was one file with others of the tree, and is another one now.
    Same,
    /// It, or what is in it, cannot be read: nothing is known of that.
    Unreadable {
        /// The number of the error, if the system gave one.
        errno: Option<i32>,
    },
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a FIFO, a socket.
    Other,
}

impl From<EntryKind> for Kind {
    fn from(kind: EntryKind) -> Self {
        match kind {
            EntryKind::File => Self::File,
            EntryKind::Directory => Self::Directory,
            EntryKind::Symlink => Self::Symlink,
            EntryKind::Other => Self::Other,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Other => "a device, a FIFO or a socket",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, change } = self;
        write!(formatter, "`{path}` ")?;
        match *change {
            Change::Missing => write!(formatter, "is missing"),
            Change::Extra => write!(formatter, "is not in the archive"),
            Change::Kind { expected, found } => write!(formatter, "is {found}, not {expected}"),
            Change::Mode { expected, found } => {
                write!(formatter, "has the mode {found:04o}, not {expected:04o}")
            }
            Change::Size { expected, found } => {
                write!(formatter, "has {found} bytes, not {expected}")
            }
            Change::Time => write!(formatter, "has another modification time"),
            Change::Content => write!(formatter, "has another content"),
            Change::Target => write!(formatter, "leads elsewhere"),
            Change::Same => write!(formatter, "is no longer one file with its other names"),
            Change::Unreadable { errno: Some(errno) } => {
                let why = io::Error::from_raw_os_error(errno);
                write!(formatter, "cannot be read: {why}")
            }
            Change::Unreadable { errno: None } => write!(formatter, "cannot be read"),
        }
    }
}
