//! Files that are kept over runs in a directory that belongs to one user: names are never followed
//! through a symbolic link, and what was looked at is what is used.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
    fchmod, fdatasync, fstat, futimens, openat, openat2, renameat, syncfs, unlinkat,
};
use rustix::io::Errno;

use crate::file_identity::nanoseconds;
use crate::file_system_number::file_system_number;

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

impl Status {
    /// When its content or anything else of it changed last, in nanoseconds since 1970.
    pub fn last_change(&self) -> i128 {
        self.changed.max(self.modified)
    }
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
    Ok(Status {
        inode: status.st_ino as u64,
        device: status.st_dev as u64,
        size: status.st_size as u64,
        modified: nanoseconds(status.st_mtime, status.st_mtime_nsec),
        changed: nanoseconds(status.st_ctime, status.st_ctime_nsec),
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

/// Opens the file `name` in the directory `below` of `directory` to read alone; neither is a symbolic
/// link.
///
/// # Errors
/// As [`open_file`]; `ELOOP` or `ENOTDIR` where `below` is a symbolic link.
pub fn open_file_below(directory: impl AsFd, below: &str, name: &str) -> io::Result<File> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let path = format!("{below}/{name}");
    let flags = OFlags::RDONLY | FLAGS;
    match openat2(&directory, path, flags, Mode::empty(), resolve) {
        // Before Linux 5.6, or hidden by a seccomp filter.
        Err(Errno::NOSYS | Errno::PERM) => open_by_name(directory, below, name),
        opened => Ok(File::from(opened?)),
    }
}

/// The same without openat2(2).
fn open_by_name(directory: impl AsFd, below: &str, name: &str) -> io::Result<File> {
    let place = OFlags::PATH | OFlags::DIRECTORY | FLAGS;
    let below = openat(directory, below, place, Mode::empty())?;
    open_file_to_read(below, name)
}

/// Makes the file `name` in `directory`, to read and to write, with permission bits `mode` whatever
/// the umask is.
///
/// # Errors
/// `EEXIST`, and what openat(2) and fchmod(2) say.
pub fn make_file(directory: impl AsFd, name: &str, mode: u32) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | FLAGS;
    let mode = Mode::from_raw_mode(mode);
    let made = openat(directory, name, flags, mode)?;
    fchmod(&made, mode)?;
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
    const LASTING: [u32; 6] = [
        0xef53,      // ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0xf2f5_2010, // f2fs
        0x2fc1_2fc1, // zfs
        0xca45_1a4e, // bcachefs
    ];
    Ok(LASTING.contains(&file_system_number(file)?))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    type Opens = fn(File, &str, &str) -> io::Result<File>;

    #[test]
    fn no_link_is_followed_on_either_way() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("a")).unwrap();
        fs::write(place.path().join("a/f"), "x").unwrap();
        symlink("a", place.path().join("b")).unwrap();
        symlink("f", place.path().join("a/g")).unwrap();
        let below: Opens = |directory, below, name| open_file_below(directory, below, name);
        let by_name: Opens = |directory, below, name| open_by_name(directory, below, name);
        for open in [below, by_name] {
            let open = |below, name| open(File::open(place.path()).unwrap(), below, name);
            assert!(open("a", "f").is_ok(), "the twin");
            for (below, name) in [("b", "f"), ("a", "g"), ("c", "f")] {
                assert!(open(below, name).is_err(), "{below}/{name}");
            }
        }
        let root = File::open(place.path()).unwrap();
        for opened in [open_file(&root, "b"), open_file_to_read(&root, "b")] {
            let number = opened.unwrap_err().raw_os_error();
            assert_eq!(number, Some(Errno::LOOP.raw_os_error()));
        }
    }

    #[test]
    fn what_may_not_be_written_is_opened_to_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("f");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let root = File::open(place.path()).unwrap();
        // Root may write everything.
        let child = match crate::process::fork().unwrap() {
            crate::process::Forked::Child => {
                let lost = crate::capabilities::give_up().is_ok();
                let opened = open_file(&root, "f");
                let is_there = opened.is_ok_and(|file| io::Read::bytes(file).count() == 1);
                crate::process::exit_now(i32::from(!(lost && is_there)))
            }
            crate::process::Forked::Parent(child) => child,
        };
        let end = crate::process::wait_for(child).unwrap();
        assert_eq!(end, crate::process::ExitKind::Exited(0));
    }

    #[test]
    fn a_time_is_set_and_the_other_one_stays() {
        let place = tempfile::tempdir().unwrap();
        let root = File::open(place.path()).unwrap();
        let file = make_file(&root, "f", 0o600).unwrap();
        for time in [1_500_000_007, 0, -1_500_000_007] {
            set_modified(&file, time).unwrap();
            assert_eq!(status(&file).unwrap().modified, time);
        }
        let now = SystemTime::now();
        touch(&file).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        // The clock of files is behind by up to a tick.
        assert!(modified + Duration::from_secs(1) > now);
        assert!(file.metadata().unwrap().atime() > 0);
    }

    #[test]
    fn a_file_is_settled_two_seconds_after_it_changed() {
        let place = tempfile::tempdir().unwrap();
        let root = File::open(place.path()).unwrap();
        let file = make_file(&root, "f", 0o600).unwrap();
        let is_settled = |at| is_settled(file.as_fd(), at).unwrap();
        let now = SystemTime::now();
        assert!(!is_settled(now));
        assert!(
            !is_settled(now - Duration::from_secs(60)),
            "it is of the future"
        );
        assert!(is_settled(now + Duration::from_secs(3)));
        // A time that was set back hides nothing.
        set_modified(&file, 0).unwrap();
        assert!(!is_settled(now));
    }

    #[test]
    fn memory_keeps_no_inode_numbers() {
        let shared = fs::metadata("/dev/shm").and_then(|_| File::open("/dev/shm"));
        if let Ok(memory) = shared {
            assert!(!keeps_inode_numbers(memory).unwrap());
        }
        assert!(!keeps_inode_numbers(File::open("/proc").unwrap()).unwrap());
    }
}
