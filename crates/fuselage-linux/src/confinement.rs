//! Taking away from a forked process all that reading a stranger's file does not need, so that who
//! takes it over by a fault in a decoder has gained nothing.

use std::os::fd::BorrowedFd;
use std::{fmt, io};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{chroot, fchdir};

use crate::process::{self, Pid, Signal};
use crate::{call_filter, capabilities, descriptors, landlock};

/// What was being taken away when that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfineStep {
    /// Ending with the parent.
    Parent,
    /// New privileges.
    Privileges,
    /// Descriptors.
    Descriptors,
    /// The root directory.
    Root,
    /// Capabilities.
    Capabilities,
    /// A core file, and being traced.
    Memory,
    /// System calls.
    Calls,
}

impl ConfineStep {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Parent,
        Self::Privileges,
        Self::Descriptors,
        Self::Root,
        Self::Capabilities,
        Self::Memory,
        Self::Calls,
    ];

    fn failed<E: Into<io::Error>>(self) -> impl FnOnce(E) -> ConfineError {
        move |source| ConfineError {
            step: self,
            source: source.into(),
        }
    }
}

impl fmt::Display for ConfineStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Parent => "have it end with its parent (PR_SET_PDEATHSIG)",
            Self::Privileges => "keep new privileges from it (PR_SET_NO_NEW_PRIVS)",
            Self::Descriptors => "close the descriptors that it does not need",
            Self::Root => "change its root directory (chroot(2))",
            Self::Capabilities => "give up its capabilities",
            Self::Memory => "keep its memory from other programs (PR_SET_DUMPABLE)",
            Self::Calls => "filter its system calls (seccomp(2))",
        })
    }
}

/// What keeps a confined process from the files outside of its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilesBy {
    /// The change of the root directory, or it is not confined.
    Root,
    /// The same; where that is refused, Landlock, which sees neither modes nor times; where there is
    /// none, nothing. For who has no namespace of the run's to change the root in.
    RootOrRules,
}

/// A step that failed, and the kernel's reason.
#[derive(Debug, thiserror::Error)]
#[error("cannot {step}")]
pub struct ConfineError {
    /// What was being done.
    pub step: ConfineStep,
    /// The kernel's reason.
    pub source: io::Error,
}

/// Confines this process, for good: it ends with `parent`, has no capability and gains none, has
/// the descriptors `root` and `kept` alone, reaches files below `root` alone, leaves no core file,
/// and calls nothing but what reading open files, writing a tree, threads, memory and its own end
/// need. Any other call ends it by SIGSYS.
///
/// The change of the root is the one that keeps files away whatever else is missing; with
/// [`FilesBy::RootOrRules`] it may be missing, too. The filter of calls is left out where the kernel or
/// the host does not offer it.
///
/// For a forked child with one thread that never returns, an error included: values that own other
/// descriptors must neither be used nor dropped afterwards. Numbers 0, 1 and 2 are `root` as well,
/// so that nothing that is opened later becomes one of them.
///
/// # Errors
/// The first step that failed; `ESRCH`: the parent has ended.
pub fn confine(
    parent: Pid,
    root: BorrowedFd<'_>,
    kept: &[BorrowedFd<'_>],
) -> Result<(), ConfineError> {
    confine_files_by(FilesBy::Root, parent, root, kept)
}

/// The same, with a choice of what keeps files away.
///
/// # Errors
/// As [`confine`].
pub fn confine_files_by(
    files: FilesBy,
    parent: Pid,
    root: BorrowedFd<'_>,
    kept: &[BorrowedFd<'_>],
) -> Result<(), ConfineError> {
    process::follow_parent(parent, Signal::SIGKILL).map_err(ConfineStep::Parent.failed())?;
    process::no_new_privileges().map_err(ConfineStep::Privileges.failed())?;
    keep_descriptors(root, kept).map_err(ConfineStep::Descriptors.failed())?;
    keep_files(files, root).map_err(ConfineStep::Root.failed())?;
    capabilities::give_up().map_err(ConfineStep::Capabilities.failed())?;
    // After all that changes the rights of this process, which could undo it.
    keep_memory().map_err(ConfineStep::Memory.failed())?;
    call_filter::install().map_err(ConfineStep::Calls.failed())
}

fn keep_descriptors(root: BorrowedFd<'_>, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    for number in 0..3 {
        descriptors::install(root, number)?;
    }
    let kept: Vec<BorrowedFd<'_>> = kept.iter().copied().chain([root]).collect();
    descriptors::close_from(3, &kept)
}

fn keep_files(files: FilesBy, root: BorrowedFd<'_>) -> io::Result<()> {
    match change_root(root) {
        Err(_) if files == FilesBy::RootOrRules => landlock::restrict_to(root).map(drop),
        done => Ok(done?),
    }
}

/// Makes `root` the root directory. No descriptor of a directory outside of it is left, which would
/// lead out again. That needs a capability, which who has none gets in a user namespace of his own.
fn change_root(root: BorrowedFd<'_>) -> nix::Result<()> {
    fchdir(root)?;
    match chroot(c".") {
        Err(Errno::EPERM) if unshare(CloneFlags::CLONE_NEWUSER).is_ok() => chroot(c"."),
        done => done,
    }
}

/// Neither a core file, nor other programs of the same user, get what it reads.
fn keep_memory() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    set_dumpable(false)
}
