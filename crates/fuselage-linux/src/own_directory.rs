//! Directories that are to belong to one user: who owns them, who may enter them, taking the
//! others' access away.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat, fstatat};
use nix::unistd::{AccessFlags, faccessat};

use crate::descriptors::proc_path;

/// Owner and permission bits of what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The uid, as this user namespace shows it.
    pub owner: u32,
    /// The gid, as this user namespace shows it.
    pub group: u32,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
}

/// A symbolic link that is open itself.
#[derive(Debug)]
pub struct Link {
    /// Whose it is, as this user namespace shows it.
    pub owner: u32,
    /// Where it leads.
    pub target: OsString,
}

/// Opens a directory to read it, through symbolic links.
///
/// # Errors
/// What open(2) says; `ENOTDIR`.
pub fn open_following_links(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(AT_FDCWD, path, flags, Mode::empty())?)
}

/// Opens the directory `name` in `parent` as a place (`O_PATH`); what is mounted there is opened.
///
/// # Errors
/// What openat(2) says; `ENOTDIR` also for a symbolic link ([`link_at`] tells).
pub fn open_place_at(parent: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    // O_DIRECTORY has what is mounted on demand mounted (autofs), which O_PATH alone does not.
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}

/// The symbolic link `name` in `parent`; `None`: what is there is none. Owner and target are those
/// of one link, whatever becomes of the name meanwhile.
///
/// # Errors
/// What openat(2) and readlinkat(2) say.
pub fn link_at(parent: impl AsFd, name: &OsStr) -> io::Result<Option<Link>> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = openat(parent, name, flags, Mode::empty())?;
    let status = fstat(&opened)?;
    if SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits()) != SFlag::S_IFLNK {
        return Ok(None);
    }
    Ok(Some(Link {
        owner: status.st_uid,
        target: readlinkat(&opened, "")?,
    }))
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

/// The names of the entries of an open directory, without `.` and `..`.
///
/// # Errors
/// What open(2) and getdents(2) say.
pub fn names(directory: impl AsFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in nix::dir::Dir::from_fd(open_to_read(directory)?)?.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// Owner and mode of what is open.
///
/// # Errors
/// What fstat(2) says.
pub fn ownership(directory: impl AsFd) -> io::Result<Ownership> {
    let status = fstat(directory)?;
    Ok(Ownership {
        owner: status.st_uid,
        group: status.st_gid,
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
    match faccessat(&directory, ".", wanted, AtFlags::AT_EACCESS) {
        // What old seccomp lists answer to faccessat2(2), Linux 5.8; the C library knows ENOSYS
        // alone. Where it is a true refusal, of an immutable directory, the other refuses as well.
        Err(Errno::EPERM) => may_make_entries_by_real_ids(directory),
        done => Ok(done?),
    }
}

/// faccessat(2), which C libraries make of the new call; who never was another user has no other
/// ids.
fn may_make_entries_by_real_ids(directory: impl AsFd) -> io::Result<()> {
    use rustix::fs::{Access, AtFlags, accessat};
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    Ok(accessat(directory, c".", wanted, AtFlags::empty())?)
}

/// Sets the permission bits of an open directory, also of one that was opened as a place.
///
/// # Errors
/// `EPERM`: it is somebody else's. `EROFS`. `ENOENT`: there is no /proc.
pub fn set_mode(directory: impl AsFd, mode: u32) -> io::Result<()> {
    // fchmod(2) takes no O_PATH; behind this link of proc(5) stands the open directory itself.
    let path = proc_path(directory);
    let mode = Mode::from_bits_truncate(mode);
    Ok(fchmodat(
        AT_FDCWD,
        &path,
        mode,
        FchmodatFlags::FollowSymlink,
    )?)
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
        assert!(!is_empty(&open).unwrap());
        assert!(
            !is_empty(&open).unwrap(),
            "reading it leaves its offset alone"
        );
    }

    #[test]
    fn a_mode_is_set_on_what_is_open() {
        let outer = tempfile::tempdir().unwrap();
        std::fs::create_dir(outer.path().join("a")).unwrap();
        let open = open_following_links(outer.path()).unwrap();
        let place = open_place_at(&open, "a".as_ref()).unwrap();
        // The name is another directory now.
        std::fs::rename(outer.path().join("a"), outer.path().join("b")).unwrap();
        std::fs::create_dir(outer.path().join("a")).unwrap();
        set_mode(&place, 0o1511).unwrap();
        assert_eq!(ownership(&place).unwrap().mode, 0o1511);
        let other = open_place_at(&open, "a".as_ref()).unwrap();
        assert_ne!(ownership(&other).unwrap().mode, 0o1511);
    }

    #[test]
    fn a_place_is_no_link_and_a_link_says_where_it_leads() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("real")).unwrap();
        symlink("real", directory.path().join("link")).unwrap();
        std::fs::write(directory.path().join("file"), "").unwrap();
        let open = open_following_links(directory.path()).unwrap();
        let place = open_place_at(&open, "real".as_ref()).unwrap();
        assert!(is_empty(open_to_read(&place).unwrap()).unwrap());
        for name in ["file", "link"] {
            let refused = open_place_at(&open, name.as_ref()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::NotADirectory, "{name}");
        }
        let link = link_at(&open, "link".as_ref()).unwrap().unwrap();
        assert_eq!(link.target, "real");
        assert_eq!(link.owner, crate::process::ids()[1]);
        assert!(link_at(&open, "real".as_ref()).unwrap().is_none());
    }
}
