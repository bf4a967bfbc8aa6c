//! What trees need, and what there is room for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ArchiveError;

/// Kernel memory of one entry of a tmpfs: its inode and its name. It counts for a control group and
/// not for the size of the tmpfs.
const ENTRY: u64 = 1024;

/// What a tree needs, or several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Files, links and directories.
    pub entries: u64,
    /// Bytes of all files and link targets, holes included.
    pub bytes: u64,
    /// Bytes that are no holes, in whole pages.
    pub pages: u64,
}

impl Needs {
    /// What two need together.
    pub fn and(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            bytes: self.bytes.saturating_add(other.bytes),
            pages: self.pages.saturating_add(other.pages),
        }
    }

    /// Makes sure that it fits. Where several things are short, the one that no option helps
    /// against is told.
    ///
    /// # Errors
    /// [`ArchiveError::NoSpace`].
    pub fn fit(&self, space: &Space) -> Result<(), ArchiveError> {
        let memory = self
            .pages
            .saturating_add(self.entries.saturating_mul(ENTRY));
        let group = space.control_group.unwrap_or(u64::MAX);
        for (limited_by, needed, left) in [
            (LimitedBy::ControlGroup, memory, group),
            (space.bytes_limited_by(), self.pages, space.bytes),
            (space.inodes_limited_by(), self.entries, space.inodes),
        ] {
            if needed > left {
                return Err(ArchiveError::NoSpace {
                    needed,
                    left,
                    limited_by,
                });
            }
        }
        Ok(())
    }
}

/// What the file system of a tree keeps it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Memory: the run's own tmpfs.
    Tmpfs,
    /// A disk: the file system of the home.
    Disk,
}

/// Room for trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Where it is.
    pub storage: Storage,
    /// Bytes that the file system still takes, of which a file takes whole pages.
    pub bytes: u64,
    /// Entries that it still takes.
    pub inodes: u64,
    /// Bytes of memory that the control group still takes; `None`: it has no limit.
    pub control_group: Option<u64>,
}

impl Space {
    /// Bytes that can be written, and what limits them.
    pub(crate) fn memory(&self) -> (u64, LimitedBy) {
        match self.control_group {
            Some(left) if left < self.bytes => (left, LimitedBy::ControlGroup),
            _ => (self.bytes, self.bytes_limited_by()),
        }
    }

    fn bytes_limited_by(&self) -> LimitedBy {
        match self.storage {
            Storage::Tmpfs => LimitedBy::TmpfsBytes,
            Storage::Disk => LimitedBy::DiskBytes,
        }
    }

    fn inodes_limited_by(&self) -> LimitedBy {
        match self.storage {
            Storage::Tmpfs => LimitedBy::TmpfsInodes,
            Storage::Disk => LimitedBy::DiskInodes,
        }
    }
}

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitedBy {
    /// The size of the tmpfs.
    TmpfsBytes,
    /// The inodes of the tmpfs.
    TmpfsInodes,
    /// The free bytes of the file system of the home.
    DiskBytes,
    /// The free inodes of the file system of the home.
    DiskInodes,
    /// The memory of the control group.
    ControlGroup,
}

impl LimitedBy {
    /// What it counts.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::TmpfsBytes | Self::DiskBytes => "bytes",
            Self::TmpfsInodes | Self::DiskInodes => "inodes",
            Self::ControlGroup => "bytes of memory",
        }
    }
}

impl fmt::Display for LimitedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TmpfsBytes | Self::TmpfsInodes => "the size of the run's tmpfs",
            Self::DiskBytes | Self::DiskInodes => "the free room on the file system of the home",
            Self::ControlGroup => "the memory limit of the control group",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        entries: 10,
        bytes: 5000,
        pages: 8192,
    };
    const SPACE: Space = Space {
        storage: Storage::Tmpfs,
        bytes: 8192,
        inodes: 10,
        control_group: Some(8192 + 10 * ENTRY),
    };

    fn short(space: Space) -> Option<LimitedBy> {
        match NEEDS.fit(&space) {
            Ok(()) => None,
            Err(ArchiveError::NoSpace { limited_by, .. }) => Some(limited_by),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_thing_that_is_one_too_few_is_told() {
        assert_eq!(short(SPACE), None);
        let control_group = None;
        assert_eq!(
            short(Space {
                control_group,
                ..SPACE
            }),
            None
        );
        let bytes = 8191;
        assert_eq!(short(Space { bytes, ..SPACE }), Some(LimitedBy::TmpfsBytes));
        let inodes = 9;
        assert_eq!(
            short(Space { inodes, ..SPACE }),
            Some(LimitedBy::TmpfsInodes)
        );
        let control_group = Some(8191 + 10 * ENTRY);
        let both = Space {
            bytes,
            control_group,
            ..SPACE
        };
        assert_eq!(
            short(both),
            Some(LimitedBy::ControlGroup),
            "a larger tmpfs would not help"
        );
    }

    #[test]
    fn what_is_written_is_limited_by_the_tighter_of_two() {
        assert_eq!(SPACE.memory(), (8192, LimitedBy::TmpfsBytes));
        let control_group = Some(8191);
        let tight = Space {
            control_group,
            ..SPACE
        };
        assert_eq!(tight.memory(), (8191, LimitedBy::ControlGroup));
    }

    #[test]
    fn several_trees_add_up() {
        let twice = Needs {
            entries: 20,
            bytes: 10_000,
            pages: 16384,
        };
        assert_eq!(NEEDS.and(NEEDS), twice);
        assert_eq!(Needs::default().and(NEEDS), NEEDS);
    }
}
