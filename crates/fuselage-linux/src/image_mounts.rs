//! Whether the kernel may mount image files here, without mounting any.

use std::fs::{self, OpenOptions};
use std::io;

use nix::errno::Errno;
use rustix::mount::{FsOpenFlags, fsopen};

use crate::capabilities::has_sys_admin;
use crate::mount::to_nix;
use crate::user_ids::in_user_namespace;

/// Why image files cannot be mounted.
#[derive(Debug, thiserror::Error)]
pub enum NoImageMounts {
    /// Without `CAP_SYS_ADMIN`.
    #[error("only root can mount image files")]
    NotRoot,
    /// File systems on block devices can be mounted from the initial user namespace alone
    /// (`FS_USERNS_MOUNT` in linux/fs.h).
    #[error("root of a user namespace cannot mount image files")]
    UserNamespace,
    /// No /dev/loop-control, or not for this process.
    #[error("loop devices cannot be had: /dev/loop-control: {}", crate::causes::text(.0))]
    LoopControl(io::Error),
    /// Neither built in nor a module that can be loaded.
    #[error("this kernel has no {0}")]
    FileSystem(String),
}

/// Makes sure that an image of the file system `file_system` (`squashfs`) can be mounted by a loop
/// device, as far as that shows without doing it. May have the kernel load the module of the file
/// system.
///
/// # Errors
/// The first thing that is missing.
pub fn image_mounts(file_system: &str) -> Result<(), NoImageMounts> {
    if !has_sys_admin() {
        return Err(NoImageMounts::NotRoot);
    }
    if in_user_namespace() {
        return Err(NoImageMounts::UserNamespace);
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/loop-control")
        .map_err(NoImageMounts::LoopControl)?;
    if is_listed(file_system) || can_be_loaded(file_system) {
        Ok(())
    } else {
        Err(NoImageMounts::FileSystem(file_system.to_owned()))
    }
}

/// Whether /proc/filesystems has it, which knows nothing of modules that are not loaded.
fn is_listed(file_system: &str) -> bool {
    let list = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    list.lines().any(|line| {
        // What needs no device has `nodev` before the tabulator.
        line.strip_prefix('\t') == Some(file_system)
    })
}

/// Opening the file system (Linux 5.2) loads its module as mounting does; before, and where the
/// call is refused, only mounting tells.
fn can_be_loaded(file_system: &str) -> bool {
    match fsopen(file_system, FsOpenFlags::FSOPEN_CLOEXEC).map_err(to_nix) {
        Ok(_) => true,
        Err(errno) => errno != Errno::ENODEV,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_kernel_has_cannot_be_mounted() {
        assert!(!is_listed("nosuchfs"));
        assert!(!is_listed("proc"), "it is on no device");
        if has_sys_admin() {
            assert!(!can_be_loaded("nosuchfs"));
            assert!(can_be_loaded("tmpfs"), "the twin");
            let refused = image_mounts("nosuchfs").unwrap_err();
            assert!(!refused.to_string().is_empty());
        } else {
            assert!(matches!(
                image_mounts("squashfs"),
                Err(NoImageMounts::NotRoot)
            ));
        }
    }
}
