//! A file by which somebody holds the right to something, as long as he is alive.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use fuselage_linux::entry_facts::{entry_facts, open_facts};
use fuselage_linux::own_file::unlink;
use fuselage_linux::process::{Pid, own_pid};

/// A file that this process has locked. Its name goes with it, before others can lock it.
#[derive(Debug)]
pub(crate) struct LockFile<'a> {
    directory: BorrowedFd<'a>,
    name: String,
    /// A copy in a forked process leaves the name alone.
    holder: Pid,
    /// Closed last, when its name is gone.
    file: OwnedFd,
}

impl<'a> LockFile<'a> {
    /// That of `file`, which was opened as `name` and is locked; `None`: who had it before has removed
    /// the name after it was opened.
    ///
    /// # Errors
    /// What openat(2) and fstat(2) say.
    pub(crate) fn locked(
        directory: BorrowedFd<'a>,
        name: String,
        file: OwnedFd,
    ) -> io::Result<Option<Self>> {
        let held = Self {
            directory,
            name,
            holder: own_pid(),
            file,
        };
        Ok(held.has_its_name()?.then_some(held))
    }

    /// Removes the name now, where it is told that this fails.
    ///
    /// # Errors
    /// What unlinkat(2) says.
    pub(crate) fn remove(self) -> io::Result<()> {
        unlink(self.directory, &self.name)
    }

    /// Where somebody has removed the directory, the name may be another one's by now.
    fn has_its_name(&self) -> io::Result<bool> {
        let held = open_facts(&self.file)?.status.inode;
        let there = entry_facts(self.directory, self.name.as_bytes())?;
        Ok(there.is_some_and(|there| there.status.inode == held))
    }
}

impl Drop for LockFile<'_> {
    fn drop(&mut self) {
        if self.holder == own_pid() && self.has_its_name().unwrap_or(false) {
            // It goes with the leavings otherwise.
            let _ = unlink(self.directory, &self.name);
        }
    }
}
