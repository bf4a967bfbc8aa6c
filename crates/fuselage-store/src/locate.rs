//! How much of a path is there.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use fuselage_linux::open::{make_directory_at, open_place};
use fuselage_linux::own_directory::{is_link, open_following_links, open_place_at, open_to_read};

use crate::error::Reason;

/// What a path leads to.
#[derive(Debug)]
pub(crate) enum Located {
    /// A directory, open to read.
    There(OwnedFd),
    /// Nothing yet.
    Missing(Missing),
}

/// A path of which the last names do not exist.
#[derive(Debug)]
pub(crate) struct Missing {
    /// The nearest directory that exists, as a place.
    pub(crate) ancestor: OwnedFd,
    /// Its path.
    pub(crate) ancestor_path: PathBuf,
    /// What is missing below it, in order; at least one.
    names: Vec<OsString>,
}

/// Follows an absolute path as far as it exists; symbolic links are followed like the kernel does.
pub(crate) fn locate(path: &Path) -> Result<Located, Reason> {
    if !path.is_absolute() {
        return Err(Reason::Relative);
    }
    if let Ok(directory) = open_following_links(path) {
        return Ok(Located::There(directory));
    }
    // Something is missing or in the way: name by name tells what.
    let mut place = open_place(Path::new("/")).map_err(call("open", Path::new("/")))?;
    let mut place_path = PathBuf::from("/");
    let mut names = path
        .components()
        .filter(|component| matches!(component, Component::Normal(_) | Component::ParentDir))
        .map(|component| component.as_os_str().to_owned());
    while let Some(name) = names.next() {
        let next = place_path.join(&name);
        match open_place_at(&place, &name) {
            Ok(opened) => (place, place_path) = (opened, next),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Anything else that is there by now was made by somebody else who starts: it counts
                // as missing, since `make` takes what it finds.
                if is_link(&place, &name).map_err(call("look at", &next))? {
                    return Err(Reason::DanglingLink { path: next });
                }
                let names = std::iter::once(name).chain(names).collect();
                return Ok(Located::Missing(Missing {
                    ancestor: place,
                    ancestor_path: place_path,
                    names,
                }));
            }
            Err(error) => return Err(in_the_way(&place_path, next, error)),
        }
    }
    match open_to_read(&place) {
        Ok(directory) => Ok(Located::There(directory)),
        Err(source) => Err(call("read", &place_path)(source)),
    }
}

impl Missing {
    /// Makes what is missing, each directory 0700, and opens the last. Somebody who makes the same
    /// at the same time is no error.
    pub(crate) fn make(self) -> Result<OwnedFd, Reason> {
        let (mut place, mut path) = (self.ancestor, self.ancestor_path);
        for name in &self.names {
            path.push(name);
            match make_directory_at(place.as_fd(), Path::new(name)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(call("make the directory", &path)(error)),
            }
            place = open_place_at(&place, name).map_err(call("open", &path))?;
        }
        open_to_read(&place).map_err(call("read", &path))
    }
}

fn in_the_way(parent: &Path, path: PathBuf, error: io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::NotADirectory => Reason::NotDirectory { path },
        io::ErrorKind::PermissionDenied => call("search", parent)(error),
        _ => call("open", &path)(error),
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
