//! Attaching for a probe, in a forked child that may allocate nothing: the same calls, both ways,
//! without paths and words.

use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use linux_raw_sys::loop_device::{
    LOOP_CONFIGURE, LOOP_CTL_GET_FREE, LOOP_SET_FD, LOOP_SET_STATUS64, loop_config,
};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;

use super::{LoopOptions, configuration, was_taken};

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

const FLAGS: OFlag = OFlag::O_RDWR.union(OFlag::O_CLOEXEC);

/// Attaches `image` to a free device, which is detached when the result is closed.
pub(crate) fn attach_bare(image: BorrowedFd<'_>) -> Result<OwnedFd, (BareStep, Errno)> {
    let control = open(c"/dev/loop-control", FLAGS, Mode::empty())
        .map_err(|errno| (BareStep::Control, errno))?;
    let config = configuration(image, &[], LoopOptions::default());
    let mut last = (BareStep::Configure, Errno::EBUSY);
    for attempt in 0..20 {
        match open_free(&control).and_then(|device| match configure(&device, &config) {
            Ok(()) => Ok(device),
            Err(errno) => Err((BareStep::Configure, errno)),
        }) {
            Err(failed) if was_taken(failed.1) => last = failed,
            other => return other,
        }
        sleep(Duration::from_millis(attempt));
    }
    Err(last)
}

/// Opens a device that is free now.
fn open_free(control: &OwnedFd) -> Result<OwnedFd, (BareStep, Errno)> {
    // SAFETY: this ioctl takes no argument and touches no memory.
    let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as libc::Ioctl) };
    let number = Errno::result(number).map_err(|errno| (BareStep::Free, errno))?;
    let mut path = [0_u8; 32];
    let written = write!(path.as_mut_slice(), "/dev/loop{number}\0").is_ok();
    let Some(path) = CStr::from_bytes_until_nul(&path).ok().filter(|_| written) else {
        return Err((BareStep::Open, Errno::ENAMETOOLONG));
    };
    open(path, FLAGS, Mode::empty()).map_err(|errno| (BareStep::Open, errno))
}

fn configure(device: &OwnedFd, config: &loop_config) -> Result<(), Errno> {
    let control = |request: u32, argument: *const libc::c_void| {
        // SAFETY: LOOP_CONFIGURE and LOOP_SET_STATUS64 read the structure that each is given below,
        // which is valid; LOOP_SET_FD takes a number. They write nothing. The descriptor of the
        // image is open as long as the caller's borrow.
        let status = unsafe { libc::ioctl(device.as_raw_fd(), request as libc::Ioctl, argument) };
        Errno::result(status).map(drop)
    };
    match control(LOOP_CONFIGURE, (&raw const *config).cast()) {
        // Before Linux 5.8. What has no autoclear yet when the second call fails stays attached,
        // to an image in memory that nobody else has.
        Err(Errno::EINVAL | Errno::ENOTTY) => {
            control(LOOP_SET_FD, config.fd as usize as *const libc::c_void)?;
            control(LOOP_SET_STATUS64, (&raw const config.info).cast())
        }
        done => done,
    }
}
