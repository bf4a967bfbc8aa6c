//! How much of a path is there, and whether it will still lead there when it is used.
//!
//! A path is only as good as each directory on it: whoever may write in one of them, or owns it,
//! can put something else in its place between a check and a use. So the walk goes name by name,
//! symbolic links included, and goes on only where nobody but root and the user could do so. What
//! it has found can then be reached by the same path again.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use fuselage_linux::open::{make_directory_at, open_place};
use fuselage_linux::own_directory::{Ownership, link_at, open_place_at, ownership, set_mode};

use crate::error::Reason;
use crate::user::{Intruder, STICKY, User};

/// As many symbolic links as the kernel follows (path_resolution(7)).
const LINKS: u32 = 40;

/// The permission bits of what is made.
pub(crate) const OWNERS: u32 = 0o700;

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Located {
    /// A directory, as a place.
    There(OwnedFd),
    /// Nothing yet.
    Missing(Missing),
}

/// A path of which the last names do not exist.
#[derive(Debug)]
pub(crate) struct Missing {
    /// The nearest directory that exists, as a place.
    pub(crate) ancestor: OwnedFd,
    /// Its path, without symbolic links.
    pub(crate) ancestor_path: PathBuf,
    /// What is missing below it, in order; at least one.
    names: Vec<OsString>,
}

/// Follows an absolute path as far as it exists, like the kernel does. Whose the last directory is
/// and what it is like is not looked at.
pub(crate) fn locate(path: &Path, user: &User) -> Result<Located, Reason> {
    if !path.is_absolute() {
        return Err(Reason::Relative);
    }
    let mut walk = Walk::begin(user)?;
    walk.add(path);
    while let Some(name) = walk.ahead.pop() {
        rely_on(&walk.place, &walk.path, user)?;
        match open_place_at(&walk.place, &name) {
            Ok(opened) => walk.enter(opened, &name),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => return walk.missing(name).map(Located::Missing),
                io::ErrorKind::NotADirectory => walk.follow(&name)?,
                _ => return Err(in_the_way(&walk.path, &name, error)),
            },
        }
    }
    Ok(Located::There(walk.place))
}

/// Makes sure that nobody but root and the user can replace what is in `directory`.
pub(crate) fn rely_on(directory: &OwnedFd, path: &Path, user: &User) -> Result<(), Reason> {
    let found = ownership(directory).map_err(call("look at", path))?;
    match user.intruder(found) {
        None => Ok(()),
        Some(intruder) => Err(replaceable(path.to_owned(), intruder, user)),
    }
}

/// The same, and that nobody else can add to it: not even where each may replace only what is its own.
pub(crate) fn rely_on_all(directory: &OwnedFd, path: &Path, user: &User) -> Result<(), Reason> {
    let found = ownership(directory).map_err(call("look at", path))?;
    let mode = found.mode & !STICKY;
    match user.intruder(Ownership { mode, ..found }) {
        None => Ok(()),
        Some(intruder) => Err(replaceable(path.to_owned(), intruder, user)),
    }
}

fn replaceable(path: PathBuf, intruder: Intruder, user: &User) -> Reason {
    match intruder {
        // Root in the directory of a user: that is nothing out of order.
        Intruder::Owner(owner) if user.uid == 0 => Reason::Owner {
            path,
            owner,
            user: user.uid,
        },
        intruder => Reason::Replaceable { path, intruder },
    }
}

/// A walk along a path.
struct Walk<'a> {
    user: &'a User,
    place: OwnedFd,
    /// The path of `place`, without symbolic links.
    path: PathBuf,
    /// What is still to come, the next name last.
    ahead: Vec<OsString>,
    followed: u32,
    /// The link that is being followed, and how many names are ahead behind its target.
    link: Option<(PathBuf, usize)>,
}

impl<'a> Walk<'a> {
    fn begin(user: &'a User) -> Result<Self, Reason> {
        let path = PathBuf::from("/");
        Ok(Self {
            user,
            place: open_place(&path).map_err(call("open", &path))?,
            path,
            ahead: Vec::new(),
            followed: 0,
            link: None,
        })
    }

