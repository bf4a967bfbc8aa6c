//! The read-only bind: a directory or file with every mount below it, shown where it is or
//! elsewhere.
//!
//! It is a snapshot of mounts: what the host mounts below the source later does not arrive, since
//! it would arrive writable.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, fstat};
use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::descriptors::proc_path;
use crate::mount::{HARMLESS, MountError, attach, errno_of, path_of, to_nix};
use crate::mount_attributes::{self, MountAttributes};
use crate::mount_id::mount_id;
use crate::mount_table;

/// Makes `tree`, and every mount below it, a read-only mount, `nosuid,nodev`, with the other flags
/// that its mounts have, on itself.
///
/// # Errors
/// As [`bind_read_only_at`].
pub fn bind_read_only(tree: BorrowedFd<'_>) -> Result<(), MountError> {
    bind_read_only_at(tree, tree)
}

/// Mounts `source` and every mount below it over `target`, read-only, `nosuid,nodev`, with the
/// other flags that its mounts have, and private: no later mount of the host arrives in it. Nothing
/// is ever writable there, where the kernel has `mount_setattr` (5.12); before, for an instant.
///
/// # Errors
/// `EPERM` as with [`crate::mount::mount_tmpfs`]; `EINVAL` when `source` is on a mount of another
/// namespace or an unbindable one; that or `ENOTDIR` when one of the two is a directory and the
/// other is not. Before 5.12 also `EACCES`: a mount below is in a directory that this user may not
/// search.
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
    mount_attributes::add_recursively_and_make_private(tree.as_fd(), READ_ONLY)?;
    attach(tree.as_fd(), target)
}

fn detached_copy(source: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(source, c"", flags).map_err(to_nix)
}

/// Before Linux 5.12: bound by path, then each mount remounted with the flags it has, since a
/// remount replaces them all and may not take a locked one away.
fn bind_and_remount(source: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<(), Errno> {
    let none = None::<&CStr>;
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(
        Some(&proc_path(source)),
        &proc_path(target),
        none,
        bind,
        none,
    )?;
    let bound = open_covering(target, source)?;
    // First, so that the table is whole when it is read.
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    mount(none, &proc_path(&bound), none, private, none)?;
    remount_read_only(bound.as_fd())?;
    remount_below(bound.as_fd())
}

/// Opens what is mounted over `target` now, which must show the same inode as `source`. Not by the
/// path of a directory: that may lead elsewhere meanwhile.
fn open_covering(target: BorrowedFd<'_>, source: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let path = path_of(target);
    let place = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let above = openat(target, c"..", place | OFlag::O_DIRECTORY, Mode::empty());
    let opened = match (above, path.file_name()) {
        (Ok(above), Some(name)) => openat(&above, name, place, Mode::empty())?,
        // Of the root directory: what covers it.
        (Ok(above), None) => above,
        // A file, or a directory that this user may not search.
        (Err(Errno::ENOTDIR | Errno::EACCES), _) => openat(AT_FDCWD, &path, place, Mode::empty())?,
        (Err(error), _) => return Err(error),
    };
    let (wanted, found) = (fstat(source)?, fstat(&opened)?);
    if (wanted.st_dev, wanted.st_ino) == (found.st_dev, found.st_ino) {
        Ok(opened)
    } else {
        Err(Errno::ESTALE)
    }
}

/// The mounts below the root `bound` of a mount. One that is covered stays as it is: whoever cannot
/// unmount what covers it never gets to it.
fn remount_below(bound: BorrowedFd<'_>) -> Result<(), Errno> {
    let id = mount_id(bound).map_err(|error| errno_of(&error))?;
    let table = mount_table::read().map_err(|error| errno_of(&error))?;
    let top = table.iter().find(|line| line.id == id);
    let top = &top.ok_or(Errno::ESTALE)?.mount_point;
    let place = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    for line in mount_table::reached_below(&table, id) {
        let path = line.mount_point.strip_prefix(top);
        let path = path.map_err(|_| Errno::ESTALE)?;
        let below = openat(bound, path, place, Mode::empty())?;
        if mount_id(below.as_fd()).map_err(|error| errno_of(&error))? != line.id {
            return Err(Errno::ESTALE);
        }
        remount_read_only(below.as_fd())?;
    }
    Ok(())
}

fn remount_read_only(mounted: BorrowedFd<'_>) -> Result<(), Errno> {
    let kept = kept_flags(fstatvfs(mounted).map_err(to_nix)?.f_flag);
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | HARMLESS | kept;
    let none = None::<&CStr>;
    mount(none, &proc_path(mounted), none, flags, none)
}

/// Flags of the mount that a remount must repeat. Those of access times are not among them: a
/// remount that names none leaves them as they are (`path_mount` in fs/namespace.c).
fn kept_flags(now: StatVfsMountFlags) -> MsFlags {
    /// `ST_NOSYMFOLLOW`, `MS_NOSYMFOLLOW` (Linux 5.10), which libc does not have for every target.
    const NO_SYMLINKS: (u64, libc::c_ulong) = (0x2000, 0x100);
    let mut kept = MsFlags::empty();
    if now.contains(StatVfsMountFlags::NOEXEC) {
        kept |= MsFlags::MS_NOEXEC;
    }
    if now.bits() & NO_SYMLINKS.0 != 0 {
        kept |= MsFlags::from_bits_retain(NO_SYMLINKS.1);
    }
    kept
}
