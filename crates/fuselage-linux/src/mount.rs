//! Mounts: the tmpfs, the read-only bind, and whether a directory is a tmpfs of ours.
//!
//! Sources and targets are descriptors, opened and checked by the caller; mount(2) reaches them as
//! `/proc/self/fd/N`. A descriptor of a directory that something is mounted over keeps meaning the
//! directory *below*: to use the mount, the caller opens the path again.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, fstat};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use rustix::fs::StatxAttributes;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use crate::descriptors::proc_path;
use crate::mount_attributes::{self, MountAttributes};
use crate::mount_table;

/// What every mount of ours has.
const HARMLESS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);

/// `TMPFS_MAGIC` of linux/magic.h; the type of `f_type` differs by architecture.
const TMPFS_MAGIC: i64 = 0x0102_1994;

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

/// Makes `tree`, and every mount below it, a read-only mount, `nosuid,nodev`, with the other flags
/// that its mounts have, on itself.
///
/// # Errors
/// As [`bind_read_only_at`].
pub fn bind_read_only(tree: BorrowedFd<'_>) -> Result<(), MountError> {
    bind_read_only_at(tree, tree)
}

/// Mounts `source` and every mount below it over `target`, read-only, `nosuid,nodev`, with the
/// other flags that its mounts have. Nothing is ever writable there, where the kernel has
/// `mount_setattr` (5.12); before, for an instant.
///
/// # Errors
/// `EPERM` as with [`mount_tmpfs`]; `EINVAL` when `source` is on a mount of another namespace or an
/// unbindable one; that or `ENOTDIR` when one of the two is a directory and the other is not.
pub fn bind_read_only_at(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), MountError> {
    match bind_in_one_go(source, target) {
        // EPERM: what old seccomp lists answer to calls they do not know. Where it is a true
        // refusal the other way is refused as well.
        Err(Errno::ENOSYS | Errno::EPERM) => bind_and_remount(source, target),
        other => other,
    }
    .map_err(MountError::at("bind read-only", target))
}

const READ_ONLY: MountAttributes = MountAttributes::RDONLY
    .union(MountAttributes::NOSUID)
    .union(MountAttributes::NODEV);

/// Linux 5.12: a detached copy, its flags, then attached.
fn bind_in_one_go(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let tree = detached_copy(source)?;
    mount_attributes::add_recursively(tree.as_fd(), READ_ONLY)?;
    attach(tree.as_fd(), target)
}

fn detached_copy(source: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(source, c"", flags).map_err(to_nix)
}

/// Attaches a detached mount over what `target` refers to.
pub(crate) fn attach(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, c"", target, c"", flags).map_err(to_nix)
}

/// Before Linux 5.12: bound by path, then each mount remounted with the flags it has, since a
/// remount replaces them all and may not take a locked one away.
fn bind_and_remount(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let path = path_of(target);
    let none = None::<&CStr>;
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(
        Some(&proc_path(source)),
        &proc_path(target),
        none,
        bind,
        none,
    )?;
    let bound = open_covering(&path, source)?;
    remount_read_only(bound.as_fd())?;
    let table = mount_table::read().map_err(errno_of)?;
    for line in mount_table::at_and_below(&table, &path) {
        if line.mount_point != path {
            let below = open(
                &line.mount_point,
                OFlag::O_PATH | OFlag::O_CLOEXEC,
                Mode::empty(),
            )?;
            remount_read_only(below.as_fd())?;
        }
    }
    Ok(())
}

/// Opens what is mounted at `path` now, which must show the same inode as `source`.
fn open_covering(path: &Path, source: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let opened = open(path, flags, Mode::empty())?;
    let (wanted, found) = (fstat(source)?, fstat(&opened)?);
    if (wanted.st_dev, wanted.st_ino) == (found.st_dev, found.st_ino) {
        Ok(opened)
    } else {
        Err(Errno::ESTALE)
    }
}

fn remount_read_only(mounted: BorrowedFd<'_>) -> Result<(), Errno> {
    let kept = kept_flags(fstatvfs(mounted)?.flags());
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | HARMLESS | kept;
    let none = None::<&CStr>;
    mount(none, &proc_path(mounted), none, flags, none)
}

/// Flags of the mount that a remount must repeat. Those of access times are not among them: a
/// remount that names none leaves them as they are (`path_mount` in fs/namespace.c).
fn kept_flags(now: FsFlags) -> MsFlags {
    /// `ST_NOSYMFOLLOW`, `MS_NOSYMFOLLOW` (Linux 5.10), which libc does not have for every target.
    const NO_SYMLINKS: (libc::c_ulong, libc::c_ulong) = (0x2000, 0x100);
    let mut kept = MsFlags::empty();
    if now.contains(FsFlags::ST_NOEXEC) {
        kept |= MsFlags::MS_NOEXEC;
    }
    if now.bits() & NO_SYMLINKS.0 != 0 {
        kept |= MsFlags::from_bits_retain(NO_SYMLINKS.1);
    }
    kept
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
    let file_system = rustix::fs::fstatfs(directory)?;
    #[allow(
        clippy::unnecessary_cast,
        reason = "the type of f_type differs by architecture"
    )]
    if file_system.f_type as i64 != TMPFS_MAGIC {
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

/// `None`: a kernel before 5.8, which does not tell.
fn is_mount_root(file: BorrowedFd<'_>) -> io::Result<Option<bool>> {
    let answer = status_extended(file, rustix::fs::StatxFlags::empty())?;
    let known = answer
        .stx_attributes_mask
        .contains(StatxAttributes::MOUNT_ROOT);
    Ok(known.then(|| answer.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)))
}

/// The id of the mount that `file` was opened on, as in mountinfo.
fn mount_id(file: BorrowedFd<'_>) -> io::Result<u64> {
    let wanted = rustix::fs::StatxFlags::MNT_ID;
    let answer = status_extended(file, wanted)?;
    if answer.stx_mask & wanted.bits() != 0 {
        return Ok(answer.stx_mnt_id);
    }
    mount_id_of_old_kernel(file)
}

/// Before Linux 5.8: the line `mnt_id:` of fdinfo.
fn mount_id_of_old_kernel(file: BorrowedFd<'_>) -> io::Result<u64> {
    use std::os::fd::AsRawFd;
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
    text.lines()
        .find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn status_extended(
    file: BorrowedFd<'_>,
    wanted: rustix::fs::StatxFlags,
) -> io::Result<rustix::fs::Statx> {
    Ok(rustix::fs::statx(
        file,
        c"",
        rustix::fs::AtFlags::EMPTY_PATH,
        wanted,
    )?)
}

/// The path that the kernel knows for `file`, for messages and to open what covers it.
pub(crate) fn path_of(file: BorrowedFd<'_>) -> PathBuf {
    let link = proc_path(file);
    std::fs::read_link(&link).unwrap_or(link)
}

pub(crate) fn to_nix(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

fn errno_of(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
