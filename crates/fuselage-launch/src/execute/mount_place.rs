//! Directories to mount on: checked before the namespaces, where owners can be told apart, and
//! opened again inside, where they can be mounted on.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open::open_place;
use fuselage_linux::own_directory::open_place_at;
use fuselage_store::{Home, PROCDIRS, open_fallback};

use crate::error::LaunchError;

/// A directory of this mount namespace to mount on.
pub(crate) struct MountPlace {
    /// The directory it is in, as a place.
    pub(crate) parent: OwnedFd,
    /// Its name there.
    pub(crate) name: OsString,
    /// Itself, as a place.
    pub(crate) directory: OwnedFd,
    pub(crate) path: PathBuf,
}

/// A directory that was checked in another mount namespace.
pub(crate) struct Checked {
    parent_path: PathBuf,
    parent_identity: String,
    name: OsString,
    identity: String,
}

impl Checked {
    /// The directory of all runs in the home that was opened at `home`, made where it is missing.
    pub(crate) fn home(home: PathBuf, opened: &Home) -> Result<Self, LaunchError> {
        let procdirs = opened.procdirs()?;
        Self::new(home, opened.directory(), PROCDIRS.into(), procdirs.as_fd())
    }

    /// The directory at `path`, which stands in for it and is made where it is missing.
    pub(crate) fn fallback(path: PathBuf) -> Result<Self, LaunchError> {
        let opened = open_fallback(&path)?;
        let parent_path = path.parent().map(PathBuf::from).unwrap_or_default();
        let name = path.file_name().map(OsString::from).unwrap_or_default();
        Self::new(parent_path, opened.parent(), name, opened.directory())
    }

    fn new(
        parent_path: PathBuf,
        parent: impl AsFd,
        name: OsString,
        directory: impl AsFd,
    ) -> Result<Self, LaunchError> {
        let identity = |file: &dyn AsFd| {
            file_identity(file.as_fd())
                .map_err(|error| LaunchError::system("look at a directory of the home", error))
        };
        Ok(Self {
            parent_identity: identity(&parent)?,
            identity: identity(&directory)?,
            parent_path,
            name,
        })
    }

    /// Opens it in this mount namespace and makes sure that it is the directory that was checked.
    pub(crate) fn open_again(&self) -> Result<MountPlace, LaunchError> {
        let parent_path = &self.parent_path;
        let parent = same(open_place(parent_path), &self.parent_identity, parent_path)?;
        let path = parent_path.join(&self.name);
        let directory = same(open_place_at(&parent, &self.name), &self.identity, &path)?;
        Ok(MountPlace {
            parent,
            name: self.name.clone(),
            directory,
            path,
        })
    }
}

/// What was opened at `path`, if it is what has this identity.
///
/// # Errors
/// `ERR_HOME_CHANGED`: it is gone, or something else; and what open(2) said.
pub(crate) fn same(
    opened: io::Result<OwnedFd>,
    identity: &str,
    path: &Path,
) -> Result<OwnedFd, LaunchError> {
    let failed = |source| LaunchError::Directory {
        path: path.to_owned(),
        source,
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) if is_gone(&error) => return Err(LaunchError::replaced(path)),
        Err(error) => return Err(failed(error)),
    };
    if file_identity(&opened).map_err(failed)? == identity {
        Ok(opened)
    } else {
        Err(LaunchError::replaced(path))
    }
}

/// Whether there is nothing any more, or something that is no directory.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
