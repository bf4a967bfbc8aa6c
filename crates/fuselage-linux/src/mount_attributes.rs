//! Flags of mounts that exist: mount_setattr(2), Linux 5.12, which no crate offers.

use std::os::fd::{AsRawFd, BorrowedFd};

use linux_raw_sys::general::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY, mount_attr};
use nix::errno::Errno;
use nix::libc;

/// A set of `MOUNT_ATTR_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MountAttributes(u64);

impl MountAttributes {
    pub(crate) const RDONLY: Self = Self(MOUNT_ATTR_RDONLY as u64);
    pub(crate) const NOSUID: Self = Self(MOUNT_ATTR_NOSUID as u64);
    pub(crate) const NODEV: Self = Self(MOUNT_ATTR_NODEV as u64);

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Adds flags to the mount whose root is `mounted`, keeping those it has.
pub(crate) fn add(mounted: BorrowedFd<'_>, added: MountAttributes) -> Result<(), Errno> {
    set(mounted, 0, added, 0)
}

/// The same for every mount below too, all or none; they neither send nor receive mounts and
/// unmounts any more.
pub(crate) fn add_recursively_and_make_private(
    mounted: BorrowedFd<'_>,
    added: MountAttributes,
) -> Result<(), Errno> {
    set(mounted, libc::AT_RECURSIVE, added, libc::MS_PRIVATE)
}

fn set(
    mounted: BorrowedFd<'_>,
    how: libc::c_int,
    added: MountAttributes,
    propagation: libc::c_ulong,
) -> Result<(), Errno> {
    let attributes = mount_attr {
        attr_set: added.0,
        attr_clr: 0,
        propagation,
        userns_fd: 0,
    };
    // SAFETY: the path is a string that ends in NUL, the structure is valid and as long as is said;
    // the kernel only reads them, and changes no memory and no descriptor.
    let status = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mounted.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | how,
            &raw const attributes,
            size_of::<mount_attr>(),
        )
    };
    Errno::result(status).map(drop)
}
