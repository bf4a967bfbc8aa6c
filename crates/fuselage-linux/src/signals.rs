//! Signals of the launcher: what the caller gave is read, borrowed while node is asked, and given
//! back to the bit before the command starts.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::process::{self, Pid};

/// The signals that people and job schedulers send to end or to notify a command.
pub const CALLER_SIGNALS: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
];

/// Whether this process ignores `signal`.
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only reads; the kernel fills `action`, for which all zero bytes are
    // a valid value too.
    let action = unsafe {
        libc::sigaction(signal as libc::c_int, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Lets writes beyond the limit of file sizes (`RLIMIT_FSIZE`) fail with `EFBIG` in place of ending
/// this process by SIGXFSZ. For a process that executes no other program.
pub fn fail_at_file_size_limit() {
    set_disposition(Signal::SIGXFSZ, libc::SIG_IGN);
}

fn set_disposition(signal: Signal, disposition: libc::sighandler_t) {
    // SAFETY: SIG_DFL and SIG_IGN are no functions: nothing of ours is ever called.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = disposition;
        libc::sigaction(signal as libc::c_int, &raw const action, ptr::null_mut());
    }
}

/// A signal that came while node was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which.
    pub signal: Signal,
    /// The kernel sent it (`SI_KERNEL`): a key on the terminal, which the whole foreground process
    /// group gets, node too.
    pub from_terminal: bool,
}

/// The signals of [`CALLER_SIGNALS`] that the caller neither ignores nor blocks, read by
/// signalfd(2) in place of acting.
#[derive(Debug)]
pub struct Borrowed {
    descriptor: SignalFd,
    set: SigSet,
    mask_before: SigSet,
}

impl Borrowed {
    /// Blocks them and opens the descriptor.
    ///
    /// # Errors
    /// What signalfd(2) and sigprocmask(2) say.
    pub fn begin() -> io::Result<Self> {
        let mask_before = SigSet::thread_get_mask()?;
        let mut set = SigSet::empty();
        for signal in CALLER_SIGNALS {
            if !mask_before.contains(signal) && !is_ignored(signal) {
                set.add(signal);
            }
        }
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None)?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        match SignalFd::with_flags(&set, flags) {
            Ok(descriptor) => Ok(Self {
                descriptor,
                set,
                mask_before,
            }),
            Err(error) => {
                restore_mask(&mask_before);
                Err(error.into())
            }
        }
    }

    /// Whether `signal` is one of them: the caller neither ignores nor blocks it.
    pub fn includes(&self, signal: Signal) -> bool {
        self.set.contains(signal)
    }

    /// For poll(2): readable when a signal has come.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// The next signal that has come, if any.
    pub fn next(&self) -> Option<Arrival> {
        let info = self.descriptor.read_signal().ok().flatten()?;
        let signal = Signal::try_from(info.ssi_signo as i32).ok()?;
        Some(Arrival {
            signal,
            from_terminal: info.ssi_code == libc::SI_KERNEL,
        })
    }

    /// The mask that the caller gave, for a child of ours.
    pub fn restore_mask_in_child(&self) {
        restore_mask(&self.mask_before);
    }

    /// Gives the mask back. A signal that was not read acts now.
    pub fn end(self) {
        restore_mask(&self.mask_before);
    }
}

fn restore_mask(mask: &SigSet) {
    // It can fail only for an unknown `how`.
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None);
}

/// SIGCHLD while there are children that the command must never hear of. When this is dropped, the
/// caller has back what it had, and nothing stays pending.
#[derive(Debug)]
pub struct ChildSignal {
    was_ignored: bool,
}

impl ChildSignal {
    /// Sets it to its default, whatever the caller had: the state of a child can be read.
    pub fn begin() -> Self {
        let was_ignored = is_ignored(Signal::SIGCHLD);
        set_disposition(Signal::SIGCHLD, libc::SIG_DFL);
        Self { was_ignored }
    }

