//! Mounts: the tmpfs, the image, and whether a directory is a tmpfs of ours.
//!
//! Sources and targets are descriptors, opened and checked by the caller; mount(2) reaches them as
//! `/proc/self/fd/N`. A descriptor of a directory that something is mounted over keeps meaning the
//! directory *below*: to use the mount, the caller opens the path again.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, fstat};
use rustix::mount::{MoveMountFlags, move_mount};

use crate::descriptors::proc_path;
use crate::file_system_number::file_system_number;
use crate::mount_id::{is_mount_root, mount_id};
use crate::mount_table;
pub use crate::read_only_bind::{bind_read_only, bind_read_only_at};

/// What every mount of ours has.
pub(crate) const HARMLESS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);

/// Of linux/magic.h.
const TMPFS_MAGIC: u32 = 0x0102_1994;

/// A mount call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {what} at {target}: {} ({errno:?})", .errno.desc())]
pub struct MountError {
    /// What was tried, as in "cannot …".
    pub what: &'static str,
    /// On which path.
    pub target: String,
    /// The kernel's reason.
    pub errno: Errno,
}

impl MountError {
    pub(crate) fn new(what: &'static str, target: &Path, errno: impl Into<Errno>) -> Self {
        Self {
            what,
            target: target.display().to_string(),
            errno: errno.into(),
        }
    }

    /// Whether what was mounted on was replaced meanwhile ([`mount_tmpfs_at`]).
    pub fn is_of_another_directory(&self) -> bool {
        self.errno == Errno::ESTALE
    }

    /// Whether the kernel does not have that file system ([`mount_image`]).
    pub fn is_of_no_such_file_system(&self) -> bool {
        self.errno == Errno::ENODEV
    }

    /// For `map_err`; `target` is named by the path that the kernel knows for it.
    pub(crate) fn at(what: &'static str, target: BorrowedFd<'_>) -> impl Fn(Errno) -> Self {
        move |errno| Self::new(what, &path_of(target), errno)
    }
}

/// The settings of a tmpfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TmpfsOptions<'a> {
    /// Its source name in mountinfo.
    pub name: &'a str,
    /// How many bytes it may hold; the kernel rounds up to whole pages. Zero means one page (to the
    /// kernel it would mean no limit).
    pub size: u64,
    /// How many inodes it may hold, its root included. Zero means one.
    pub inodes: u64,
    /// Permission bits of its root.
    pub mode: u32,
}

