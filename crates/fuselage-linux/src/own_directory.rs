//! Directories that are to belong to one user: who owns them, who may enter them, taking the
//! others' access away.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{AccessFlags, faccessat};

/// Owner and permission bits of an open directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The uid, as this user namespace shows it.
    pub owner: u32,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
}

/// Opens a directory to read it, through symbolic links.
///
/// # Errors
/// What open(2) says; `ENOTDIR`.
pub fn open_following_links(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(AT_FDCWD, path, flags, Mode::empty())?)
}

/// Opens the directory `name` in `parent` as a place (`O_PATH`), through symbolic links.
///
/// # Errors
/// What openat(2) says; `ENOTDIR`.
pub fn open_place_at(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// Opens a place again to read it.
///
/// # Errors
/// `EACCES`: this user may not read it.
pub fn open_to_read(place: impl AsFd) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(place, ".", flags, Mode::empty())?)
}

/// Whether `parent` has an entry `name`, whatever it is; a symbolic link that leads nowhere is one.
///
/// # Errors
/// What fstatat(2) says, but `ENOENT`.
pub fn has_entry(parent: impl AsFd, name: &OsStr) -> io::Result<bool> {
    match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether the entry `name` of `parent` is a symbolic link, wherever it leads.
///
/// # Errors
/// What fstatat(2) says, but `ENOENT`: an entry that is not there is no link.
pub fn is_link(parent: impl AsFd, name: &OsStr) -> io::Result<bool> {
    match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) => {
            Ok(SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFLNK)
        }
        Err(Errno::ENOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an open directory has no entries.
///
/// # Errors
/// What open(2) and getdents(2) say.
pub fn is_empty(directory: impl AsFd) -> io::Result<bool> {
    let mut entries = nix::dir::Dir::from_fd(open_to_read(directory)?)?;
    for entry in entries.iter() {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Owner and mode of what is open.
///
/// # Errors
/// What fstat(2) says.
pub fn ownership(directory: impl AsFd) -> io::Result<Ownership> {
    let status = fstat(directory)?;
    Ok(Ownership {
        owner: status.st_uid,
        mode: status.st_mode & 0o7777,
    })
}

/// Asks whether this process, by its effective ids and capabilities, may make entries in an open
/// directory and use them.
///
/// # Errors
/// `EACCES`: it may not. `EROFS`: nobody may.
pub fn may_make_entries(directory: impl AsFd) -> io::Result<()> {
    let wanted = AccessFlags::W_OK | AccessFlags::X_OK;
    Ok(faccessat(directory, ".", wanted, AtFlags::AT_EACCESS)?)
}

/// Sets the permission bits of an open directory.
///
/// # Errors
/// `EPERM`: it is somebody else's. `EROFS`.
pub fn set_mode(directory: impl AsFd, mode: u32) -> io::Result<()> {
    Ok(fchmod(directory, Mode::from_bits_truncate(mode))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn entries_are_seen_also_when_they_are_links_to_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let open = open_following_links(directory.path()).unwrap();
        assert!(is_empty(&open).unwrap());
        symlink("nowhere", directory.path().join("link")).unwrap();
        assert!(has_entry(&open, "link".as_ref()).unwrap());
        assert!(!has_entry(&open, "nowhere".as_ref()).unwrap());
        assert!(is_link(&open, "link".as_ref()).unwrap());
        assert!(!is_link(&open, "nowhere".as_ref()).unwrap());
        std::fs::write(directory.path().join("file"), "").unwrap();
        assert!(!is_link(&open, "file".as_ref()).unwrap());
        assert!(!is_empty(&open).unwrap());
        assert!(
            !is_empty(&open).unwrap(),
            "reading it leaves its offset alone"
        );
    }

    #[test]
    fn a_mode_is_set_on_what_is_open() {
        let directory = tempfile::tempdir().unwrap();
        let open = open_following_links(directory.path()).unwrap();
        set_mode(&open, 0o711).unwrap();
        assert_eq!(ownership(&open).unwrap().mode, 0o711);
    }

    #[test]
    fn a_place_is_opened_through_a_link_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("real")).unwrap();
        symlink("real", directory.path().join("link")).unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let open = open_following_links(directory.path()).unwrap();
        let place = open_place_at(&open, "link".as_ref()).unwrap();
        assert!(is_empty(open_to_read(&place).unwrap()).unwrap());
        let refused = open_place_at(&open, "file".as_ref()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotADirectory);
    }
}
