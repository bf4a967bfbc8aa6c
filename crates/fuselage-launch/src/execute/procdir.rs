//! One run's private directory, which only its mount namespace sees.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use fuselage_linux::confinement::FilesBy;
use fuselage_linux::file_identity::file_identity;
use fuselage_linux::memory::total_memory;
use fuselage_linux::mount::{TmpfsOptions, is_own_tmpfs_root, mount_tmpfs_at};
use fuselage_linux::namespaces::{NamespaceError, NamespaceStep};
use fuselage_linux::own_directory::open_place_at;
use fuselage_linux::{open, process};

use crate::error::LaunchError;
use crate::execute::mount_place::{MountPlace, same};
use crate::execute::namespaces::refused;
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

/// The file system of the private directory, and with it whether this run has a mount namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// The run's own tmpfs.
    Tmpfs,
    /// That of the home: the directory is a real one.
    Disk,
}

/// The made directory. Everything in it is reached by the descriptor; the path is what the command
/// is told.
pub(crate) struct Procdir {
    pub(crate) root: OwnedFd,
    pub(crate) path: PathBuf,
    pub(crate) storage: Storage,
}

impl Procdir {
    /// What keeps a worker that writes to it from other files: without a namespace of the run's own,
    /// nothing needs to be there that does.
    pub(crate) fn files_by(&self) -> FilesBy {
        match self.storage {
            Storage::Tmpfs => FilesBy::Root,
            Storage::Disk => FilesBy::RootOrRules,
        }
    }

    /// The error of making something in it.
    pub(crate) fn failed(&self, source: io::Error) -> LaunchError {
        self.failed_at(self.path.clone(), source)
    }

    /// The error of making the directory `path`, which is in it.
    pub(crate) fn failed_at(&self, path: PathBuf, source: io::Error) -> LaunchError {
        match self.storage {
            Storage::Tmpfs => LaunchError::Directory { path, source },
            Storage::Disk => LaunchError::RealDirectory { path, source },
        }
    }

    /// Makes sure that the path still leads to it.
    pub(crate) fn check_path(&self) -> Result<(), LaunchError> {
        let identity = file_identity(&self.root).map_err(|source| self.failed(source))?;
        match same(open::open_place(&self.path), &identity, &self.path) {
            Err(LaunchError::Directory { path, source }) => Err(self.failed_at(path, source)),
            checked => checked.map(drop),
        }
    }
}

/// Makes the directory of this run: on the tmpfs of all runs, mounted now or by an outer run, a
/// directory named after the pid, and on that a tmpfs of its own of at most `size` bytes.
pub(crate) fn make(on: &MountPlace, size: Option<u64>) -> Result<Procdir, LaunchError> {
    let all = match is_of_outer_run(on)? {
        true => &on.directory,
        false => &first_mount(on)?,
    };
    let (name, below) = make_own_directory(all, on)?;
    let path = on.path.join(&name);
    let size = size.unwrap_or_else(|| total_memory() / 2);
    let inodes = (size / BYTES_AN_INODE).max(OUTER_INODES);
    let options = TmpfsOptions {
        name: INNER_NAME,
        size,
        inodes,
        mode: 0o700,
    };
    let root = mount_tmpfs_at(all.as_fd(), OsStr::new(&name), below.as_fd(), &options)
        .map_err(|error| mount_failed(&path, &error))?;
    let storage = Storage::Tmpfs;
    Ok(Procdir {
        root,
        path,
        storage,
    })
}

/// Whether an outer run has mounted its tmpfs there.
fn is_of_outer_run(on: &MountPlace) -> Result<bool, LaunchError> {
    is_own_tmpfs_root(on.directory.as_fd(), OUTER_NAME)
        .map_err(|error| LaunchError::system("look at the mounts of outer runs", error))
}

/// The first mount is where seccomp, Landlock and AppArmor refuse.
fn first_mount(on: &MountPlace) -> Result<OwnedFd, LaunchError> {
    let options = TmpfsOptions {
        name: OUTER_NAME,
        size: OUTER_SIZE,
        inodes: OUTER_INODES,
        mode: 0o700,
    };
    let mounted = mount_tmpfs_at(on.parent.as_fd(), &on.name, on.directory.as_fd(), &options);
    mounted.map_err(|error| {
        if error.is_of_another_directory() {
            return mount_failed(&on.path, &error);
        }
        refused(&NamespaceError {
            step: NamespaceStep::FirstMount,
            errno: error.errno,
        })
    })
}

/// Makes a directory that nobody else has in `all`: `<pid>`, else `<pid>.1` and so on.
fn make_own_directory(all: &OwnedFd, on: &MountPlace) -> Result<(String, OwnedFd), LaunchError> {
    let pid = process::own_pid();
    let mut failure = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..ATTEMPTS {
        let name = match attempt {
            0 => pid.to_string(),
            _ => format!("{pid}.{attempt}"),
        };
        let made = open::make_directory_at(all.as_fd(), name.as_ref())
            .and_then(|()| open_place_at(all, name.as_ref()));
        match made {
            Ok(directory) => return Ok((name, directory)),
            Err(error) => failure = error,
        }
        if failure.kind() != io::ErrorKind::AlreadyExists {
            break;
        }
    }
    // It was made with room for more directories than runs can be nested.
    Err(match failure.kind() {
        io::ErrorKind::StorageFull => LaunchError::ProcdirsFull {
            path: on.path.clone(),
        },
        _ => LaunchError::Directory {
            path: on.path.join(pid.to_string()),
            source: failure,
        },
    })
}
