//! Taking away from a forked process all that reading a stranger's file does not need, so that who
//! takes it over by a fault in a decoder has gained nothing.

use std::io;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::unistd::{chroot, fchdir};

use crate::process::{self, Pid, Signal};
use crate::{call_filter, capabilities, descriptors, landlock};

/// Confines this process, for good: it ends with `parent`, has no capability and gains none, has the
/// descriptors `root` and `kept` alone, reaches files below `root` alone, and calls nothing but what
/// reading open files, writing a tree, threads, memory and its own end need. Any other call ends it
/// by SIGSYS.
///
/// The filter of calls, Landlock and the change of the root are each left out where the kernel or
/// the host does not offer them: they are a defence in depth.
///
/// For a forked child with one thread that never returns: values that own other descriptors must
/// neither be used nor dropped afterwards. Numbers 0, 1 and 2 are `root` as well, so that nothing
/// that is opened later becomes one of them.
///
/// # Errors
/// `ESRCH`: the parent has ended; what the calls say otherwise.
pub fn confine(parent: Pid, root: BorrowedFd<'_>, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    process::follow_parent(parent, Signal::SIGKILL)?;
    process::no_new_privileges()?;
    for number in 0..3 {
        descriptors::install(root, number)?;
    }
    let kept: Vec<BorrowedFd<'_>> = kept.iter().copied().chain([root]).collect();
    descriptors::close_from(3, &kept)?;
    change_root(root)?;
    capabilities::give_up()?;
    landlock::restrict_to(root)?;
    call_filter::install()
}

/// Makes `root` the root directory, which needs a capability. No descriptor of a directory outside
/// of it is left, which would lead out again.
fn change_root(root: BorrowedFd<'_>) -> io::Result<()> {
    fchdir(root)?;
    match chroot(c".") {
        Ok(()) | Err(Errno::EPERM | Errno::ENOSYS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
