//! The directory that stands in for the home's directory of all runs where there is no home.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::error::{Reason, StoreError};
use crate::locate::{Located, locate, make_and_open, rely_on};
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
    open(path).map_err(|reason| StoreError {
        path: path.to_owned(),
        purpose: "directory of all runs",
        reason,
    })
}

fn open(path: &Path) -> Result<Fallback, Reason> {
    let user = User::current();
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Reason::NotDirectory {
            path: PathBuf::from(path),
        });
    };
    let parent = match locate(above, &user)? {
        Located::There(parent) => parent,
        Located::Missing(_) => {
            return Err(Reason::Missing {
                path: above.to_owned(),
            });
        }
    };
    rely_on(&parent, above, &user)?;
    let directory = make_and_open(&parent, name, path)?;
    rely_on(&directory, path, &user)?;
    Ok(Fallback { parent, directory })
}
