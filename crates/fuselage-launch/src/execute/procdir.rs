//! One run's private directory, which only its mount namespace sees.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::memory::total_memory;
use fuselage_linux::mount::{TmpfsOptions, is_own_tmpfs_root, mount_tmpfs};
use fuselage_linux::namespaces::{NamespaceError, NamespaceStep};
use fuselage_linux::{open, process};
use fuselage_plan::Namespaces;

use crate::error::LaunchError;
use crate::execute::namespaces::refused;
use crate::execute::sources::Procdirs;
use crate::execute::steps::mount_failed;

/// The name of the tmpfs that holds one directory a run, by which a nested run recognises it.
const OUTER_NAME: &str = "fuselage-procdirs";
/// Directories only: a run that filled it could not stop a nested one but by taking all of it.
const OUTER_SIZE: u64 = 1 << 20;
const OUTER_INODES: u64 = 1024;
const INNER_NAME: &str = "fuselage";
/// One inode for so many bytes of the tmpfs: half of the smallest file it can hold.
const BYTES_AN_INODE: u64 = 2048;
/// Directories of the same pid that may be there: nested runs keep the pid, other pid namespaces
/// have their own.
const ATTEMPTS: u32 = 1000;

/// The made directory.
pub(crate) struct Procdir {
    pub(crate) path: PathBuf,
}

/// The directory of all runs, opened.
pub(crate) struct Parent {
    directory: OwnedFd,
    path: PathBuf,
}

/// Opens `procdirs` of the home again, in this mount namespace, and makes sure that it is the
/// directory that was checked before.
pub(crate) fn home_parent(procdirs: Option<&Procdirs>) -> Result<Parent, LaunchError> {
    let Some(checked) = procdirs else {
        return Err(LaunchError::PlanInvalid {
            why: "the plan has no home".to_owned(),
        });
    };
    let parent = parent(&checked.path)?;
    let identity = file_identity(&parent.directory).map_err(|source| LaunchError::Directory {
        path: parent.path.clone(),
        source,
    })?;
    if identity == checked.identity {
        return Ok(parent);
    }
    Err(LaunchError::Directory {
        path: parent.path,
        source: io::Error::other("it was replaced while fuselage was starting"),
    })
}

/// Opens the directory at `path`, which is no symbolic link.
pub(crate) fn parent(path: &Path) -> Result<Parent, LaunchError> {
    let failed = |source| LaunchError::Directory {
        path: path.to_owned(),
        source,
    };
    let directory = open::open_directory(path).map_err(failed)?;
    Ok(Parent {
        directory,
        path: path.to_owned(),
    })
}

/// Makes the directory of this run: on the tmpfs of all runs, mounted now or by an outer run, a
/// directory named after the pid, and on that a tmpfs of its own of at most `size` bytes.
pub(crate) fn make(
    on: Parent,
    size: Option<u64>,
    namespaces: Namespaces,
) -> Result<Procdir, LaunchError> {
    let ours = is_own_tmpfs_root(on.directory.as_fd(), OUTER_NAME)
        .map_err(|error| LaunchError::system("look at the mounts of outer runs", error))?;
    let on = if ours {
        on
    } else {
        let options = TmpfsOptions {
            name: OUTER_NAME,
            size: OUTER_SIZE,
            inodes: OUTER_INODES,
            mode: 0o700,
        };
        first_mount(&on, &options, namespaces)?;
        // What is mounted now lies over the directory that is open.
        parent(&on.path)?
    };
    let (directory, path) = make_own_directory(&on)?;
    let size = size.unwrap_or_else(|| total_memory() / 2);
    let inodes = (size / BYTES_AN_INODE).max(OUTER_INODES);
    let options = TmpfsOptions {
        name: INNER_NAME,
        size,
        inodes,
        mode: 0o700,
    };
    mount_tmpfs(directory.as_fd(), &options).map_err(|error| mount_failed(&path, &error))?;
    Ok(Procdir { path })
}

/// The first mount of a user namespace is where seccomp, Landlock and AppArmor refuse.
fn first_mount(
    on: &Parent,
    options: &TmpfsOptions<'_>,
    namespaces: Namespaces,
) -> Result<(), LaunchError> {
    mount_tmpfs(on.directory.as_fd(), options).map_err(|error| match namespaces {
        Namespaces::User => {
            let step = NamespaceStep::FirstMount;
            refused(&NamespaceError {
                step,
                errno: error.errno,
            })
        }
        Namespaces::Mount => mount_failed(&on.path, &error),
    })
}

/// Makes a directory that nobody else has: `<pid>`, else `<pid>.1` and so on.
fn make_own_directory(on: &Parent) -> Result<(OwnedFd, PathBuf), LaunchError> {
    let pid = process::own_pid();
    let mut failure = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..ATTEMPTS {
        let name = if attempt == 0 {
            pid.to_string()
        } else {
            format!("{pid}.{attempt}")
        };
        match open::make_directory_at(on.directory.as_fd(), name.as_ref()) {
            Ok(()) => {
                let path = on.path.join(&name);
                let directory =
                    open::open_directory_at(&on.directory, name.as_ref()).map_err(|source| {
                        LaunchError::Directory {
                            path: path.clone(),
                            source,
                        }
                    })?;
                return Ok((directory, path));
            }
            Err(error) => {
                let taken = error.kind() == io::ErrorKind::AlreadyExists;
                failure = error;
                if !taken {
                    break;
                }
            }
        }
    }
    Err(LaunchError::Directory {
        path: on.path.join(pid.to_string()),
        source: failure,
    })
}
