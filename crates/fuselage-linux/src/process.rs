//! Processes: what this one was started with, children, and becoming another program.

use std::ffi::{CStr, CString};
use std::io;
use std::os::raw::{c_char, c_int};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
pub use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
pub use nix::unistd::Pid;
use nix::unistd::{self, ForkResult};

/// Which side of a [`fork`] this is.
#[derive(Clone, Copy, Debug)]
pub enum Forked {
    /// The process that called; with the child's pid.
    Parent(Pid),
    /// The new process.
    Child,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitKind {
    /// By itself, with this status (0 to 255).
    Exited(i32),
    /// By this signal.
    Signaled(Signal),
}

/// fork(2).
///
/// Where the calling process has more than one thread, the child may do no more than what
/// signal-safety(7) allows: a lock that another thread held stays locked. The launcher has one
/// thread; tests fork from a thread of their own and keep to simple code in the child.
///
/// # Errors
/// `EAGAIN` at the limit of processes, `ENOMEM`.
pub fn fork() -> io::Result<Forked> {
    // SAFETY: the child shares nothing with the parent but copies of its memory and descriptors;
    // what it must not do when there were other threads is said above and is a question of
    // deadlock, not of memory safety.
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Forked::Parent(child)),
        ForkResult::Child => Ok(Forked::Child),
    }
}

/// Ends this process at once (`_exit(2)`): nothing that is buffered or registered runs, which in a
/// forked child would belong to the parent.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` has no precondition and does not return.
    unsafe { libc::_exit(status) }
}

