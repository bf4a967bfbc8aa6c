//! Who builds an entry: one at a time.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use fuselage_linux::file_lock::{has_name, lock, open_lock, wait_and_lock};
use fuselage_linux::own_file::unlink;
use fuselage_linux::remove_tree::remove_entry;

use crate::cache::name::EntryName;
use crate::cache::open::Cache;

/// The right to build an entry, until it is dropped. The kernel takes it from who dies.
#[derive(Debug)]
pub struct BuildLock<'a> {
    cache: &'a Cache,
    name: EntryName,
    /// Closed last, when its name is gone.
    _file: OwnedFd,
}

impl Cache {
    /// Takes the right to build an entry; `None`: somebody else has it.
    ///
    /// # Errors
    /// The cache cannot be written, or its file system has no locks.
    pub fn try_build(&self, name: EntryName) -> io::Result<Option<BuildLock<'_>>> {
        loop {
            let file = self.lock_file(&name)?;
            if !lock(&file)? {
                return Ok(None);
            }
            // Who had it has removed the file after it was opened here.
            if has_name(&file)? {
                return Ok(Some(self.right(name, file)));
            }
        }
    }

    /// As [`Cache::try_build`], and waits until nobody else has it.
    ///
    /// # Errors
    /// As [`Cache::try_build`].
    pub fn wait_to_build(&self, name: EntryName) -> io::Result<BuildLock<'_>> {
        loop {
            let file = self.lock_file(&name)?;
            wait_and_lock(&file)?;
            if has_name(&file)? {
                return Ok(self.right(name, file));
            }
        }
    }

    fn right(&self, name: EntryName, file: OwnedFd) -> BuildLock<'_> {
        BuildLock {
            cache: self,
            name,
            _file: file,
        }
    }

    fn lock_file(&self, name: &EntryName) -> io::Result<OwnedFd> {
        let name = name.lock();
        loop {
            match open_lock(self.directory.as_fd(), name.as_bytes())? {
                Some(file) => return Ok(file),
                // Something else was put there, which nobody can have locked.
                None => remove_entry(self.directory.as_fd(), name.as_bytes())?,
            }
        }
    }
}

impl BuildLock<'_> {
    /// What may be built.
    pub fn name(&self) -> EntryName {
        self.name
    }
}

impl Drop for BuildLock<'_> {
    fn drop(&mut self) {
        // It goes with the leavings otherwise.
        let _ = unlink(&self.cache.directory, &self.name.lock());
    }
}
