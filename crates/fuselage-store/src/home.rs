//! The home directory, looked at or opened.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::causes;
use fuselage_linux::own_directory::{open_place_at, set_mode};

use crate::error::{Purpose, Reason, StoreError};
use crate::locate::{Located, OWNERS, call, locate, make_and_open, no_directory};
use crate::ownership::{Access, judge, judge_ancestor, judge_home};
use crate::user::User;

/// The directory below the home that holds one directory a run.
pub const PROCDIRS: &str = "procdirs";

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
    /// It is this user's, and its mode keeps its owner out. Something else must not quietly take
    /// its place.
    LockedOut {
        /// The reason in words.
        why: String,
    },
    /// Anything else.
    Unusable {
        /// The reason in words.
        why: String,
    },
}

/// An open home: this user's own, mode 0700, at a path that nobody else can change.
#[derive(Debug)]
pub struct Home {
    directory: OwnedFd,
    path: PathBuf,
    user: User,
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
                Reason::OwnerLockedOut { .. } => HomeState::LockedOut { why },
                _ => HomeState::Unusable { why },
            }
        }
    }
}

/// Opens the home. Makes it and what is missing above it (0700), takes the access of others away.
///
/// Symbolic links are followed; every directory and link on the way, and where it leads, is
/// checked. Call it before a user namespace is entered, where owners can still be told apart.
///
/// # Errors
/// `ERR_HOME_RELATIVE`, `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`; the source says what is wrong.
pub fn open_home(path: &Path) -> Result<Home, StoreError> {
    open(path).map_err(|reason| StoreError {
        path: path.to_owned(),
        purpose: Purpose::Home,
        reason,
    })
}

impl Home {
    /// The open directory (`O_PATH`), of the mount namespace it was opened in.
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Opens the directory that holds one directory a run (`O_PATH`), and makes it if it is
    /// missing.
    ///
    /// It is never a symbolic link. Inside a run it is the tmpfs that the outer run has mounted
    /// there.
    ///
    /// # Errors
    /// `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
    pub fn procdirs(&self) -> Result<OwnedFd, StoreError> {
        self.own_directory(PROCDIRS, Purpose::AllRuns)
    }

    /// Whose it is.
    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    /// Where the home is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the directory `name` in it (`O_PATH`), and makes it if it is missing. `purpose` is what
    /// it is called in errors.
    pub(crate) fn own_directory(
        &self,
        name: &str,
        purpose: Purpose,
    ) -> Result<OwnedFd, StoreError> {
        let path = self.path.join(name);
        let opened = open_own_directory(&self.directory, name, &path, &self.user);
        opened.map_err(|reason| StoreError {
            path,
            purpose,
            reason,
        })
    }

    /// Opens the directory `name` in it (`O_PATH`), if it is there and this user's.
    pub(crate) fn own_directory_there(&self, name: &str) -> Option<OwnedFd> {
        let opened = open_place_at(&self.directory, OsStr::new(name)).ok()?;
        judge_own_directory(&opened, &self.path.join(name), &self.user).ok()?;
        Some(opened)
    }
}

fn look_at(path: &Path) -> Result<HomeState, Reason> {
    let user = User::current();
    let home = match locate(path, &user)? {
        Located::There(directory) => directory,
        Located::Missing(missing) => {
            judge_ancestor(&missing.ancestor, &missing.ancestor_path)?;
            return Ok(HomeState::Creatable);
        }
    };
    judge_home(&home, path, &user)?;
    let procdirs = path.join(PROCDIRS);
    let name = OsStr::new(PROCDIRS);
    match open_place_at(&home, name) {
        Ok(directory) => judge_own_directory(&directory, &procdirs, &user).map(drop)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(no_directory(&home, name, &procdirs)(error)),
    }
    Ok(HomeState::Usable)
}

fn open(path: &Path) -> Result<Home, Reason> {
    let user = User::current();
    let directory = match locate(path, &user)? {
        Located::There(directory) => directory,
        Located::Missing(missing) => {
            judge_ancestor(&missing.ancestor, &missing.ancestor_path)?;
            missing.make(&user, OWNERS)?
        }
    };
    make_private(&directory, path, judge_home(&directory, path, &user)?)?;
    Ok(Home {
        directory,
        path: path.to_owned(),
        user,
    })
}

fn open_own_directory(
    home: &OwnedFd,
    name: &str,
    path: &Path,
    user: &User,
) -> Result<OwnedFd, Reason> {
    let directory = make_and_open(home, OsStr::new(name), path)?;
    make_private(
        &directory,
        path,
        judge_own_directory(&directory, path, user)?,
    )?;
    Ok(directory)
}

/// Nobody but fuselage keeps anything in it, so that its mode can be mended.
fn judge_own_directory(directory: &OwnedFd, path: &Path, user: &User) -> Result<Access, Reason> {
    match judge(directory, path, user) {
        Err(Reason::OwnerLockedOut { mode, .. }) => Ok(Access::TakeAway {
            mode: OWNERS,
            from: mode,
        }),
        other => other,
    }
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

/// A reason and what it rests on in one line.
fn words(reason: &Reason) -> String {
    let mut words = vec![reason.to_string()];
    words.extend(causes::causes(reason));
    words.join(": ")
}
