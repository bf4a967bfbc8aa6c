//! Files that are kept over runs in a directory that belongs to one user: names are never followed
//! through a symbolic link, and what was looked at is what is used.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fdatasync, fstat,
    fstatfs, futimens, openat, renameat, syncfs, unlinkat,
};
use rustix::io::Errno;

const FLAGS: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// What fstat(2) says of an open file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Unique on its file system.
    pub inode: u64,
    /// Of its file system, until that is mounted again.
    pub device: u64,
    /// Bytes.
    pub size: u64,
    /// When its content changed, in nanoseconds since 1970.
    pub modified: i128,
    /// When anything of it changed, in nanoseconds since 1970; nobody can set it back.
    pub changed: i128,
    /// The uid, as this user namespace shows it.
    pub owner: u32,
    /// The gid, as this user namespace shows it.
    pub group: u32,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// How many names it has.
    pub names: u64,
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// Looks at what is open.
///
/// # Errors
/// What fstat(2) says.
#[allow(
    clippy::unnecessary_cast,
    reason = "the types of some fields differ by architecture"
)]
pub fn status(file: impl AsFd) -> io::Result<Status> {
    let status = fstat(file)?;
    let kind = FileType::from_raw_mode(status.st_mode);
    let time = |seconds: i64, rest: i128| i128::from(seconds) * 1_000_000_000 + rest;
    Ok(Status {
        inode: status.st_ino as u64,
        device: status.st_dev as u64,
        size: status.st_size as u64,
        modified: time(status.st_mtime as i64, status.st_mtime_nsec as i128),
        changed: time(status.st_ctime as i64, status.st_ctime_nsec as i128),
        owner: status.st_uid,
        group: status.st_gid,
        mode: status.st_mode & 0o7777,
        names: status.st_nlink as u64,
        is_file: kind == FileType::RegularFile,
        is_directory: kind == FileType::Directory,
    })
}

/// Opens the file `name` in `directory` to read, and to write where that is allowed: some network
/// file systems lock no other.
///
/// # Errors
/// What openat(2) says; `ELOOP` for a symbolic link, `EISDIR` for a directory.
pub fn open_file(directory: impl AsFd, name: &str) -> io::Result<File> {
    let open = |flags| openat(&directory, name, flags | FLAGS, Mode::empty());
    let opened = match open(OFlags::RDWR) {
        Err(Errno::ACCESS | Errno::ROFS | Errno::PERM) => open(OFlags::RDONLY),
        opened => opened,
    };
    Ok(File::from(opened?))
}

/// Opens the file `name` in `directory` to read alone.
///
/// # Errors
/// As [`open_file`].
pub fn open_file_to_read(directory: impl AsFd, name: &str) -> io::Result<File> {
    let opened = openat(directory, name, OFlags::RDONLY | FLAGS, Mode::empty());
    Ok(File::from(opened?))
}

/// Makes the file `name` in `directory`, to read and to write, with permission bits `mode` less the
/// umask.
///
/// # Errors
/// `EEXIST`, and what openat(2) says.
pub fn make_file(directory: impl AsFd, name: &str, mode: u32) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | FLAGS;
    let made = openat(directory, name, flags, Mode::from_raw_mode(mode))?;
    Ok(File::from(made))
}

/// Renames an entry; what has the new name is replaced, if the two are of a kind.
///
/// # Errors
/// What renameat(2) says.
pub fn rename(from: impl AsFd, name: &str, to: impl AsFd, new_name: &str) -> io::Result<()> {
    Ok(renameat(from, name, to, new_name)?)
}

/// Removes the name of a file or a symbolic link. That it is gone already is no error.
///
/// # Errors
/// What unlinkat(2) says; `EISDIR` for a directory.
pub fn unlink(directory: impl AsFd, name: &str) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Sets when the content of an open file changed to now.
///
/// # Errors
/// What utimensat(2) says.
pub fn touch(file: impl AsFd) -> io::Result<()> {
    set_times(file, 0, UTIME_NOW)
}

/// Sets when the content of an open file changed, in nanoseconds since 1970.
///
/// # Errors
/// What utimensat(2) says.
pub fn set_modified(file: impl AsFd, time: i128) -> io::Result<()> {
    let seconds = time.div_euclid(1_000_000_000);
    let rest = time.rem_euclid(1_000_000_000);
    let seconds = i64::try_from(seconds).map_err(io::Error::other)?;
    set_times(file, seconds, rest as _)
}

fn set_times(file: impl AsFd, tv_sec: i64, tv_nsec: rustix::fs::Nsecs) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec { tv_sec, tv_nsec },
    };
    Ok(futimens(file, &times)?)
}

/// Writes everything of the file system of `place` to the disk. Since Linux 5.8 an error of that is
/// told.
///
/// # Errors
/// What syncfs(2) says.
pub fn sync_file_system(place: impl AsFd) -> io::Result<()> {
    // It takes no descriptor of a place.
    let opened = openat(
        place,
        c".",
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(syncfs(opened)?)
}

/// Writes the content of an open file to the disk.
///
/// # Errors
/// What fdatasync(2) says.
pub fn sync_content(file: impl AsFd) -> io::Result<()> {
    Ok(fdatasync(file)?)
}

/// Whether the inode numbers of the file system of an open file last, so that a file has the same
/// one after the host was started again. Others, tmpfs and overlay for example, may give them anew.
///
/// # Errors
/// What fstatfs(2) says.
pub fn keeps_inode_numbers(file: impl AsFd) -> io::Result<bool> {
    // linux/magic.h; ext2, ext3 and ext4 have one number.
    const LASTING: [u64; 6] = [
        0xef53,      // ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0xf2f5_2010, // f2fs
        0x2fc1_2fc1, // zfs
        0xca45_1a4e, // bcachefs
    ];
    #[allow(
        clippy::unnecessary_cast,
        reason = "the type of f_type differs by architecture"
    )]
    let kind = fstatfs(file)?.f_type as u64 & 0xffff_ffff;
    Ok(LASTING.contains(&kind))
}

/// Whether a file has been as it is since two seconds before `now`: what is written from now on gives
/// it other times, whatever the file system rounds them to (FAT has two seconds).
///
/// # Errors
/// What fstat(2) says.
pub fn is_settled(file: BorrowedFd<'_>, now: SystemTime) -> io::Result<bool> {
    const WHILE: Duration = Duration::from_secs(2);
    let status = status(file)?;
    let before = now.checked_sub(WHILE);
    let before = before.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let before = before.map_or(0, |time| time.as_nanos() as i128);
    Ok(status.modified < before && status.changed < before)
}
