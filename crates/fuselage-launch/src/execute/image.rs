//! Mounts an image by a loop device, for root.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuselage_linux::loop_device::{LoopError, LoopOptions, attach};
use fuselage_linux::mount::{MountError, mount_image};
use fuselage_plan::FileSystem;

use crate::error::LaunchError;
use crate::execute::sources::Archive;

/// mksquashfs fills images up to a multiple of this; a loop device shows whole sectors alone.
const PADDING: u64 = 4096;

/// Where an image is.
pub(crate) struct Image<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) file_system: FileSystem,
    /// Where it begins in the file, in bytes.
    pub(crate) offset: u64,
    /// In bytes.
    pub(crate) length: u64,
}

/// Why an image is not mounted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImageError {
    /// The file ends before the image does.
    #[error("the image is cut off: the file has {found} of its {length} bytes")]
    CutOff { found: u64, length: u64 },
    /// The file cannot be looked at.
    #[error("cannot look how long the file is")]
    Look(#[source] io::Error),
    /// There is no loop device for it.
    #[error(transparent)]
    Loop(#[from] LoopError),
    /// The kernel does not take it.
    #[error("the kernel does not mount it")]
    Mount(#[source] MountError),
}

impl ImageError {
    /// What the system said, if it said anything.
    pub(crate) fn of_the_system(&self) -> Option<io::Error> {
        let source = match self {
            Self::Look(source)
            | Self::Loop(LoopError::Control(source) | LoopError::Attach { source, .. }) => source,
            Self::Mount(error) => return Some(error.errno.into()),
            Self::CutOff { .. } | Self::Loop(_) => return None,
        };
        source.raw_os_error().map(io::Error::from_raw_os_error)
    }
}

/// Mounts `image` over `target`, which is at `path`. The loop device goes with the mount.
pub(crate) fn mount(image: &Image<'_>, target: &OwnedFd, path: &Path) -> Result<(), LaunchError> {
    attach_and_mount(image, target).map_err(|error| LaunchError::Image {
        archive: image.archive.path.clone(),
        path: PathBuf::from(path),
        error,
    })
}

fn attach_and_mount(image: &Image<'_>, target: &OwnedFd) -> Result<(), ImageError> {
    let file = &image.archive.file;
    let behind = file.metadata().map_err(ImageError::Look)?.len();
    let found = behind.saturating_sub(image.offset);
    if found < image.length {
        let length = image.length;
        return Err(ImageError::CutOff { found, length });
    }
    let options = LoopOptions {
        offset: image.offset,
        length: Some(image.length.next_multiple_of(PADDING)),
    };
    let device = attach(file.as_fd(), options)?;
    mount_image(device.path(), image.file_system.name(), target.as_fd()).map_err(ImageError::Mount)
}

/// Fills a file of our own up, so that a device shows all of an image that ends with it.
///
/// # Errors
/// What ftruncate(2) says.
pub(crate) fn fill_up(file: &File) -> io::Result<()> {
    file.set_len(file.metadata()?.len().next_multiple_of(PADDING))
}
