//! A process that stands between the caller and a child, and is not noticed by either: it passes
//! signals on, stops and goes on with the child, and ends as the child ended.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};

use crate::process::{self, Forked, Pid, Signal, exit_now, fork};
use crate::signals::ChildSignal;

/// A set of signals as the kernel has it: signal 1 is the lowest bit. The sets of C libraries leave
/// out the first real-time signals, which they use for threads: these would go on acting.
type Signals = u64;

static ALL: Signals = !0;

/// All signals of this process, held back: none acts, and none is lost.
#[derive(Debug)]
pub struct HeldSignals {
    mask_before: Signals,
}

impl HeldSignals {
    /// Blocks them.
    ///
    /// # Errors
    /// What rt_sigprocmask(2) says.
    pub fn begin() -> io::Result<Self> {
        let mask_before = change_mask(libc::SIG_SETMASK, ALL)?;
        Ok(Self { mask_before })
    }
}

impl Drop for HeldSignals {
    /// Gives the mask back; what has come acts now.
    fn drop(&mut self) {
        let _ = change_mask(libc::SIG_SETMASK, self.mask_before);
    }
}

/// Which side of [`supervise`] this is.
#[derive(Debug)]
pub enum Side {
    /// The child. Its signals are as the caller gave them. Whether it is killed when the parent
    /// ends: else it must not go on.
    Child(io::Result<()>),
    /// The parent.
    Supervisor(Supervision),
}

/// Forks. The child is killed (SIGKILL) when the parent ends, until it executes a program that
/// changes its privileges (`PR_SET_PDEATHSIG`, prctl(2)); whatever signals come from now on, the
/// parent reads.
///
/// # Errors
/// `EAGAIN` at the limit of processes, `ENOMEM`: the signals of this process are as before.
pub fn supervise(held: HeldSignals) -> io::Result<Side> {
    let parent = process::own_pid();
    let children = ChildSignal::begin();
    match fork()? {
        Forked::Child => {
            drop(children);
            let follows = process::follow_parent(parent, Signal::SIGKILL);
            if process::own_parent() != parent {
                // It was killed already: nobody is to hear of anything.
                exit_now(1);
            }
            drop(held);
            Ok(Side::Child(follows))
        }
        Forked::Parent(child) => {
            // For good: this process ends as the child does.
            std::mem::forget(held);
            std::mem::forget(children);
            Ok(Side::Supervisor(Supervision {
                child,
                stopped: None,
                continued: false,
            }))
        }
    }
}

/// The parent's side.
#[derive(Debug)]
pub struct Supervision {
    child: Pid,
    /// By which signal the child is stopped.
    stopped: Option<i32>,
    /// It went on since the last SIGCONT that was read.
    continued: bool,
}

/// How the child has ended: what wait(2) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(i32);

/// A signal as it was read.
struct Arrived {
    number: i32,
    code: i32,
    /// Who sent it, and what came with it; of those that a process sent.
    sender: i32,
    value: libc::sigval,
}

/// Signals of a key or of the end of a terminal, which the kernel sends to the whole foreground
/// process group, or which tell the group about the terminal.
const TERMINAL_SIGNALS: [i32; 8] = [
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGHUP,
    libc::SIGCONT,
    libc::SIGWINCH,
];

impl Supervision {
    /// Passes signals on until the child has ended.
    ///
    /// - What a process has sent to this one goes to the child. One that was sent to the whole
    ///   process group reaches the child twice.
    /// - What the kernel sends for a terminal does not, since the child is in the same process group
    ///   and has it already; SIGHUP does, if the child has left the group.
    /// - What the child itself has sent does not: it was meant for others.
    /// - The child stops: this process stops by the same signal, and when it goes on, so does the
    ///   child.
    pub fn until_end(&mut self) -> End {
        loop {
            if let Some(end) = self.look() {
                return end;
            }
            if let Some(signal) = self.stopped
                && !is_pending(libc::SIGCONT)
            {
                self.stop_by(signal);
            }
            let arrived = wait_for_signal();
            // Before anything is sent: the number of a child that was waited for may be another's.
            if let Some(end) = self.look() {
                return end;
            }
            if let Some(arrived) = arrived {
                self.pass_on(&arrived);
            }
        }
    }

    /// What has become of the child; of others, who may be children of an init process, nothing
    /// remains.
    fn look(&mut self) -> Option<End> {
        loop {
            let mut status = 0;
            let flags = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
            // SAFETY: `status` is valid for the call.
            let process = unsafe { libc::waitpid(-1, &raw mut status, flags) };
            if process == 0 {
                return None;
            }
            if process < 0 {
                match io::Error::last_os_error().kind() {
                    io::ErrorKind::Interrupted => continue,
                    // Nobody else waits for it: it cannot be gone.
                    _ => return Some(End(libc::W_EXITCODE(125, 0))),
                }
            }
            if process != self.child.as_raw() {
                continue;
            }
            if libc::WIFSTOPPED(status) {
                (self.stopped, self.continued) = (Some(stop_signal(status)), false);
            } else if libc::WIFCONTINUED(status) {
                (self.stopped, self.continued) = (None, true);
            } else {
                return Some(End(status));
            }
        }
    }

