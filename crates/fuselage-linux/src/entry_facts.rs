//! Entries of directories that are looked at and moved without following a link.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, OFlags, fstat, openat, renameat};
use rustix::io::Errno;

use crate::file_identity::file_identity;
use crate::own_directory::{open_place_at, set_mode};
use crate::own_file::{Status, status};

/// What an entry of a directory is; a symbolic link is one itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    /// As [`file_identity`] makes it.
    pub identity: String,
    /// The rest.
    pub status: Status,
}

/// What is open.
///
/// # Errors
/// What fstat(2) says.
pub fn open_facts(file: impl AsFd) -> io::Result<EntryFacts> {
    Ok(EntryFacts {
        identity: file_identity(&file)?,
        status: status(&file)?,
    })
}

/// What the entry `name` of `parent` is; `None`: there is none.
///
/// # Errors
/// What openat(2) says.
pub fn entry_facts(parent: impl AsFd, name: &[u8]) -> io::Result<Option<EntryFacts>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(file) => open_facts(file).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Moves an entry from one directory to another; false: there is none. A directory that its owner may
/// not write keeps its mode: such a one can be moved only while it is another (rename(2)).
///
/// # Errors
/// What renameat(2) says.
pub fn move_entry(
    (from, name): (BorrowedFd<'_>, &[u8]),
    (to, new): (BorrowedFd<'_>, &[u8]),
) -> io::Result<bool> {
    let rename = || renameat(from, name, to, new);
    let moved = match rename() {
        Err(Errno::ACCESS) => {
            let name = std::os::unix::ffi::OsStrExt::from_bytes(name);
            let directory = open_place_at(from, name)?;
            let mode = fstat(&directory)?.st_mode & 0o7777;
            set_mode(&directory, mode | 0o200)?;
            let moved = rename();
            set_mode(&directory, mode)?;
            moved
        }
        moved => moved,
    };
    match moved {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::own_file::{open_file, open_file_to_read};

    #[test]
    fn links_are_seen_and_never_followed() {
        let place = tempfile::tempdir().unwrap();
        let open = File::open(place.path()).unwrap();
        fs::write(place.path().join("file"), "four").unwrap();
        symlink("file", place.path().join("link")).unwrap();
        let facts = |name: &[u8]| entry_facts(&open, name).unwrap();
        let file = facts(b"file").unwrap();
        assert_eq!((file.status.is_file, file.status.size), (true, 4));
        let link = facts(b"link").unwrap().status;
        assert!(!link.is_file && !link.is_directory);
        assert_eq!(facts(b"missing"), None);
        let opened = open_file(&open, "file").unwrap();
        assert_eq!(open_facts(opened).unwrap(), file);
        assert!(open_file_to_read(&open, "link").is_err());
    }

    #[test]
    fn a_directory_that_is_read_only_is_moved_and_stays_so() {
        let place = tempfile::tempdir().unwrap();
        let (tree, to) = (place.path().join("tree"), place.path().join("to"));
        fs::create_dir(&tree).unwrap();
        fs::create_dir(&to).unwrap();
        fs::set_permissions(&tree, Permissions::from_mode(0o555)).unwrap();
        let moved = || {
            let [from, into] = [place.path(), &to].map(|path| File::open(path).unwrap());
            move_entry((from.as_fd(), b"tree"), (into.as_fd(), b"x"))
        };
        // Root needs no permission.
        let child = match crate::process::fork().unwrap() {
            crate::process::Forked::Child => {
                let lost = crate::capabilities::give_up().is_ok();
                crate::process::exit_now(i32::from(!(lost && moved().is_ok_and(|moved| moved))))
            }
            crate::process::Forked::Parent(child) => child,
        };
        let end = crate::process::wait_for(child).unwrap();
        assert_eq!(end, crate::process::ExitKind::Exited(0));
        let mode = fs::metadata(to.join("x")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o555);
        assert!(!moved().unwrap(), "there is nothing any more");
    }
}