/// Waits until the child has ended.
///
/// # Errors
/// `ECHILD`: it is no child of this process, or SIGCHLD is ignored and it has ended.
pub fn wait_for(child: Pid) -> io::Result<ExitKind> {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, status)) => return Ok(ExitKind::Exited(status)),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(ExitKind::Signaled(signal)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How the child has ended, if it has; it is reaped then.
///
/// # Errors
/// As [`wait_for`].
pub fn has_ended(child: Pid) -> io::Result<Option<ExitKind>> {
    loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => return Ok(Some(ExitKind::Exited(status))),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(Some(ExitKind::Signaled(signal))),
            Ok(_) => return Ok(None),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How the child ends, if it does so within `limit`; it is reaped then.
///
/// # Errors
/// As [`wait_for`].
pub fn ends_within(child: Pid, limit: Duration) -> io::Result<Option<ExitKind>> {
    const PAUSE: Duration = Duration::from_micros(200);
    let end = Instant::now() + limit;
    loop {
        let ended = has_ended(child)?;
        if ended.is_some() || Instant::now() >= end {
            return Ok(ended);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The processor time that all threads of a process have taken so far.
///
/// # Errors
/// What clock_getcpuclockid(3) and clock_gettime(2) say; `ESRCH`: it is gone.
pub fn processor_time(process: Pid) -> io::Result<Duration> {
    let now = nix::time::clock_gettime(nix::time::clock_getcpuclockid(process)?)?;
    Ok(Duration::from(now))
}

/// kill(2). A process that is gone is no error.
pub fn send_signal(process: Pid, signal: Signal) {
    // ESRCH is the only failure that can happen to one's own child.
    let _ = nix::sys::signal::kill(process, signal);
}

/// Ends a child while SIGCHLD is ignored: the kernel then reaps it by itself, and wait(2) reports
/// `ECHILD` once it is gone.
pub(crate) fn end_untraced(child: Pid) {
    send_signal(child, Signal::SIGKILL);
    while let Ok(_) | Err(Errno::EINTR) = waitpid(child, None) {}
}

/// Has `signal` sent to this process when its parent ends (`PR_SET_PDEATHSIG`, prctl(2)); `parent`
/// is who the parent should be, since it may be gone already.
///
/// # Errors
/// `ESRCH`: the parent has ended before.
pub fn follow_parent(parent: Pid, signal: Signal) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(Some(signal))?;
    if unistd::getppid() == parent {
        Ok(())
    } else {
        Err(Errno::ESRCH.into())
    }
}

/// Lets no later execve(2) of this process gain privileges (`PR_SET_NO_NEW_PRIVS`).
///
/// # Errors
/// What prctl(2) says.
pub fn no_new_privileges() -> io::Result<()> {
    Ok(nix::sys::prctl::set_no_new_privs()?)
}

/// This process's own pid.
pub fn own_pid() -> Pid {
    unistd::getpid()
}

/// The pid of the parent.
pub fn own_parent() -> Pid {
    unistd::getppid()
}

/// Real and effective user id, real and effective group id.
pub fn ids() -> [u32; 4] {
    [
        unistd::getuid().as_raw(),
        unistd::geteuid().as_raw(),
        unistd::getgid().as_raw(),
        unistd::getegid().as_raw(),
    ]
}

/// The supplementary groups.
///
/// # Errors
/// What getgroups(2) says.
pub fn groups() -> io::Result<Vec<u32>> {
    Ok(unistd::getgroups()?
        .into_iter()
        .map(unistd::Gid::as_raw)
        .collect())
}

/// Becomes another program (execve(2)); returns only why that failed.
pub fn replace_process(file: &CStr, arguments: &[CString], environment: &[CString]) -> Errno {
    match unistd::execve(file, arguments, environment) {
        Err(error) => error,
    }
}

/// Whether an execve(2) failed because the kernel knows no such format (`ENOEXEC`).
pub fn is_exec_format_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOEXEC)
}

/// The words of `main`.
///
/// # Safety
/// `argv` must be as the C runtime passes it to `main`: `argc` pointers to strings that end in NUL.
pub unsafe fn words_of_main(argc: c_int, argv: *const *const c_char) -> Vec<CString> {
    (0..usize::try_from(argc).unwrap_or(0))
        // SAFETY: by the precondition `argv` has `argc` strings.
        .map(|index| unsafe { CStr::from_ptr(*argv.add(index)) }.to_owned())
        .collect()
}

/// The environment as this process was given it: every string, also one without `=`, in its order.
///
/// Only a process that changes its environment nowhere, which is checked by having no call of
/// setenv(3) in the launcher, may call it; the standard library's own view leaves out and merges.
pub fn environment() -> Vec<CString> {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    let mut strings = Vec::new();
    // SAFETY: `environ` is a list of strings that ends in a null pointer (environ(7)), or null
    // itself; nobody writes to it while this runs.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            strings.push(CStr::from_ptr(*next).to_owned());
            next = next.add(1);
        }
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_childs_status_and_signal_are_told_apart() {
        for (end, expected) in [
            (None, ExitKind::Exited(7)),
            (Some(Signal::SIGKILL), ExitKind::Signaled(Signal::SIGKILL)),
        ] {
            match fork().unwrap() {
                Forked::Child => {
                    if let Some(signal) = end {
                        send_signal(own_pid(), signal);
                    }
                    exit_now(7)
                }
                Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), expected),
            }
        }
    }

    #[test]
    fn a_child_that_does_not_end_is_waited_for_no_longer_than_told() {
        let child = match fork().unwrap() {
            Forked::Child => loop {
                std::thread::sleep(Duration::from_secs(9));
            },
            Forked::Parent(child) => child,
        };
        let ends = |limit| ends_within(child, Duration::from_millis(limit)).unwrap();
        assert_eq!(ends(20), None);
        send_signal(child, Signal::SIGKILL);
        assert_eq!(ends(60_000), Some(ExitKind::Signaled(Signal::SIGKILL)));
    }

    #[test]
    fn processor_time_is_what_is_computed_and_not_what_is_waited() {
        let before = processor_time(own_pid()).unwrap();
        let enough = before + Duration::from_millis(20);
        while processor_time(own_pid()).unwrap() < enough {
            std::hint::spin_loop();
        }
        let child = match fork().unwrap() {
            Forked::Child => loop {
                std::thread::sleep(Duration::from_secs(9));
            },
            Forked::Parent(child) => child,
        };
        std::thread::sleep(Duration::from_millis(50));
        assert!(processor_time(child).unwrap() < Duration::from_millis(40));
        send_signal(child, Signal::SIGKILL);
        wait_for(child).unwrap();
        assert!(processor_time(child).is_err());
    }

    #[test]
    fn the_environment_is_there_in_its_own_order() {
        let strings = environment();
        assert!(
            strings
                .iter()
                .any(|string| string.to_bytes().starts_with(b"PATH="))
        );
    }

    #[test]
    fn a_missing_program_is_reported_and_changes_nothing() {
        let error = replace_process(c"/no/such/program", &[c"x".to_owned()], &[]);
        assert_eq!(error, Errno::ENOENT);
    }
}
