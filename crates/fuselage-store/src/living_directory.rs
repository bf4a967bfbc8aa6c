//! A directory that is somebody's as long as that process is alive, and that the next one removes.
//!
//! Whoever holds the lock of the file `.lock` in such a directory owns the directory: who has made it
//! as long as it is alive, else who sweeps. The file is in the directory, so that both are made and
//! gone together, and it is a file, since network file systems lock no directories for other hosts.
//! Nobody takes a directory for stale between its making and its locking and does harm: who has made
//! it and does not get the lock, or finds it gone, takes another name.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::file_lock::{has_name, lock, open_lock};
use fuselage_linux::own_directory::{names, open_place_at, ownership, set_mode};
use fuselage_linux::{open, remove_tree};

use crate::error::Reason;
use crate::locate::{OWNERS, call};

/// The name of the lock.
pub(crate) const LOCK: &str = ".lock";
/// Directories of one name that may be there: leavings, those of other pid namespaces, nested runs.
const ATTEMPTS: u32 = 1000;

/// A directory of this process's own, 0700, which nobody takes for stale while this or a copy of it in
/// a forked process exists.
#[derive(Debug)]
pub struct LivingDirectory {
    all: OwnedFd,
    name: OsString,
    directory: OwnedFd,
    /// `None`: it was removed.
    lock: Option<OwnedFd>,
    path: PathBuf,
}

impl LivingDirectory {
    /// Makes one in `all`, which is at the path `at`: `name`, or `name.1` and so on where that is
    /// taken.
    pub(crate) fn make(all: OwnedFd, at: &Path, name: &str) -> Result<Self, Reason> {
        for attempt in 0..ATTEMPTS {
            let name = OsString::from(match attempt {
                0 => name.to_owned(),
                _ => format!("{name}.{attempt}"),
            });
            let path = at.join(&name);
            match open::make_directory_at(all.as_fd(), Path::new(&name)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(call("make the directory", &path)(error)),
            }
            let claimed = claim_new(&all, &name).map_err(call("lock", &path))?;
            if let Some((directory, lock)) = claimed {
                return Ok(Self {
                    all,
                    name,
                    directory,
                    lock: Some(lock),
                    path,
                });
            }
        }
        Err(Reason::Call {
            what: "make a directory in",
            path: at.to_owned(),
            source: io::ErrorKind::AlreadyExists.into(),
        })
    }

    /// Itself (`O_PATH`).
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The descriptors that [`LivingDirectory::remove`] needs, and the one that keeps it alive.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let needed = [self.all.as_fd(), self.directory.as_fd()].into_iter();
        needed.chain(self.lock.as_ref().map(AsFd::as_fd)).collect()
    }

    /// Removes it with all that is in it, whatever the modes are.
    ///
    /// # Errors
    /// As [`remove_tree::remove_contents`]: the rest is removed all the same.
    pub fn remove(mut self) -> io::Result<()> {
        self.erase()
    }

    /// The same where it cannot be given away, for a drop; a second call does nothing.
    pub(crate) fn erase(&mut self) -> io::Result<()> {
        match self.lock.take() {
            Some(lock) => erase(self.all.as_fd(), &self.name, &self.directory, lock),
            None => Ok(()),
        }
    }
}

/// Removes the directories in `all` whose makers are alive no more. What cannot be removed stays for
/// the next time: it is no reason to keep a run from starting.
pub(crate) fn sweep_all(all: &OwnedFd) {
    for name in names(all).unwrap_or_default() {
        let _ = sweep(all.as_fd(), &name);
    }
}

/// Locks a directory that was made just now; `None`: somebody has swept it meanwhile.
fn claim_new(all: &OwnedFd, name: &OsStr) -> io::Result<Option<(OwnedFd, OwnedFd)>> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(error),
    };
    let directory = match open_place_at(all, name) {
        Ok(directory) => directory,
        Err(error) => return gone(error),
    };
    // The umask may have taken rights from its owner.
    set_mode(&directory, OWNERS)?;
    let lock = match claim(directory.as_fd()) {
        Ok(Some(lock)) => lock,
        Ok(None) => return Ok(None),
        Err(error) => return gone(error),
    };
    let again = match open_place_at(all, name) {
        Ok(again) => again,
        Err(error) => return gone(error),
    };
    let same = file_identity(&again)? == file_identity(&directory)?;
    Ok(same.then_some((directory, lock)))
}

/// Takes the lock of a directory; `None`: somebody else has it.
fn claim(directory: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let Some(file) = open_lock(directory, LOCK.as_bytes())? else {
        // The command has put something else there, which nobody can have locked.
        remove_tree::remove_entry(directory, LOCK.as_bytes())?;
        return claim(directory);
    };
    // Who had it may have removed the file after it was opened here.
    Ok((lock(&file)? && has_name(&file)?).then_some(file))
}

/// Removes the directory `name` of `all`, if its run is not alive.
fn sweep(all: BorrowedFd<'_>, name: &OsStr) -> io::Result<()> {
    let directory = remove_tree::open_place_below(all, name.as_bytes())?;
    let mode = ownership(&directory)?.mode;
    let is_open = mode & OWNERS == OWNERS;
    if !is_open {
        set_mode(&directory, OWNERS)?;
    }
    match claim(directory.as_fd())? {
        Some(lock) => erase(all, name, &directory, lock),
        None if is_open => Ok(()),
        None => set_mode(&directory, mode),
    }
}

fn erase(all: BorrowedFd<'_>, name: &OsStr, directory: &OwnedFd, lock: OwnedFd) -> io::Result<()> {
    let mut lock = lock;
    for _ in 0..ATTEMPTS {
        remove_tree::remove_contents(directory.as_fd(), LOCK.as_bytes())?;
        remove_tree::remove_entry(directory.as_fd(), LOCK.as_bytes())?;
        // NFS keeps a file that is open under another name.
        drop(lock);
        match remove_tree::remove_directory(all, name.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            done => return done,
        }
        // Who sweeps has made the lock again meanwhile, and removes the rest, unless it has given up.
        lock = match claim(directory.as_fd()) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
    }
    Err(io::ErrorKind::DirectoryNotEmpty.into())
}