    fn pass_on(&mut self, arrived: &Arrived) {
        let Arrived { number, code, .. } = *arrived;
        let from_kernel = code == libc::SI_KERNEL;
        match number {
            libc::SIGCHLD => {}
            libc::SIGCONT => {
                // Sent to the whole group, it has reached the child as well.
                if !self.continued && !from_kernel {
                    self.send(arrived);
                }
                self.continued = false;
            }
            libc::SIGHUP if from_kernel => {
                if !self.is_in_group() {
                    self.send(arrived);
                }
            }
            number if from_kernel && TERMINAL_SIGNALS.contains(&number) => {}
            _ if is_by_process(code) && arrived.sender == self.child.as_raw() => {}
            _ => self.send(arrived),
        }
    }

    fn send(&self, arrived: &Arrived) {
        let child = self.child.as_raw();
        // It can fail for a child that has ended just now, and for one with other rights, which the
        // caller could not send anything either.
        // SAFETY: takes numbers; the value is passed on as it came, and nobody here looks into it.
        let _ = unsafe {
            match arrived.code {
                libc::SI_QUEUE => libc::sigqueue(child, arrived.number, arrived.value),
                _ => libc::kill(child, arrived.number),
            }
        };
    }

    /// Whether the child is in the process group of this process.
    fn is_in_group(&self) -> bool {
        nix::unistd::getpgid(Some(self.child)).is_ok_and(|group| group == nix::unistd::getpgrp())
    }

    /// Stops this process as the child was stopped; returns when it goes on. In a process group that
    /// no shell watches any more, only SIGSTOP stops.
    fn stop_by(&mut self, signal: i32) {
        self.stopped = None;
        set_default(signal);
        raise_unblocked(signal);
    }
}

impl End {
    /// Ends this process in the same way: by the same status, or by the same signal, without a core
    /// file of its own.
    pub fn follow(self) -> ! {
        if libc::WIFEXITED(self.0) {
            exit_now(libc::WEXITSTATUS(self.0));
        }
        let signal = libc::WTERMSIG(self.0);
        // The limit does not hold for a core that is piped to a program (core(5)).
        let _ = set_dumpable(false);
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
        set_default(signal);
        raise_unblocked(signal);
        // Only pid 1 of a pid namespace survives its own signal (pid_namespaces(7)).
        exit_now(128 + signal)
    }
}

/// By which signal a child is stopped. One that has itself traced by its parent (`PTRACE_TRACEME`,
/// ptrace(2)) stops at every signal, which would end this process: SIGSTOP stands for those.
fn stop_signal(status: i32) -> i32 {
    match libc::WSTOPSIG(status) {
        signal @ (libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => signal,
        _ => libc::SIGSTOP,
    }
}

fn is_by_process(code: i32) -> bool {
    matches!(code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL)
}

/// The next signal; `None`: the wait was interrupted.
fn wait_for_signal() -> Option<Arrived> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: set and structure are valid for the call, and the set has the size that is passed; the
    // kernel fills the structure, for which zero bytes are valid as well. The fields that are read
    // are those of a signal that a process has sent; of others they hold what the kernel put there,
    // numbers all the same.
    unsafe {
        let number = libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const ALL,
            info.as_mut_ptr(),
            ptr::null::<libc::timespec>(),
            size_of::<Signals>(),
        );
        let info = info.assume_init();
        (number > 0).then(|| Arrived {
            number: info.si_signo,
            code: info.si_code,
            sender: info.si_pid(),
            value: info.si_value(),
        })
    }
}

fn is_pending(signal: i32) -> bool {
    let mut pending: Signals = 0;
    // SAFETY: the kernel fills the set, which has the size that is passed.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigpending,
            &raw mut pending,
            size_of::<Signals>(),
        )
    };
    pending & set_of(signal) != 0
}

fn set_of(signal: i32) -> Signals {
    1 << (signal - 1)
}

/// rt_sigprocmask(2); returns the mask before.
fn change_mask(how: i32, set: Signals) -> io::Result<Signals> {
    let mut before: Signals = 0;
    // SAFETY: both sets are valid for the call, and of the size that is passed.
    let status = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            &raw const set,
            &raw mut before,
            size_of::<Signals>(),
        )
    };
    Errno::result(status)?;
    Ok(before)
}

/// rt_sigaction(2), since sigaction(3) refuses the signals that C libraries use for threads.
fn set_default(signal: i32) {
    /// The kernel's structure: handler, flags, restorer and mask, each a word that is zero for
    /// SIG_DFL.
    const DEFAULT: [u64; 4] = [0; 4];
    // SAFETY: the structure is valid for the call, and the mask in it has the size that is passed;
    // SIG_DFL is no function: nothing of ours is ever called.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            DEFAULT.as_ptr(),
            ptr::null_mut::<u64>(),
            size_of::<Signals>(),
        )
    };
}

/// Sends `signal` to this process, lets it act, and blocks it again.
fn raise_unblocked(signal: i32) {
    // raise(3) refuses the signals that C libraries use for threads.
    // SAFETY: takes numbers.
    unsafe { libc::kill(libc::getpid(), signal) };
    // It can fail only for an unknown `how`.
    let _ = change_mask(libc::SIG_UNBLOCK, set_of(signal));
    let _ = change_mask(libc::SIG_BLOCK, set_of(signal));
}

#[cfg(test)]
mod tests;