    /// Ends a child without a trace: no SIGCHLD, nothing in `RUSAGE_CHILDREN`. Of another one that
    /// ends by itself meanwhile nobody learns how.
    pub fn end_untraced(&self, child: Pid) {
        // Children that end are reaped by the kernel and leave nothing (wait(2)); a pending SIGCHLD
        // is thrown away.
        set_disposition(Signal::SIGCHLD, libc::SIG_IGN);
        process::end_untraced(child);
        set_disposition(Signal::SIGCHLD, libc::SIG_DFL);
    }
}

impl Drop for ChildSignal {
    fn drop(&mut self) {
        set_disposition(Signal::SIGCHLD, libc::SIG_IGN);
        if !self.was_ignored {
            set_disposition(Signal::SIGCHLD, libc::SIG_DFL);
        }
    }
}

/// Calls `body`, whose children the kernel reaps: they leave no SIGCHLD and nothing in
/// `RUSAGE_CHILDREN`, and nobody learns how they end.
pub fn with_untraced_children<T>(body: impl FnOnce() -> T) -> T {
    let before = ChildSignal::begin();
    set_disposition(Signal::SIGCHLD, libc::SIG_IGN);
    let result = body();
    drop(before);
    result
}

/// Gives a signal its default disposition.
pub(crate) fn set_default(signal: Signal) {
    set_disposition(signal, libc::SIG_DFL);
}

/// Ends this process by `signal`, as if nobody had caught it.
pub fn die_of(signal: Signal) -> ! {
    set_disposition(signal, libc::SIG_DFL);
    let mut set = SigSet::empty();
    set.add(signal);
    let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&set), None);
    let _ = nix::sys::signal::raise(signal);
    // Only pid 1 of a pid namespace survives its own signal (pid_namespaces(7)).
    process::exit_now(128 + signal as i32)
}

/// Calls `body` with SIGPIPE blocked, and takes one that it raised away: a closed standard error
/// must not end a run whose command nobody has started yet.
pub fn without_sigpipe<T>(body: impl FnOnce() -> T) -> T {
    let mut pipe = SigSet::empty();
    pipe.add(Signal::SIGPIPE);
    let mut before = SigSet::empty();
    let pending_before = is_pending(Signal::SIGPIPE);
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&pipe), Some(&mut before));
    let result = body();
    if !pending_before && is_pending(Signal::SIGPIPE) {
        let none = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `pipe` and `none` are valid for the call; a null info asks for none.
        unsafe { libc::sigtimedwait(pipe.as_ref(), ptr::null_mut(), &raw const none) };
    }
    restore_mask(&before);
    result
}