/// Mounts a new tmpfs over `target`, `nosuid,nodev`; its root belongs to this process's file system
/// uid and gid.
///
/// Where the kernel has huge pages, a write gets pages as large as itself (`huge=within_size`, for
/// every size of page since 6.14) and never more than it needs: files are written and freed in two
/// thirds of the time (measured on 6.18).
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN` in the user namespace of the mount namespace, and from seccomp,
/// AppArmor and Landlock; `ENOENT` without /proc.
pub fn mount_tmpfs(target: BorrowedFd<'_>, options: &TmpfsOptions<'_>) -> Result<(), MountError> {
    let data = format!(
        "mode={:04o},size={},nr_inodes={}",
        options.mode & 0o7777,
        options.size.max(1),
        options.inodes.max(1)
    );
    let target_path = proc_path(target);
    let attempt = |data: &str| {
        mount(
            Some(options.name),
            &target_path,
            Some("tmpfs"),
            HARMLESS,
            Some(data),
        )
    };
    match attempt(&format!("{data},huge=within_size")) {
        // Without CONFIG_TRANSPARENT_HUGEPAGE the word is not known.
        Err(Errno::EINVAL) => attempt(&data),
        done => done,
    }
    .map_err(MountError::at("mount a tmpfs", target))
}

/// Mounts a new tmpfs over `below`, which is the directory `name` in `parent`, and opens its root
/// as a place (`O_PATH`): by that name in that directory, so whoever may write in `parent` must be
/// trusted.
///
/// # Errors
/// As [`mount_tmpfs`]; `ESTALE`: the name was given to something else meanwhile.
pub fn mount_tmpfs_at(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    below: BorrowedFd<'_>,
    options: &TmpfsOptions<'_>,
) -> Result<OwnedFd, MountError> {
    mount_tmpfs(below, options)?;
    open_mounted(parent, name, below).map_err(MountError::at("open the tmpfs mounted", below))
}

fn open_mounted(
    parent: BorrowedFd<'_>,
    name: &OsStr,
    below: BorrowedFd<'_>,
) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let root = match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Err(Errno::ESTALE),
        other => other?,
    };
    // Each tmpfs is a device of its own.
    if fstat(&root)?.st_dev == fstat(below)?.st_dev {
        return Err(Errno::ESTALE);
    }
    Ok(root)
}

/// Attaches a detached mount over what `target` refers to.
pub(crate) fn attach(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, c"", target, c"", flags).map_err(to_nix)
}

/// Takes away the topmost mount at `target`, which must be the root of a mount; `lazy` also when it
/// is in use (`MNT_DETACH`). A symlink in the last place is not followed.
///
/// # Errors
/// `EINVAL`: no mount point, or locked (umount(2)); `EBUSY`; `EPERM`.
pub fn unmount(target: &Path, lazy: bool) -> Result<(), MountError> {
    let detach = if lazy {
        MntFlags::MNT_DETACH
    } else {
        MntFlags::empty()
    };
    umount2(target, detach | MntFlags::UMOUNT_NOFOLLOW)
        .map_err(|errno| MountError::new("unmount", target, errno))
}

/// Mounts the image on the block device `device`, of the file system `file_system` (`squashfs`,
/// `erofs`), over `target`, `ro,nosuid,nodev`. For root in the initial user namespace.
///
/// # Errors
/// `EPERM` for anybody else; `ENODEV`: the kernel does not have that file system; `EINVAL`: that is
/// no such image, or it is damaged.
pub fn mount_image(
    device: &Path,
    file_system: &str,
    target: BorrowedFd<'_>,
) -> Result<(), MountError> {
    let flags = MsFlags::MS_RDONLY | HARMLESS;
    mount(
        Some(device),
        &proc_path(target),
        Some(file_system),
        flags,
        None::<&CStr>,
    )
    .map_err(MountError::at("mount an image", target))
}

/// Whether `directory` is the root of a tmpfs that another run of this user has mounted with the
/// source name `name`: the root of a mount and of its tmpfs, of the real uid, 0700, and named so in
/// the line of that mount in mountinfo.
///
/// # Errors
/// What statx(2), fstatfs(2) and reading /proc/self say.
pub fn is_own_tmpfs_root(directory: BorrowedFd<'_>, name: &str) -> io::Result<bool> {
    if file_system_number(directory)? != TMPFS_MAGIC {
        return Ok(false);
    }
    let status = rustix::fs::fstat(directory)?;
    let private = status.st_mode & (libc::S_IFMT | 0o7777) == libc::S_IFDIR | 0o700;
    if !private || status.st_uid != nix::unistd::getuid().as_raw() {
        return Ok(false);
    }
    let id = mount_id(directory)?;
    let table = mount_table::read()?;
    let Some(line) = table.iter().find(|line| line.id == id) else {
        return Ok(false);
    };
    Ok(line.file_system == "tmpfs"
        && line.source == name
        && line.root == Path::new("/")
        && is_mount_root(directory)?.unwrap_or_else(|| line.mount_point == path_of(directory)))
}

/// The path that the kernel knows for `file`, for messages and to open what covers it.
pub(crate) fn path_of(file: BorrowedFd<'_>) -> PathBuf {
    let link = proc_path(file);
    std::fs::read_link(&link).unwrap_or(link)
}

pub(crate) fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

pub(crate) fn to_nix(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}