    fn add(&mut self, path: &Path) {
        let names = path
            .components()
            .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir));
        let names = names.map(|component| component.as_os_str().to_owned());
        self.ahead.extend(names.rev());
    }

    fn enter(&mut self, opened: OwnedFd, name: &OsStr) {
        self.place = opened;
        if name == ".." {
            self.path.pop();
        } else {
            self.path.push(name);
        }
        if let Some((_, behind)) = self.link
            && self.ahead.len() <= behind
        {
            self.link = None;
        }
    }

    /// Goes on where the symbolic link `name` leads.
    fn follow(&mut self, name: &OsStr) -> Result<(), Reason> {
        let path = self.path.join(name);
        let link = link_at(&self.place, name).map_err(call("look at", &path))?;
        let Some(link) = link else {
            return Err(Reason::NotDirectory { path });
        };
        if !self.user.relies_on(link.owner) {
            return Err(replaceable(path, Intruder::Owner(link.owner), self.user));
        }
        self.followed += 1;
        if self.followed > LINKS {
            let error = io::Error::other("too many symbolic links");
            return Err(call("follow", &path)(error));
        }
        self.link.get_or_insert((path, self.ahead.len()));
        let target = Path::new(&link.target);
        if target.is_absolute() {
            self.path = PathBuf::from("/");
            self.place = open_place(&self.path).map_err(call("open", &self.path))?;
        }
        self.add(target);
        Ok(())
    }

    /// The end of the walk: there is no `name`.
    fn missing(self, name: OsString) -> Result<Missing, Reason> {
        match self.link {
            Some((path, _)) => Err(Reason::DanglingLink { path }),
            // What is made would be left behind, and the way could lead anywhere.
            None if self.ahead.iter().any(|ahead| ahead == "..") => Err(Reason::Missing {
                path: self.path.join(name),
            }),
            None => Ok(Missing {
                ancestor: self.place,
                ancestor_path: self.path,
                names: std::iter::once(name)
                    .chain(self.ahead.into_iter().rev())
                    .collect(),
            }),
        }
    }
}

impl Missing {
    /// Makes what is missing, each directory with the permission bits `mode`, and opens the last.
    /// Somebody who makes the same at the same time is no error, if that is this user or root.
    pub(crate) fn make(self, user: &User, mode: u32) -> Result<OwnedFd, Reason> {
        let (mut place, mut path) = (self.ancestor, self.ancestor_path);
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                rely_on(&place, &path, user)?;
            }
            path.push(name);
            place = make_with_mode(&place, name, &path, mode)?;
        }
        Ok(place)
    }
}

/// Opens the directory `name` in `parent` as a place; one that is missing is made, 0700.
pub(crate) fn make_and_open(
    parent: &OwnedFd,
    name: &OsStr,
    path: &Path,
) -> Result<OwnedFd, Reason> {
    make_with_mode(parent, name, path, OWNERS)
}

fn make_with_mode(
    parent: &OwnedFd,
    name: &OsStr,
    path: &Path,
    mode: u32,
) -> Result<OwnedFd, Reason> {
    match open_place_at(parent, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other.map_err(no_directory(parent, name, path)),
    }
    let made = make_directory_at(parent.as_fd(), Path::new(name));
    let opened = open_place_at(parent, name).map_err(no_directory(parent, name, path));
    match made {
        Ok(()) => {
            let opened = opened?;
            // The umask may have taken rights from its owner.
            set_mode(&opened, mode).map_err(call("set the mode of", path))?;
            Ok(opened)
        }
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => opened,
        Err(error) => Err(call("make the directory", path)(error)),
    }
}

/// For `map_err`: why `name` cannot be opened as a directory that is no symbolic link.
pub(crate) fn no_directory(
    parent: &OwnedFd,
    name: &OsStr,
    path: &Path,
) -> impl Fn(io::Error) -> Reason {
    move |error| match error.kind() {
        // What O_NOFOLLOW with O_DIRECTORY gives for a link as well (open(2)).
        io::ErrorKind::NotADirectory => match link_at(parent, name) {
            Ok(Some(_)) => Reason::Link {
                path: path.to_owned(),
            },
            _ => Reason::NotDirectory {
                path: path.to_owned(),
            },
        },
        _ => call("open", path)(error),
    }
}

fn in_the_way(parent: &Path, name: &OsStr, error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::PermissionDenied => call("search", parent)(error),
        _ => call("open", &parent.join(name))(error),
    }
}

/// For `map_err`.
pub(crate) fn call(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Reason {
    move |source| match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => Reason::ReadOnly {
            path: path.to_owned(),
        },
        _ => Reason::Call {
            what,
            path: path.to_owned(),
            source,
        },
    }
}
