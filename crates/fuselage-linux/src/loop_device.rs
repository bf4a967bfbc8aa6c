//! Loop devices: an image file as a block device, for root in the initial user namespace.
//!
//! `LOOP_CONFIGURE` (Linux 5.8) sets everything in one call; before it there were two, with a
//! half-configured moment between them. Devices are found through the control device alone, since
//! walking all of them makes parallel starts slow.

mod bare;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use linux_raw_sys::loop_device::{
    LO_FLAGS_AUTOCLEAR, LO_FLAGS_DIRECT_IO, LO_FLAGS_READ_ONLY, LOOP_CONFIGURE, loop_config,
};
use loopdev::LoopControl;
use nix::errno::Errno;
use nix::libc;

pub(crate) use bare::{BareStep, attach_bare};

use crate::mount::{errno_of, path_of};

/// With 64 starts at once, 8 tries were the most that was ever needed.
const TRIES: u32 = 200;

/// Which part of the image the device shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopOptions {
    /// Bytes of the file before the image, as when it is appended to a program.
    pub offset: u64,
    /// Bytes of the image; nothing behind them can be read. `None`: to the end of the file. The
    /// device has whole sectors of 512 bytes: what is left of the last one is cut off.
    pub length: Option<u64>,
}

/// Why there is no loop device.
#[derive(Debug, thiserror::Error)]
pub enum LoopError {
    /// No free device could be had from the kernel.
    #[error("cannot get a free loop device from /dev/loop-control")]
    Control(#[source] io::Error),
    /// The image cannot be attached.
    #[error("cannot attach {image} to a loop device")]
    Attach {
        /// Its path.
        image: String,
        /// `EBADF`: it was opened with `O_PATH`; `EINVAL`: it is neither a file nor a block device.
        #[source]
        source: io::Error,
    },
    /// Others were faster every time.
    #[error("cannot attach {image} to a loop device: every free one was taken by others first")]
    Busy {
        /// Its path.
        image: String,
    },
    /// The device cannot be detached.
    #[error("cannot detach {device}")]
    Detach {
        /// Its path.
        device: String,
        /// The kernel's reason.
        #[source]
        source: io::Error,
    },
}

/// An attached device, read-only. It is detached by the kernel when nobody has it open or mounted
/// any more (autoclear), so dropping this after mounting is right.
#[derive(Debug)]
pub struct LoopDevice {
    device: loopdev::LoopDevice,
    path: PathBuf,
}

impl LoopDevice {
    /// Where it is: `/dev/loopN`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Detaches it; one that is mounted stays until it is unmounted.
    ///
    /// # Errors
    /// `ENXIO`: somebody else has detached it.
    pub fn detach(self) -> Result<(), LoopError> {
        self.device.detach().map_err(|source| LoopError::Detach {
            device: self.path.display().to_string(),
            source,
        })
    }
}

/// Attaches `image`, opened for reading, to a free loop device: read-only, autoclear, with direct
/// I/O where the file system of the image can do it.
///
/// # Errors
/// [`LoopError`]; `EACCES` and `EPERM` for anybody but root, `ENOENT` where there is no loop driver
/// or no device node.
pub fn attach(image: BorrowedFd<'_>, options: LoopOptions) -> Result<LoopDevice, LoopError> {
    let control = LoopControl::open().map_err(LoopError::Control)?;
    let name = path_of(image);
    let config = configuration(image, name.as_os_str().as_bytes(), options);
    for attempt in 0..TRIES {
        let device = match control.next_free() {
            Ok(device) => device,
            Err(error) if was_taken(errno_of(&error)) => {
                back_off(attempt);
                continue;
            }
            Err(error) => return Err(LoopError::Control(error)),
        };
        match configure(&device, &config) {
            Ok(()) => {
                let path = std::fs::read_link(format!("/proc/self/fd/{}", device.as_raw_fd()))
                    .map_err(|source| LoopError::Attach {
                        image: name.display().to_string(),
                        source,
                    })?;
                return Ok(LoopDevice { device, path });
            }
            Err(error) if was_taken(errno_of(&error)) => back_off(attempt),
            Err(source) => {
                return Err(LoopError::Attach {
                    image: name.display().to_string(),
                    source,
                });
            }
        }
    }
    Err(LoopError::Busy {
        image: name.display().to_string(),
    })
}

/// Between "this one is free" and attaching, somebody else may attach to it, or detach and remove
/// it; or, before Linux 5.8, read it between our two calls (`EAGAIN`), after which it is detached.
fn was_taken(errno: Errno) -> bool {
    matches!(errno, Errno::EBUSY | Errno::ENXIO | Errno::EAGAIN)
}

fn configuration(image: BorrowedFd<'_>, name: &[u8], options: LoopOptions) -> loop_config {
    // SAFETY: a structure of numbers, for which all zero bytes are a valid value.
    let mut config: loop_config = unsafe { std::mem::zeroed() };
    config.fd = image.as_raw_fd().unsigned_abs();
    config.info.lo_offset = options.offset;
    config.info.lo_sizelimit = options.length.unwrap_or(0);
    config.info.lo_flags = LO_FLAGS_READ_ONLY as u32
        | LO_FLAGS_AUTOCLEAR as u32
        // The kernel leaves it out where the backing file cannot do it.
        | LO_FLAGS_DIRECT_IO as u32;
    // For losetup(8); the last byte stays NUL.
    let places = config
        .info
        .lo_file_name
        .split_last_mut()
        .map(|(_, places)| places);
    for (place, byte) in places.into_iter().flatten().zip(name) {
        *place = *byte as _;
    }
    config
}

fn configure(device: &loopdev::LoopDevice, config: &loop_config) -> io::Result<()> {
    // SAFETY: this ioctl reads a `loop_config` and writes nothing; `config` is one, and the
    // descriptor in it is open as long as the caller's borrow, which is longer than the call.
    let status = unsafe {
        libc::ioctl(
            device.as_raw_fd(),
            LOOP_CONFIGURE as libc::Ioctl,
            std::ptr::from_ref(config),
        )
    };
    match Errno::result(status) {
        Ok(_) => Ok(()),
        // Before Linux 5.8.
        Err(Errno::EINVAL | Errno::ENOTTY) => configure_in_two_steps(device, config),
        Err(error) => Err(error.into()),
    }
}

/// `LOOP_SET_FD`, then `LOOP_SET_STATUS64`; without direct I/O, which would be a third.
fn configure_in_two_steps(device: &loopdev::LoopDevice, config: &loop_config) -> io::Result<()> {
    device
        .with()
        .offset(config.info.lo_offset)
        .size_limit(config.info.lo_sizelimit)
        .read_only(true)
        .autoclear(true)
        .attach_fd(config.fd.cast_signed())
}

/// Waits for a random time, of up to 0.1 ms at first and 10 ms at last, so that those who collided
/// do not do so again.
fn back_off(attempt: u32) {
    let longest = 100 * u64::from(attempt + 1).min(100);
    // The standard library's hash keys are random, which is all that is needed.
    let random = RandomState::new().build_hasher().finish();
    sleep(Duration::from_micros(random % longest));
}
