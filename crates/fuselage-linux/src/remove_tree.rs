//! Removing a tree, and nothing outside of it: names are never followed through a symbolic link,
//! other mounts are left alone, and permission bits are changed of an open directory only.
//!
//! Others may go on changing the tree. It is bounded how often it is tried again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::dir::{Dir, Type};
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, fchmod, openat, openat2, unlinkat};
use rustix::io::Errno;

use crate::beneath::open_above;
use crate::file_identity::file_identity;
use crate::mount_id::mount_id_of_old_kernel;
use crate::own_directory;

const FLAGS: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// What removing the entries of a directory takes.
const OWNERS: u32 = 0o700;
/// How often a directory that was emptied may turn out not to be empty, all directories together.
const REPEATS: u32 = 64;
/// For how long this goes on after the first time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Names that are read at once. Who makes files all the time could otherwise make the list endless.
const NAMES: usize = 1 << 20;

/// Removes everything in `root` but its entry `kept`, as far as it can be removed.
///
/// # Errors
/// The first failure. `EXDEV`, `EBUSY`: something is mounted there. `ENOTEMPTY`: somebody makes files
/// all the time. `ESTALE`: somebody moved a directory while it was emptied.
pub fn remove_contents(root: BorrowedFd<'_>, kept: &[u8]) -> io::Result<()> {
    let mut removal = Removal {
        kept,
        current: open_root(root)?,
        way: Vec::new(),
        repeats: 0,
        end: None,
        failure: None,
    };
    removal.way.push(Level::of(&removal.current, Vec::new())?);
    while removal.step()? {}
    removal.failure.map_or(Ok(()), Err)
}

fn open_root(root: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    match own_directory::open_to_read(root) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            own_directory::set_mode(root, OWNERS)?;
            own_directory::open_to_read(root)
        }
        opened => opened,
    }
}

/// Removes the directory `name` of `parent`, which is empty. That it is gone already is no error.
///
/// # Errors
/// What unlinkat(2) says.
pub fn remove_directory(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    gone(unlinkat(parent, name, AtFlags::REMOVEDIR))
}

/// Removes the entry `name` of `parent`, which is no directory. That it is gone already is no error.
///
/// # Errors
/// What unlinkat(2) says.
pub fn remove_file(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    gone(unlinkat(parent, name, AtFlags::empty()))
}

