//! Restricting which files a process may reach (landlock(7)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use linux_raw_sys::landlock::{
    LANDLOCK_ACCESS_FS_IOCTL_DEV, LANDLOCK_ACCESS_FS_MAKE_DIR, LANDLOCK_ACCESS_FS_MAKE_REG,
    LANDLOCK_ACCESS_FS_MAKE_SYM, LANDLOCK_ACCESS_FS_READ_DIR, LANDLOCK_ACCESS_FS_READ_FILE,
    LANDLOCK_ACCESS_FS_REFER, LANDLOCK_ACCESS_FS_TRUNCATE, LANDLOCK_ACCESS_FS_WRITE_FILE,
    LANDLOCK_CREATE_RULESET_VERSION, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, LANDLOCK_SCOPE_SIGNAL,
    landlock_path_beneath_attr, landlock_rule_type, landlock_ruleset_attr,
};
use nix::errno::Errno;
use nix::libc;

/// The first version (Linux 5.19) in which a file can have names in two directories.
const LINKS: libc::c_long = 2;

/// What writing a tree needs.
const WRITING: u32 = LANDLOCK_ACCESS_FS_READ_DIR
    | LANDLOCK_ACCESS_FS_READ_FILE
    | LANDLOCK_ACCESS_FS_WRITE_FILE
    | LANDLOCK_ACCESS_FS_MAKE_DIR
    | LANDLOCK_ACCESS_FS_MAKE_REG
    | LANDLOCK_ACCESS_FS_MAKE_SYM
    | LANDLOCK_ACCESS_FS_REFER
    | LANDLOCK_ACCESS_FS_TRUNCATE;

/// Lets this process reach no file but below `root`, and there do no more than write trees. Files
/// that are open already stay as they are.
///
/// Where the kernel or the host has no Landlock for it, nothing is changed and the answer is false.
///
/// # Errors
/// What the calls of landlock(7) say otherwise; `EPERM`: new privileges were not given up before.
pub(crate) fn restrict_to(root: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: without an attribute the call returns the version and touches no memory.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<landlock_ruleset_attr>(),
            0,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    if version < LINKS {
        return Ok(false);
    }
    let handled = handled(version);
    // SAFETY: the structure is alive for the call, and its length is passed.
    let rules = checked(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const handled,
            size_of::<landlock_ruleset_attr>(),
            0,
        )
    })?;
    // SAFETY: the call has just made it, and nobody else owns it.
    let rules = unsafe { OwnedFd::from_raw_fd(rules as i32) };
    let beneath = landlock_path_beneath_attr {
        allowed_access: u64::from(WRITING) & handled.handled_access_fs,
        parent_fd: root.as_raw_fd(),
    };
    // SAFETY: the structure is alive for the call, and of the kind that the type says.
    checked(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            rules.as_fd().as_raw_fd(),
            landlock_rule_type::LANDLOCK_RULE_PATH_BENEATH,
            &raw const beneath,
            0,
        )
    })?;
    // SAFETY: takes a descriptor and a number; touches no memory.
    let status = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) };
    match checked(status) {
        Ok(_) => Ok(true),
        // Sixteen domains are around this process already, which is all that the kernel takes.
        Err(Errno::E2BIG) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Everything that this version can restrict.
fn handled(version: libc::c_long) -> landlock_ruleset_attr {
    let newest = match version {
        ..3 => LANDLOCK_ACCESS_FS_REFER,
        3..5 => LANDLOCK_ACCESS_FS_TRUNCATE,
        _ => LANDLOCK_ACCESS_FS_IOCTL_DEV,
    };
    let scoped = match version {
        ..6 => 0,
        _ => LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL,
    };
    landlock_ruleset_attr {
        // The rights are numbered as the versions brought them.
        handled_access_fs: (u64::from(newest) << 1) - 1,
        handled_access_net: 0,
        scoped: scoped.into(),
    }
}

fn checked(status: libc::c_long) -> nix::Result<libc::c_long> {
    match status {
        0.. => Ok(status),
        _ => Err(Errno::last()),
    }
}
