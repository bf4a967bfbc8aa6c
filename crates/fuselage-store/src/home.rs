//! The home directory, looked at or opened.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::causes;
use fuselage_linux::open::{make_directory_at, open_directory_at};
use fuselage_linux::own_directory::set_mode;

use crate::error::{Reason, StoreError};
use crate::locate::{Located, call, locate};
use crate::ownership::{Access, judge, judge_ancestor, judge_home};

/// The directory below the home that holds one directory a run.
const PROCDIRS: &str = "procdirs";

/// What can be done with a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HomeState {
    /// It is there and this user's own, or will be once the others' access is taken away.
    Usable,
    /// It is missing, and this user may make it.
    Creatable,
    /// It, or the directory it would be made in, is somebody else's.
    Foreign {
        /// Who that is, as this user namespace shows it.
        owner: u32,
        /// The reason in words.
        why: String,
    },
    /// Anything else.
    Unusable {
        /// The reason in words.
        why: String,
    },
}

/// An open home: this user's own, mode 0700.
#[derive(Debug)]
pub struct Home {
    directory: OwnedFd,
    path: PathBuf,
}

/// Tells what [`open_home`] would find; makes and changes nothing.
pub fn inspect_home(path: &Path) -> HomeState {
    match look_at(path) {
        Ok(state) => state,
        Err(reason) => {
            let why = words(&reason);
            match reason {
                Reason::Owner { owner, .. } | Reason::OwnerUnknown { owner, .. } => {
                    HomeState::Foreign { owner, why }
                }
                _ => HomeState::Unusable { why },
            }
        }
    }
}

/// Opens the home. Makes it and what is missing above it (0700), takes the access of others away.
///
/// A symbolic link to it is followed; the directory that it leads to is the one that is checked.
/// Call it before a user namespace is entered, where owners can still be told apart.
///
/// # Errors
/// `ERR_HOME_RELATIVE`, `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`; the source says what is wrong.
pub fn open_home(path: &Path) -> Result<Home, StoreError> {
    open(path).map_err(|reason| StoreError {
        path: path.to_owned(),
        purpose: "home directory",
        reason,
    })
}

impl Home {
    /// The open directory, of the mount namespace it was opened in.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Opens the directory that holds one directory a run, and makes it if it is missing.
    ///
    /// It is never a symbolic link. Inside a run it is the tmpfs that the outer run has mounted
    /// there.
    ///
    /// # Errors
    /// `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
    pub fn procdirs(&self) -> Result<OwnedFd, StoreError> {
        let path = self.path.join(PROCDIRS);
        open_procdirs(&self.directory, &path).map_err(|reason| StoreError {
            path,
            purpose: "directory of all runs",
            reason,
        })
    }
}

fn look_at(path: &Path) -> Result<HomeState, Reason> {
    let home = match locate(path)? {
        Located::There(directory) => directory,
        Located::Missing(missing) => {
            judge_ancestor(&missing.ancestor, &missing.ancestor_path)?;
            return Ok(HomeState::Creatable);
        }
    };
    judge_home(&home, path)?;
    let procdirs = path.join(PROCDIRS);
    match open_directory_at(&home, Path::new(PROCDIRS)) {
        Ok(directory) => judge(&directory, &procdirs).map(drop)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(no_directory(&procdirs, error)),
    }
    Ok(HomeState::Usable)
}

fn open(path: &Path) -> Result<Home, Reason> {
    let directory = match locate(path)? {
        Located::There(directory) => directory,
        Located::Missing(missing) => {
            judge_ancestor(&missing.ancestor, &missing.ancestor_path)?;
            missing.make()?
        }
    };
    make_private(&directory, path, judge_home(&directory, path)?)?;
    Ok(Home {
        directory,
        path: path.to_owned(),
    })
}

fn open_procdirs(home: &OwnedFd, path: &Path) -> Result<OwnedFd, Reason> {
    match make_directory_at(home.as_fd(), Path::new(PROCDIRS)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(call("make the directory", path)(error)),
    }
    let directory =
        open_directory_at(home, Path::new(PROCDIRS)).map_err(|error| no_directory(path, error))?;
    make_private(&directory, path, judge(&directory, path)?)?;
    Ok(directory)
}

/// Takes the access of others away, on the descriptor that was looked at.
fn make_private(directory: &OwnedFd, path: &Path, access: Access) -> Result<(), Reason> {
    match access {
        Access::Private => Ok(()),
        Access::TakeAway { mode, .. } => {
            set_mode(directory, mode).map_err(call("take the access of others away from", path))
        }
    }
}

/// Why what stands at `path` cannot be opened as a directory that is no symbolic link.
fn no_directory(path: &Path, error: io::Error) -> Reason {
    match error.kind() {
        // O_NOFOLLOW with O_DIRECTORY gives ENOTDIR for a link as well (open(2)).
        io::ErrorKind::NotADirectory if path.is_symlink() => Reason::Link {
            path: path.to_owned(),
        },
        io::ErrorKind::NotADirectory => Reason::NotDirectory {
            path: path.to_owned(),
        },
        _ => call("open", path)(error),
    }
}

/// A reason and what it rests on in one line.
fn words(reason: &Reason) -> String {
    let mut words = vec![reason.to_string()];
    words.extend(causes::causes(reason));
    words.join(": ")
}
