//! The directory that stands in for the home's directory of all runs where there is no home.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::own_directory::open_place_at;

use crate::error::{Purpose, Reason, StoreError};
use crate::locate::{Located, locate, make_and_open, no_directory, rely_on};
use crate::user::User;

/// An open directory, root's or this user's, at a path that nobody else can change.
#[derive(Debug)]
pub struct Fallback {
    parent: OwnedFd,
    directory: OwnedFd,
}

impl Fallback {
    /// The directory it is in (`O_PATH`).
    pub fn parent(&self) -> BorrowedFd<'_> {
        self.parent.as_fd()
    }

    /// Itself (`O_PATH`).
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Opens the directory; one that is missing is made, 0700, in a parent that is there. It is never a
/// symbolic link; those on the way are followed.
///
/// # Errors
/// `ERR_HOME_RELATIVE`, `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
pub fn open_fallback(path: &Path) -> Result<Fallback, StoreError> {
    open(path).map_err(error_of(path))
}

/// Whether a directory that is there can be opened so; makes and changes nothing.
///
/// # Errors
/// As [`open_fallback`].
pub fn inspect_fallback(path: &Path) -> Result<(), StoreError> {
    look_at(path).map_err(error_of(path))
}

fn error_of(path: &Path) -> impl Fn(Reason) -> StoreError {
    move |reason| StoreError {
        path: path.to_owned(),
        purpose: Purpose::AllRuns,
        reason,
    }
}

fn open(path: &Path) -> Result<Fallback, Reason> {
    let user = User::current();
    let (parent, name) = open_parent(path, &user)?;
    let directory = make_and_open(&parent, name, path)?;
    rely_on(&directory, path, &user)?;
    Ok(Fallback { parent, directory })
}

fn look_at(path: &Path) -> Result<(), Reason> {
    let user = User::current();
    let (parent, name) = open_parent(path, &user)?;
    let directory = open_place_at(&parent, name).map_err(no_directory(&parent, name, path))?;
    rely_on(&directory, path, &user)
}

fn open_parent<'a>(path: &'a Path, user: &User) -> Result<(OwnedFd, &'a OsStr), Reason> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Reason::NotDirectory {
            path: PathBuf::from(path),
        });
    };
    let parent = match locate(above, user)? {
        Located::There(parent) => parent,
        Located::Missing(_) => {
            return Err(Reason::Missing {
                path: above.to_owned(),
            });
        }
    };
    rely_on(&parent, above, user)?;
    Ok((parent, name))
}
