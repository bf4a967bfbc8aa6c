//! What the children do. They run after a fork from a threaded process: nothing here allocates, and
//! everything that is made goes with the child and its namespace.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open, openat};
use nix::mount::{MsFlags, mount};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, chdir, ftruncate, getegid, geteuid, unlinkat, write};

use super::step::{Failure, Step};
use crate::loop_device;
use crate::namespaces::{NamespaceStep, enter_mount_namespace, enter_user_namespace, require_proc};

/// Both namespaces and a mount, as an ordinary user's run has them.
pub(super) fn user_namespace() -> Result<(), Failure> {
    into_user_namespace()?;
    cover_root()
}

fn into_user_namespace() -> Result<(), Failure> {
    require_proc()?;
    Ok(enter_user_namespace()?)
}

fn into_mount_namespace() -> Result<(), Failure> {
    require_proc()?;
    Ok(enter_mount_namespace()?)
}

/// A mount namespace alone and a mount, as root's run has them.
pub(super) fn mount_namespace() -> Result<(), Failure> {
    into_mount_namespace()?;
    cover_root()
}

/// A tmpfs that can be written, in a user namespace.
pub(super) fn tmpfs_as_user() -> Result<(), Failure> {
    user_namespace()?;
    use_tmpfs()
}

/// A tmpfs that can be written, in a mount namespace alone.
pub(super) fn tmpfs_as_root() -> Result<(), Failure> {
    mount_namespace()?;
    use_tmpfs()
}

pub(super) fn overlay_as_user() -> Result<(), Failure> {
    tmpfs_as_user()?;
    use_overlay(IN_USER_NAMESPACE)
}

pub(super) fn overlay_as_root_of_user_namespace() -> Result<(), Failure> {
    tmpfs_as_root()?;
    use_overlay(IN_USER_NAMESPACE)
}

/// Attributes named `trusted.` are for root outside of user namespaces.
const IN_USER_NAMESPACE: &CStr = c"lowerdir=lower,upperdir=upper,workdir=work,userxattr";

pub(super) fn overlay_as_root() -> Result<(), Failure> {
    tmpfs_as_root()?;
    use_overlay(c"lowerdir=lower,upperdir=upper,workdir=work")
}

pub(super) fn fuse_as_user() -> Result<(), Failure> {
    into_user_namespace()?;
    use_fuse()
}

pub(super) fn fuse_as_root() -> Result<(), Failure> {
    into_mount_namespace()?;
    use_fuse()
}

/// A small image in memory on a loop device, which goes when the child closes it.
pub(super) fn loop_device() -> Result<(), Failure> {
    let image =
        memfd_create(c"fuselage-probe", MFdFlags::MFD_CLOEXEC).map_err(Step::LoopImage.failed())?;
    ftruncate(&image, 4096).map_err(Step::LoopImage.failed())?;
    loop_device::attach_bare(image.as_fd())
        .map(drop)
        .map_err(|(step, errno)| Step::Loop(step).failed()(errno))
}

/// `/` is there on every host, and covered nobody misses it: this process's own root directory
/// stays the one below.
fn cover_root() -> Result<(), Failure> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let options = Some(c"mode=0700,size=1m,nr_inodes=64");
    mount(
        Some(c"fuselage-probe"),
        c"/",
        Some(c"tmpfs"),
        flags,
        options,
    )
    .map_err(Step::Namespace(NamespaceStep::FirstMount).failed())
}

/// Makes the tmpfs the working directory and writes to it.
fn use_tmpfs() -> Result<(), Failure> {
    // From the root directory upwards is what covers it.
    chdir(c"/..").map_err(Step::TmpfsOpen.failed())?;
    write_file(c"file").map_err(Step::TmpfsWrite.failed())
}

fn write_file(path: &CStr) -> Result<(), Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
    match write(&file, b"probe")? {
        5 => Ok(()),
        _ => Err(Errno::ENOSPC),
    }
}

/// In the tmpfs that is the working directory: names without a special meaning to the options.
fn use_overlay(options: &CStr) -> Result<(), Failure> {
    let prepare = || {
        for name in [c"lower", c"lower/directory", c"upper", c"work", c"merged"] {
            mkdirat(AT_FDCWD, name, Mode::S_IRWXU)?;
        }
        write_file(c"lower/file")
    };
    prepare().map_err(Step::OverlayPrepare.failed())?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some(c"fuselage-probe"),
        c"merged",
        Some(c"overlay"),
        flags,
        Some(options),
    )
    .map_err(Step::OverlayMount.failed())?;
    write_file(c"merged/file").map_err(Step::OverlayWrite.failed())?;
    // A directory in place of one that was removed is kept from showing the old content by an
    // extended attribute in the upper tree, which not every tmpfs can have.
    unlinkat(AT_FDCWD, c"merged/directory", UnlinkatFlags::RemoveDir)
        .and_then(|()| mkdirat(AT_FDCWD, c"merged/directory", Mode::S_IRWXU))
        .map_err(Step::OverlayReplace.failed())
}

/// Nobody answers on the descriptor; it is closed, and the mount dead, when the child ends.
fn use_fuse() -> Result<(), Failure> {
    // Opened inside: the kernel wants it to be of the user namespace of the mount.
    let device = openat(
        AT_FDCWD,
        c"/dev/fuse",
        OFlag::O_RDWR | OFlag::O_CLOEXEC,
        Mode::empty(),
    )
    .map_err(Step::FuseOpen.failed())?;
    let mut options = [0_u8; 96];
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let mut rest = options.as_mut_slice();
    let fits = write!(
        rest,
        "fd={},rootmode=40000,user_id={uid},group_id={gid}\0",
        device.as_raw_fd()
    );
    let options = fits
        .ok()
        .and_then(|()| CStr::from_bytes_until_nul(&options).ok());
    let Some(options) = options else {
        return Err(Step::FuseMount.failed()(Errno::EOVERFLOW));
    };
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(
        Some(c"fuselage-probe"),
        c"/",
        Some(c"fuse"),
        flags,
        Some(options),
    )
    .map_err(Step::FuseMount.failed())
}
