//! Mounts in the mount namespace of node, for root.

use std::os::fd::AsFd;
use std::path::Path;

use fuselage_linux::memory::memory_facts;
use fuselage_linux::mount::{self, TmpfsOptions};
use fuselage_linux::open::open_place;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::{DoneOutcome, done};
use crate::path::path;
use crate::report::{ErrorReport, unreachable_target};

/// The source name of a tmpfs in mountinfo.
const TMPFS_NAME: &str = "fuselage";
/// One inode for so many bytes of a tmpfs, as a run has it.
const BYTES_AN_INODE: u64 = 2048;

/// Limits of a tmpfs.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct TmpfsLimits {
    /// Bytes; half of the memory when left out.
    pub size: Option<i64>,
    /// Permission bits of its root; 0o700 when left out.
    pub mode: Option<u32>,
}

/// How a mount is taken away.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct UnmountOptions {
    /// Detach now, let go when the last user has gone.
    pub lazy: Option<bool>,
}

/// Mounts a tmpfs, `nosuid,nodev`, on a directory.
#[napi]
pub fn mount_tmpfs(target: Buffer, options: TmpfsLimits) -> DoneOutcome {
    done(tmpfs(path(&target), &options))
}

fn tmpfs(target: &Path, options: &TmpfsLimits) -> Result<(), ErrorReport> {
    let place = open_place(target).map_err(unreachable_target(target))?;
    let size = match options.size {
        Some(size) => u64::try_from(size).map_err(|_| negative_size(target, size))?,
        None => memory_facts().map_err(unreachable_target(target))?.total / 2,
    };
    let options = TmpfsOptions {
        name: TMPFS_NAME,
        size,
        inodes: (size / BYTES_AN_INODE).max(BYTES_AN_INODE),
        mode: options.mode.unwrap_or(0o700),
    };
    Ok(mount::mount_tmpfs(place.as_fd(), &options)?)
}

/// The kernel would take it for a very large one.
fn negative_size(target: &Path, size: i64) -> ErrorReport {
    ErrorReport::new(
        "ERR_MOUNT_FAILED",
        format!("cannot mount a tmpfs at {}", target.display()),
        vec![format!("its size is to be {size} bytes")],
        vec!["give a size of 0 or more, or none".to_owned()],
    )
}

/// Shows `source`, with everything mounted below it, read-only at `target`.
#[napi]
pub fn bind_read_only(source: Buffer, target: Buffer) -> DoneOutcome {
    let bind = |source: &Path, target: &Path| {
        let tree = open_place(source).map_err(unreachable_target(source))?;
        let place = open_place(target).map_err(unreachable_target(target))?;
        Ok(mount::bind_read_only_at(tree.as_fd(), place.as_fd())?)
    };
    done(bind(path(&source), path(&target)))
}

/// Takes the topmost mount at `target` away.
#[napi]
pub fn unmount(target: Buffer, options: Option<UnmountOptions>) -> DoneOutcome {
    let lazy = options.and_then(|options| options.lazy).unwrap_or(false);
    done(mount::unmount(path(&target), lazy).map_err(ErrorReport::from))
}

/// The file systems of images.
#[napi(string_enum = "lowercase")]
#[derive(Debug)]
pub enum ImageFileSystem {
    /// squashfs, version 4.
    Squashfs,
    /// erofs.
    Erofs,
}

/// Mounts an image on a block device, `ro,nosuid,nodev`.
#[napi]
pub fn mount_image(device: String, file_system: ImageFileSystem, target: Buffer) -> DoneOutcome {
    let file_system = match file_system {
        ImageFileSystem::Squashfs => "squashfs",
        ImageFileSystem::Erofs => "erofs",
    };
    let mount = |target: &Path| {
        let place = open_place(target).map_err(unreachable_target(target))?;
        mount::mount_image(Path::new(&device), file_system, place.as_fd())?;
        Ok(())
    };
    done(mount(path(&target)))
}
