//! Attaching for a probe, in a forked child that may allocate nothing: the same calls without
//! paths, fall-backs and words.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use linux_raw_sys::loop_device::{LOOP_CONFIGURE, LOOP_CTL_GET_FREE};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;

use super::{LoopOptions, configuration};

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareStep {
    /// Opening /dev/loop-control.
    Control,
    /// Asking for a free device.
    Free,
    /// Opening it.
    Open,
    /// Attaching.
    Configure,
}

/// Attaches `image` to a free device, which is detached when the result is closed.
pub(crate) fn attach_bare(image: BorrowedFd<'_>) -> Result<OwnedFd, (BareStep, Errno)> {
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let control = open(c"/dev/loop-control", flags, Mode::empty())
        .map_err(|errno| (BareStep::Control, errno))?;
    let config = configuration(image, &[], LoopOptions::default());
    let mut last = (BareStep::Configure, Errno::EBUSY);
    for attempt in 0..20 {
        // SAFETY: this ioctl takes no argument and touches no memory.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as libc::Ioctl) };
        let number = Errno::result(number).map_err(|errno| (BareStep::Free, errno))?;
        let mut path = [0_u8; 32];
        let written = write!(path.as_mut_slice(), "/dev/loop{number}\0").is_ok();
        let Some(path) = CStr::from_bytes_until_nul(&path).ok().filter(|_| written) else {
            return Err((BareStep::Open, Errno::ENAMETOOLONG));
        };
        let attached = open(path, flags, Mode::empty())
            .map_err(|errno| (BareStep::Open, errno))
            .and_then(|device| {
                // SAFETY: as in `configure`: a valid `loop_config`, which is read only, and a
                // descriptor in it that is open.
                let status = unsafe {
                    libc::ioctl(
                        device.as_raw_fd(),
                        LOOP_CONFIGURE as libc::Ioctl,
                        &raw const config,
                    )
                };
                Errno::result(status)
                    .map(|_| device)
                    .map_err(|errno| (BareStep::Configure, errno))
            });
        match attached {
            Err(failed @ (_, Errno::EBUSY | Errno::ENXIO)) => last = failed,
            other => return other,
        }
        sleep(Duration::from_millis(attempt));
    }
    Err(last)
}