fn gone(removed: rustix::io::Result<()>) -> io::Result<()> {
    match removed {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A directory on the way from the root to the current one.
struct Level {
    name: Vec<u8>,
    identity: String,
    /// Directories in it that are still to be removed; `None`: it was not read yet.
    below: Option<Vec<Vec<u8>>>,
    /// Something in it cannot be removed.
    stays: bool,
}

impl Level {
    fn of(directory: &OwnedFd, name: Vec<u8>) -> io::Result<Self> {
        Ok(Self {
            name,
            identity: file_identity(directory)?,
            below: None,
            stays: false,
        })
    }
}

struct Removal<'a> {
    kept: &'a [u8],
    /// The last directory of `way`, open to read.
    current: OwnedFd,
    way: Vec<Level>,
    repeats: u32,
    end: Option<Instant>,
    failure: Option<io::Error>,
}

impl Removal<'_> {
    /// Goes on a little; whether there is more to do.
    fn step(&mut self) -> io::Result<bool> {
        if self.end.is_some_and(|end| Instant::now() > end) {
            return Err(Errno::NOTEMPTY.into());
        }
        let Some(level) = self.way.last_mut() else {
            return Ok(false);
        };
        let Some(below) = &mut level.below else {
            let found = self.empty_of_files()?;
            if let Some(level) = self.way.last_mut() {
                level.below = Some(found);
            }
            return Ok(true);
        };
        match below.pop() {
            Some(name) => self.remove_below(name).map(|()| true),
            None => self.leave(),
        }
    }

    /// Removes what is no directory from the current one; returns the directories.
    fn empty_of_files(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut directories = Vec::new();
        for (name, is_directory) in self.entries()? {
            if is_directory {
                directories.push(name);
                continue;
            }
            match self.remove(&name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::ISDIR) => directories.push(name),
                Err(error) => self.fail(error.into()),
            }
        }
        Ok(directories)
    }

    /// The entries of the current directory, and whether each is known to be a directory.
    fn entries(&self) -> io::Result<Vec<(Vec<u8>, bool)>> {
        let read = || openat(&self.current, c".", FLAGS | OFlags::RDONLY, Mode::empty());
        let opened = match read() {
            Err(Errno::ACCESS) => {
                fchmod(&self.current, Mode::from_raw_mode(OWNERS))?;
                read()?
            }
            opened => opened?,
        };
        let kept = (self.way.len() == 1).then_some(self.kept);
        let mut names = Vec::new();
        for entry in Dir::from_fd(opened)?.iter().take(NAMES) {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." && Some(name) != kept {
                names.push((
                    name.to_vec(),
                    matches!(entry.file_type(), Some(Type::Directory)),
                ));
            }
        }
        Ok(names)
    }

    /// Removes an entry of the current directory, and gives this process the right to do so where
    /// only permission bits of the directory are missing.
    fn remove(&self, name: &[u8], flags: AtFlags) -> rustix::io::Result<()> {
        match unlinkat(&self.current, name, flags) {
            Err(Errno::ACCESS) => {
                fchmod(&self.current, Mode::from_raw_mode(OWNERS))?;
                unlinkat(&self.current, name, flags)
            }
            done => done,
        }
    }

    /// Removes a directory of the current one: at once where it is empty, else it becomes the current
    /// one.
    fn remove_below(&mut self, name: Vec<u8>) -> io::Result<()> {
        let entered = match self.remove(&name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::NOTDIR) => self.remove(&name, AtFlags::empty()).map(|()| None),
            Err(Errno::NOTEMPTY | Errno::EXIST) => match open_below(self.current.as_fd(), &name) {
                Ok(opened) => Ok(Some(opened)),
                Err(error) => {
                    self.fail(error);
                    return Ok(());
                }
            },
            Err(error) => Err(error),
        };
        match entered {
            Ok(Some(opened)) => {
                self.way.push(Level::of(&opened, name)?);
                self.current = opened;
            }
            Ok(None) => {}
            Err(error) => self.fail(error.into()),
        }
        Ok(())
    }

    /// The end of the current directory: removes it from the one that it is in.
    fn leave(&mut self) -> io::Result<bool> {
        let is_root = self.way.len() == 1;
        if is_root {
            let stays = self.way.last().is_some_and(|level| level.stays);
            return match stays || self.entries()?.is_empty() {
                true => Ok(false),
                false => self.again(),
            };
        }
        let Some(level) = self.way.pop() else {
            return Ok(false);
        };
        let Some(above) = self.way.last() else {
            return Ok(false);
        };
        let parent = open_above(self.current.as_fd(), &above.identity)?;
        let inner = std::mem::replace(&mut self.current, parent);
        match self.remove(&level.name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) if level.stays => {
                if let Some(above) = self.way.last_mut() {
                    above.stays = true;
                }
            }
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                self.current = inner;
                self.way.push(level);
                return self.again();
            }
            Err(error) => self.fail(error.into()),
        }
        Ok(true)
    }

    /// The current directory was emptied, and is not empty.
    fn again(&mut self) -> io::Result<bool> {
        self.repeats += 1;
        self.end.get_or_insert_with(|| Instant::now() + PATIENCE);
        if self.repeats > REPEATS {
            return Err(Errno::NOTEMPTY.into());
        }
        if let Some(level) = self.way.last_mut() {
            level.below = None;
        }
        Ok(true)
    }

    /// Something in the current directory cannot be removed: the rest is all the same.
    fn fail(&mut self, error: io::Error) {
        self.failure.get_or_insert(error);
        if let Some(level) = self.way.last_mut() {
            level.stays = true;
        }
    }
}

/// Opens the directory `name` of `parent` as a place (`O_PATH`), if nothing is mounted there.
///
/// # Errors
/// `EXDEV`: something is. `ENOTDIR`, `ELOOP`: it is no directory. And what openat(2) says.
pub fn open_place_below(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    open_on_this_mount(parent, name, OFlags::PATH)
}

/// Opens the directory `name` of `parent` to read it, if nothing is mounted there. Where its mode
/// keeps its owner out, that is changed.
fn open_below(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    match open_on_this_mount(parent, name, OFlags::RDONLY) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let place = open_on_this_mount(parent, name, OFlags::PATH)?;
            own_directory::set_mode(&place, OWNERS)?;
            own_directory::open_to_read(&place)
        }
        opened => opened,
    }
}

fn open_on_this_mount(parent: BorrowedFd<'_>, name: &[u8], access: OFlags) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match openat2(parent, name, FLAGS | access, Mode::empty(), resolve) {
        // Before Linux 5.6, or hidden by a seccomp filter.
        Err(Errno::NOSYS | Errno::PERM) => open_and_compare(parent, name, access),
        opened => Ok(opened?),
    }
}

/// The same without openat2(2). One file system may be mounted in several places, so that its device
/// number tells nothing.
fn open_and_compare(parent: BorrowedFd<'_>, name: &[u8], access: OFlags) -> io::Result<OwnedFd> {
    let opened = openat(parent, name, FLAGS | access, Mode::empty())?;
    match mount_id_of_old_kernel(parent)? == mount_id_of_old_kernel(opened.as_fd())? {
        true => Ok(opened),
        false => Err(Errno::XDEV.into()),
    }
}
