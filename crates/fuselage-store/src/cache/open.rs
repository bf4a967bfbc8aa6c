//! Opening a cache: that of the home, a further one, one that is made for others.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::own_directory::{has_entry, ownership, set_mode};

use crate::error::{Purpose, Reason, StoreError};
use crate::home::Home;
use crate::locate::{Located, call, locate, make_and_open, rely_on_all};
use crate::ownership::judge;
use crate::user::User;

/// The directory below the home.
pub(crate) const CACHE: &str = "cache";
/// A directory that others may read.
const SHARED: u32 = 0o755;
/// The bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Whose a cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// This user's alone.
    Own,
    /// This user's, for others to read.
    Shared,
    /// One that is only read. `closed`: others than its owner get at nothing in it.
    Other {
        /// Whether its directory keeps others out.
        closed: bool,
    },
}

/// An open cache.
#[derive(Debug)]
pub struct Cache {
    pub(crate) directory: OwnedFd,
    pub(crate) path: PathBuf,
    pub(crate) user: User,
    pub(crate) ownership: Ownership,
}

impl Home {
    /// Opens the cache of the home, and makes it if it is missing.
    ///
    /// # Errors
    /// `ERR_CACHE_UNUSABLE`: it is somebody else's, no directory, or cannot be made.
    pub fn make_cache(&self) -> Result<Cache, StoreError> {
        Ok(self.cache_of(self.own_directory(CACHE, Purpose::Cache)?))
    }

    /// Opens the cache of the home, if there is one of this user's.
    pub fn cache(&self) -> Option<Cache> {
        Some(self.cache_of(self.own_directory_there(CACHE)?))
    }

    fn cache_of(&self, directory: OwnedFd) -> Cache {
        Cache {
            directory,
            path: self.path().join(CACHE),
            user: self.user().clone(),
            ownership: Ownership::Own,
        }
    }
}

impl Cache {
    /// Opens a further cache, which is only read. Every directory and link on the way to it is root's
    /// or this user's, and nobody else can change it.
    ///
    /// # Errors
    /// `ERR_CACHE_UNUSABLE`; the source says what is not to be trusted.
    pub fn open_other(path: &Path) -> Result<Self, StoreError> {
        let open = || {
            let user = User::current();
            let directory = match locate(path, &user)? {
                Located::There(directory) => directory,
                Located::Missing(_) => {
                    return Err(Reason::Missing {
                        path: path.to_owned(),
                    });
                }
            };
            rely_on_all(&directory, path, &user)?;
            let found = ownership(&directory).map_err(call("look at", path))?;
            let closed = found.mode & OTHERS == 0;
            Ok(Self {
                directory,
                path: path.to_owned(),
                user,
                ownership: Ownership::Other { closed },
            })
        };
        open().map_err(|reason| error(path, reason))
    }

    /// Opens a cache of this user's that others may read, and makes it, 0755, if it is missing.
    ///
    /// # Errors
    /// `ERR_CACHE_UNUSABLE`.
    pub fn make_shared(path: &Path) -> Result<Self, StoreError> {
        let make = || {
            let user = User::current();
            let directory = match locate(path, &user)? {
                Located::There(directory) => directory,
                Located::Missing(missing) => missing.make(&user, SHARED)?,
            };
            judge(&directory, path, &user)?;
            rely_on_all(&directory, path, &user)?;
            Ok(Self {
                directory,
                path: path.to_owned(),
                user,
                ownership: Ownership::Shared,
            })
        };
        make().map_err(|reason| error(path, reason))
    }

    /// Its directory (`O_PATH`), of the mount namespace that it was opened in.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Whether it is made for others to read.
    pub fn is_shared(&self) -> bool {
        self.ownership == Ownership::Shared
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a directory of its own in it (`O_PATH`), 0700, and makes it if it is missing.
    pub(crate) fn own_directory(&self, name: &str) -> Result<OwnedFd, StoreError> {
        let path = self.path.join(name);
        let open = || {
            let opened = make_and_open(&self.directory, OsStr::new(name), &path)?;
            judge(&opened, &path, &self.user)?;
            Ok(opened)
        };
        open().map_err(|reason| error(&path, reason))
    }

    /// Whether something has a name in its directory.
    pub(crate) fn has(&self, name: &str) -> std::io::Result<bool> {
        has_entry(&self.directory, OsStr::new(name))
    }

    /// Lets others read an open directory, where the cache is for them.
    pub(crate) fn open_to_readers(&self, directory: &OwnedFd) -> std::io::Result<()> {
        const READERS: u32 = 0o555;
        let mode = ownership(directory)?.mode;
        match self.ownership {
            Ownership::Shared if mode & READERS != READERS => set_mode(directory, mode | READERS),
            _ => Ok(()),
        }
    }

    /// Permission bits of a sentinel.
    pub(crate) fn file_mode(&self) -> u32 {
        match self.ownership {
            Ownership::Shared => 0o644,
            Ownership::Own | Ownership::Other { .. } => 0o600,
        }
    }
}

pub(crate) fn error(path: &Path, reason: Reason) -> StoreError {
    StoreError {
        path: path.to_owned(),
        purpose: Purpose::Cache,
        reason,
    }
}
