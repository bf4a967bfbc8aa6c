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

const FLAGS: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// What removing the entries of a directory takes.
const OWNERS: u32 = 0o700;
/// How often a directory that was emptied may turn out not to be empty, all directories together.
const REPEATS: u32 = 64;
/// For how long one directory is tried after the first time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Names that are read at once. Who makes files all the time could otherwise make the list endless.
#[cfg(not(test))]
const NAMES: usize = 1 << 20;
#[cfg(test)]
const NAMES: usize = 1 << 4;
/// How often there may be more than that, all directories together.
const CUTS: u32 = 1 << 12;

/// Removes everything in `root` but its entry `kept`, as far as it can be removed.
///
/// # Errors
/// The first failure. `EXDEV`, `EBUSY`: something is mounted there. `ENOTEMPTY`: somebody makes files
/// all the time. `ESTALE`: somebody moved directories all the time.
pub fn remove_contents(root: BorrowedFd<'_>, kept: &[u8]) -> io::Result<()> {
    let mut removal = Removal::begin(root, kept)?;
    while removal.step()? {}
    removal.failure.map_or(Ok(()), Err)
}

/// Opens a place to read it and to go on from it. Where its mode keeps its owner out, that is changed.
fn open_as_owner(place: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    match own_directory::open_to_read(place) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            own_directory::set_mode(place, OWNERS)?;
            own_directory::open_to_read(place)
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

/// Removes the entry `name` of `parent`, whatever it is. That it is gone already is no error.
///
/// # Errors
/// What unlinkat(2) says, and of a directory as [`remove_contents`].
pub fn remove_entry(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => {
            // No entry has this name.
            remove_contents(open_place_below(parent, name)?.as_fd(), b"")?;
            remove_directory(parent, name)
        }
        removed => gone(removed),
    }
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
    /// It has more names than were read at once.
    is_cut: bool,
    /// When it is not tried again any more.
    end: Option<Instant>,
    /// Something in it cannot be removed.
    stays: bool,
}

impl Level {
    fn of(directory: &OwnedFd, name: Vec<u8>) -> io::Result<Self> {
        Ok(Self {
            name,
            identity: file_identity(directory)?,
            below: None,
            is_cut: false,
            end: None,
            stays: false,
        })
    }
}

struct Removal<'a> {
    root: BorrowedFd<'a>,
    kept: &'a [u8],
    /// The last directory of `way`, open to read.
    current: OwnedFd,
    way: Vec<Level>,
    repeats: u32,
    cuts: u32,
    failure: Option<io::Error>,
}

impl<'a> Removal<'a> {
    fn begin(root: BorrowedFd<'a>, kept: &'a [u8]) -> io::Result<Self> {
        let current = open_as_owner(root)?;
        Ok(Self {
            root,
            kept,
            way: vec![Level::of(&current, Vec::new())?],
            current,
            repeats: 0,
            cuts: 0,
            failure: None,
        })
    }

    /// Goes on a little; whether there is more to do.
    fn step(&mut self) -> io::Result<bool> {
        let Some(level) = self.way.last_mut() else {
            return Ok(false);
        };
        let Some(below) = &mut level.below else {
            return self.empty_of_files().map(|()| true);
        };
        match below.pop() {
            Some(name) => self.remove_below(name).map(|()| true),
            None => self.leave(),
        }
    }