fn is_pending(signal: Signal) -> bool {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the kernel fills `set`, for which all zero bytes are valid as well.
    unsafe {
        libc::sigpending(set.as_mut_ptr());
        libc::sigismember(&set.assume_init(), signal as libc::c_int) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptors::{socket_pair, write_all};
    use crate::process::{ExitKind, Forked, exit_now, fork, own_pid, send_signal, wait_for};

    fn child(body: impl FnOnce() -> bool) -> ExitKind {
        match fork().unwrap() {
            Forked::Child => exit_now(if body() { 0 } else { 1 }),
            Forked::Parent(child) => wait_for(child).unwrap(),
        }
    }

    #[test]
    fn a_borrowed_signal_is_read_and_does_not_act() {
        let end = child(|| {
            let Ok(signals) = Borrowed::begin() else {
                return false;
            };
            send_signal(own_pid(), Signal::SIGTERM);
            let expected = Arrival {
                signal: Signal::SIGTERM,
                from_terminal: false,
            };
            let read = signals.next() == Some(expected) && signals.next().is_none();
            signals.end();
            read
        });
        assert_eq!(end, ExitKind::Exited(0));
    }

    #[test]
    fn a_signal_that_nobody_read_acts_at_the_end() {
        let end = child(|| {
            let Ok(signals) = Borrowed::begin() else {
                return false;
            };
            send_signal(own_pid(), Signal::SIGHUP);
            signals.end();
            true
        });
        assert_eq!(end, ExitKind::Signaled(Signal::SIGHUP));
    }

    #[test]
    fn ignored_and_blocked_signals_are_left_alone() {
        let end = child(|| {
            set_disposition(Signal::SIGINT, libc::SIG_IGN);
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGUSR1);
            let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&blocked), None);
            let Ok(signals) = Borrowed::begin() else {
                return false;
            };
            send_signal(own_pid(), Signal::SIGINT);
            send_signal(own_pid(), Signal::SIGUSR1);
            let unread = signals.next().is_none();
            let included = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1]
                .map(|signal| signals.includes(signal));
            signals.end();
            unread
                && included == [true, false, false]
                && is_ignored(Signal::SIGINT)
                && is_pending(Signal::SIGUSR1)
        });
        assert_eq!(end, ExitKind::Exited(0));
    }

    #[test]
    fn an_untraced_child_leaves_no_signal_and_no_usage() {
        let end = child(|| {
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGCHLD);
            let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&blocked), None);
            let signal = ChildSignal::begin();
            let Ok(Forked::Parent(busy)) = fork().map(|side| match side {
                Forked::Child => loop {
                    std::hint::spin_loop();
                },
                parent => parent,
            }) else {
                return false;
            };
            std::thread::sleep(std::time::Duration::from_millis(30));
            signal.end_untraced(busy);
            drop(signal);
            let usage =
                nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
            let idle = usage.is_ok_and(|usage| {
                usage.user_time().tv_sec() == 0 && usage.user_time().tv_usec() == 0
            });
            idle && !is_pending(Signal::SIGCHLD) && !is_ignored(Signal::SIGCHLD)
        });
        assert_eq!(end, ExitKind::Exited(0));
    }

    fn waiting() -> Option<Pid> {
        match fork().ok()? {
            Forked::Child => loop {
                std::thread::sleep(std::time::Duration::from_secs(9));
            },
            Forked::Parent(child) => Some(child),
        }
    }

    #[test]
    fn of_several_children_one_is_ended_untraced_and_the_end_of_another_is_read() {
        let end = child(|| {
            set_disposition(Signal::SIGCHLD, libc::SIG_IGN);
            let signal = ChildSignal::begin();
            let (Some(one), Some(other)) = (waiting(), waiting()) else {
                return false;
            };
            signal.end_untraced(one);
            send_signal(other, Signal::SIGTERM);
            let read = wait_for(other).ok() == Some(ExitKind::Signaled(Signal::SIGTERM));
            drop(signal);
            read && wait_for(one).is_err() && is_ignored(Signal::SIGCHLD)
        });
        assert_eq!(end, ExitKind::Exited(0));
    }

    #[test]
    fn a_closed_pipe_is_an_error_and_leaves_nothing_pending() {
        let end = child(|| {
            set_disposition(Signal::SIGPIPE, libc::SIG_DFL);
            let Ok((one, other)) = socket_pair() else {
                return false;
            };
            drop(other);
            let failed = without_sigpipe(|| write_all(one.as_fd(), b"x").is_err());
            failed && !is_pending(Signal::SIGPIPE)
        });
        assert_eq!(end, ExitKind::Exited(0));
    }

    #[test]
    fn dying_of_a_signal_works_when_it_is_blocked_and_ignored() {
        let end = child(|| {
            set_disposition(Signal::SIGQUIT, libc::SIG_IGN);
            let mut blocked = SigSet::empty();
            blocked.add(Signal::SIGQUIT);
            let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&blocked), None);
            die_of(Signal::SIGQUIT)
        });
        assert_eq!(end, ExitKind::Signaled(Signal::SIGQUIT));
    }
}
