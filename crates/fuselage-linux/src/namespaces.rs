//! A user namespace and a mount namespace of this process's own, with every failing step named.
//!
//! Nothing here allocates, so that a probe may call it in a forked child of a threaded process.

use std::ffi::CStr;
use std::fmt;
use std::io::Write;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, access, getegid, geteuid, write};

/// What was being done when a namespace was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceStep {
    /// Finding this process in /proc, by which descriptors are mounted on and the id maps written.
    Proc,
    /// `unshare(CLONE_NEWUSER)`.
    UserNamespace,
    /// `unshare(CLONE_NEWNS)`.
    MountNamespace,
    /// `deny` into `/proc/self/setgroups`.
    SetGroups,
    /// One line into `/proc/self/gid_map`.
    GidMap,
    /// One line into `/proc/self/uid_map`.
    UidMap,
    /// Making `/` recursively a slave.
    Propagation,
    /// The first mount in the new namespace.
    FirstMount,
}

impl fmt::Display for NamespaceStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Proc => "find this process in /proc (/proc/self/fd)",
            Self::UserNamespace => "make a user namespace (unshare(CLONE_NEWUSER))",
            Self::MountNamespace => "make a mount namespace (unshare(CLONE_NEWNS))",
            Self::SetGroups => "write `deny` to /proc/self/setgroups",
            Self::GidMap => "write /proc/self/gid_map",
            Self::UidMap => "write /proc/self/uid_map",
            Self::Propagation => "make / recursively a slave mount",
            Self::FirstMount => "mount a tmpfs in the new mount namespace",
        })
    }
}

/// A step that failed, and the kernel's reason. [`crate::refusal::diagnose`] finds the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {step}: {} ({errno:?})", .errno.desc())]
pub struct NamespaceError {
    /// What was being done.
    pub step: NamespaceStep,
    /// The kernel's reason.
    pub errno: Errno,
}

impl NamespaceStep {
    fn failed(self) -> impl FnOnce(Errno) -> NamespaceError {
        move |errno| NamespaceError { step: self, errno }
    }
}

/// Makes sure that /proc is that of this process: much that is done before and behind the
/// namespaces fails without it, and each with an error that does not name /proc.
///
/// # Errors
/// The step and its errno.
pub fn require_proc() -> Result<(), NamespaceError> {
    access(c"/proc/self/fd", AccessFlags::F_OK).map_err(NamespaceStep::Proc.failed())
}

/// Moves this process into a user namespace and a mount namespace of its own, where its effective
/// uid and gid are mapped to themselves and it has every capability until execve(2).
///
/// The process must have one thread. Mounts of the host keep arriving, ours are seen by nobody
/// else. After an error the process may be in a new namespace already and is good for ending only.
///
/// # Errors
/// The step and its errno.
pub fn enter_user_namespace() -> Result<(), NamespaceError> {
    // Ids are read before: inside and without a map they are the overflow ids.
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    // Two calls, since one errno for both would tell less.
    unshare(CloneFlags::CLONE_NEWUSER).map_err(NamespaceStep::UserNamespace.failed())?;
    unshare(CloneFlags::CLONE_NEWNS).map_err(NamespaceStep::MountNamespace.failed())?;
    // Without privilege outside, a gid may be mapped only when setgroups(2) is denied
    // (user_namespaces(7)).
    write_once(c"/proc/self/setgroups", b"deny").map_err(NamespaceStep::SetGroups.failed())?;
    write_identity_map(c"/proc/self/gid_map", gid).map_err(NamespaceStep::GidMap.failed())?;
    write_identity_map(c"/proc/self/uid_map", uid).map_err(NamespaceStep::UidMap.failed())?;
    make_root_slave()
}

/// Moves this process into a mount namespace of its own, for root (`CAP_SYS_ADMIN`).
///
/// The process must have one thread, else the others stay outside.
///
/// # Errors
/// The step and its errno. That `/` cannot be made a slave (`EINVAL` in a chroot whose `/` is no
/// mount point) is an error: mounts would reach the host.
pub fn enter_mount_namespace() -> Result<(), NamespaceError> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(NamespaceStep::MountNamespace.failed())?;
    make_root_slave()
}

/// Slave and not private: what the host mounts later still arrives, and its unmounts do too.
fn make_root_slave() -> Result<(), NamespaceError> {
    let flags = MsFlags::MS_REC | MsFlags::MS_SLAVE;
    mount(None::<&CStr>, c"/", None::<&CStr>, flags, None::<&CStr>)
        .map_err(NamespaceStep::Propagation.failed())
}

fn write_identity_map(file: &CStr, id: u32) -> Result<(), Errno> {
    let mut line = [0_u8; 32];
    let mut rest = line.as_mut_slice();
    // Two ids of at most ten digits and the rest are shorter than the buffer.
    write!(rest, "{id} {id} 1").map_err(|_| Errno::EOVERFLOW)?;
    let length = 32 - rest.len();
    write_once(file, &line[..length])
}

/// These files take their content in one write(2), which is whole or an error.
fn write_once(file: &CStr, content: &[u8]) -> Result<(), Errno> {
    let file = open(file, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    match write(&file, content)? {
        written if written == content.len() => Ok(()),
        _ => Err(Errno::EIO),
    }
}
