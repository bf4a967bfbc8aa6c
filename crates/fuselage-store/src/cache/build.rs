//! Who builds an entry: one at a time.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use fuselage_linux::file_lock::{lock, open_lock, wait_and_lock};
use fuselage_linux::remove_tree::remove_entry;

use crate::cache::lock_file::LockFile;
use crate::cache::name::EntryName;
use crate::cache::open::Cache;

/// The right to build an entry, until it is dropped. The kernel takes it from who dies.
#[derive(Debug)]
pub struct BuildLock<'a> {
    name: EntryName,
    _held: LockFile<'a>,
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
            if let Some(right) = self.right(name, file)? {
                return Ok(Some(right));
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
            if let Some(right) = self.right(name, file)? {
                return Ok(right);
            }
        }
    }

    fn right(&self, name: EntryName, file: OwnedFd) -> io::Result<Option<BuildLock<'_>>> {
        let held = LockFile::locked(self.directory(), name.lock(), file)?;
        Ok(held.map(|held| BuildLock { name, _held: held }))
    }

    fn lock_file(&self, name: &EntryName) -> io::Result<OwnedFd> {
        let name = name.lock();
        let open = || open_lock(self.directory.as_fd(), name.as_bytes());
        match open() {
            Ok(Some(file)) => return Ok(file),
            // Something else was put there, or a file of root's, which nobody can have locked: no
            // other user builds in this cache.
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            Err(error) => return Err(error),
        }
        remove_entry(self.directory.as_fd(), name.as_bytes())?;
        open()?.ok_or_else(|| io::ErrorKind::AlreadyExists.into())
    }
}

impl BuildLock<'_> {
    /// What may be built.
    pub fn name(&self) -> EntryName {
        self.name
    }
}
