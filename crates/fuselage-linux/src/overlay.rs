//! The overlay: a tree, and over it a layer that takes what is changed (overlayfs, kernel
//! documentation).

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::mount::mount;
use rustix::fs::{
    AtFlags, Mode, Timespec, Timestamps, XattrFlags, chmod, removexattr, setxattr, utimensat,
};

use crate::descriptors::proc_path;
use crate::mount::{HARMLESS, MountError, to_nix};

/// The directories of an overlay.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// The tree, which is never changed.
    pub lower: BorrowedFd<'a>,
    /// An empty directory for what is changed.
    pub upper: BorrowedFd<'a>,
    /// An empty directory beside it, for the kernel.
    pub work: BorrowedFd<'a>,
}

/// Which extended attributes of the upper directory the kernel keeps its notes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributes {
    /// `user.overlay.*` (`userxattr`, Linux 5.11): all that a user namespace may. Renaming a directory
    /// of the tree gives `EXDEV`.
    User,
    /// `trusted.overlay.*`, for root of the host. Directories are renamed (`redirect_dir`), and the
    /// names of a file with several stay one file (`index`).
    Trusted,
}

impl Attributes {
    fn options(self) -> &'static str {
        match self {
            Self::User => "userxattr",
            Self::Trusted => "redirect_dir=on,index=on",
        }
    }

    /// A name for trying whether there can be any.
    fn tried(self) -> &'static str {
        match self {
            Self::User => "user.fuselage",
            Self::Trusted => "trusted.fuselage",
        }
    }
}

/// Mounts an overlay of `layers` over `target`, `nosuid,nodev`. Its root has the mode and time of the
/// lower tree's.
///
/// Without `xino` (`xino=off`): with it inode numbers exceed what a double can hold, which is all that
/// JavaScript has.
///
/// # Errors
/// `ENODEV`: the kernel has no overlay; `EINVAL`: too many file systems on each other, or a kernel
/// that does not know the attributes; `EOPNOTSUPP`: the file system of the upper directory has no such
/// attributes (`user.*` on a tmpfs: Linux 6.6), without which a directory could not be replaced;
/// `EPERM`: refused.
pub fn mount_overlay(
    layers: &Layers<'_>,
    attributes: Attributes,
    target: BorrowedFd<'_>,
) -> Result<(), MountError> {
    take_after(layers.upper, layers.lower).map_err(MountError::at("prepare a layer", target))?;
    try_attributes(layers.upper, attributes)
        .map_err(MountError::at("keep notes of an overlay", target))?;
    // Paths with `:` or `,` would have to be escaped; these have none.
    let data = format!(
        "lowerdir={},upperdir={},workdir={},xino=off,{}",
        proc_path(layers.lower).display(),
        proc_path(layers.upper).display(),
        proc_path(layers.work).display(),
        attributes.options()
    );
    mount(
        Some("overlay"),
        &proc_path(target),
        Some("overlay"),
        HARMLESS,
        Some(data.as_str()),
    )
    .map_err(MountError::at("mount an overlay", target))
}

/// The root of an overlay has mode and times of the upper directory.
fn take_after(upper: BorrowedFd<'_>, lower: BorrowedFd<'_>) -> Result<(), Errno> {
    let status = rustix::fs::fstat(lower).map_err(to_nix)?;
    let path = proc_path(upper);
    chmod(&path, Mode::from_raw_mode(status.st_mode & 0o777)).map_err(to_nix)?;
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: time(status.st_atime, status.st_atime_nsec as _),
        last_modification: time(status.st_mtime, status.st_mtime_nsec as _),
    };
    utimensat(rustix::fs::CWD, &path, &times, AtFlags::empty()).map_err(to_nix)
}

/// The kernel mounts an overlay without them too, and then fails where it would need one.
fn try_attributes(upper: BorrowedFd<'_>, attributes: Attributes) -> Result<(), Errno> {
    let (path, name) = (proc_path(upper), attributes.tried());
    setxattr(&path, name, b"", XattrFlags::empty()).map_err(to_nix)?;
    removexattr(&path, name).map_err(to_nix)
}