    /// Removes what is no directory from the current one, and notes the directories.
    fn empty_of_files(&mut self) -> io::Result<()> {
        let mut directories = Vec::new();
        let entries = self.entries()?;
        let is_cut = entries.len() == NAMES;
        for (name, is_directory) in entries {
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
        if let Some(level) = self.way.last_mut() {
            (level.below, level.is_cut) = (Some(directories), is_cut);
        }
        Ok(())
    }

    /// The entries of the current directory, and whether each is known to be a directory.
    fn entries(&self) -> io::Result<Vec<(Vec<u8>, bool)>> {
        let opened = open_as_owner(self.current.as_fd())?;
        let kept = (self.way.len() == 1).then_some(self.kept);
        let mut names = Vec::new();
        for entry in Dir::from_fd(opened)?.iter() {
            if names.len() == NAMES {
                break;
            }
            let entry = match entry {
                // Somebody else has removed this directory.
                Err(nix::errno::Errno::ENOENT) => break,
                entry => entry?,
            };
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
            Err(Errno::NOTDIR) => match self.remove(&name, AtFlags::empty()) {
                // It was replaced: this directory is not empty, and is read again.
                Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => Ok(None),
                Err(error) => Err(error),
            },
            Err(Errno::NOTEMPTY | Errno::EXIST) => match open_below(self.current.as_fd(), &name) {
                Ok(opened) => Ok(Some(opened)),
                Err(error) if was_replaced(&error) => Ok(None),
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
            if stays || self.entries()?.is_empty() {
                return Ok(false);
            }
            self.again();
            return Ok(true);
        }
        let Some(level) = self.way.pop() else {
            return Ok(false);
        };
        let Some(above) = self.way.last() else {
            return Ok(false);
        };
        let parent = match open_above(self.current.as_fd(), &above.identity) {
            Ok(parent) => parent,
            Err(error) => return self.start_over(error),
        };
        let inner = std::mem::replace(&mut self.current, parent);
        match self.remove(&level.name, AtFlags::REMOVEDIR) {
            // It was replaced: the directory above is not empty, and is read again.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) if level.stays => {
                if let Some(above) = self.way.last_mut() {
                    above.stays = true;
                }
            }
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                self.current = inner;
                self.way.push(level);
                self.again();
            }
            Err(error) => self.fail(error.into()),
        }
        Ok(true)
    }

    /// The current directory was emptied, and is not empty: it is read again, unless it stays.
    fn again(&mut self) {
        let (now, repeats) = (Instant::now(), self.repeats);
        let Some(level) = self.way.last_mut() else {
            return;
        };
        let is_tried = match level.is_cut {
            true => {
                self.cuts += 1;
                self.cuts <= CUTS
            }
            false => {
                self.repeats += 1;
                repeats < REPEATS && now <= *level.end.get_or_insert(now + PATIENCE)
            }
        };
        match is_tried {
            true => level.below = None,
            false => self.fail(Errno::NOTEMPTY.into()),
        }
    }

    /// There is no way back from the current directory, since somebody has moved it or changed its
    /// mode: goes the whole way once more.
    fn start_over(&mut self, error: io::Error) -> io::Result<bool> {
        self.repeats += 1;
        if self.repeats > REPEATS {
            return Err(error);
        }
        self.current = open_as_owner(self.root)?;
        self.way.truncate(1);
        if let Some(root) = self.way.last_mut() {
            root.below = None;
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

/// Whether opening a directory failed since its name is gone, or that of something else.
fn was_replaced(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    [Errno::NOENT, Errno::NOTDIR, Errno::LOOP]
        .map(|errno| Some(errno.raw_os_error()))
        .contains(&number)
}

/// Opens the directory `name` of `parent` as a place (`O_PATH`), if nothing is mounted there.
///
/// # Errors
/// `EXDEV`: something is. `ENOTDIR`, `ELOOP`: it is no directory. And what openat(2) says.
pub fn open_place_below(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match openat2(parent, name, FLAGS, Mode::empty(), resolve) {
        // Before Linux 5.6, or hidden by a seccomp filter.
        Err(Errno::NOSYS | Errno::PERM) => open_and_compare(parent, name),
        opened => Ok(opened?),
    }
}

/// The same without openat2(2). One file system may be mounted in several places, so that its device
/// number tells nothing.
fn open_and_compare(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let opened = openat(parent, name, FLAGS, Mode::empty())?;
    match mount_id_of_old_kernel(parent)? == mount_id_of_old_kernel(opened.as_fd())? {
        true => Ok(opened),
        false => Err(Errno::XDEV.into()),
    }
}

/// Opens the directory `name` of `parent` to read it, if nothing is mounted there. As a place first:
/// who may read a directory of somebody else's and not go on from it does not come out again.
fn open_below(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    open_as_owner(open_place_below(parent, name)?.as_fd())
}

#[cfg(test)]
mod tests;
