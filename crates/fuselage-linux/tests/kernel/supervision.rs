//! A supervised child and its supervisor are one process to everybody else.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use fuselage_linux::process::{
    ExitKind, Forked, Pid, Signal, exit_now, fork, own_pid, send_signal, wait_for,
};
use fuselage_linux::supervision::{HeldSignals, Side, supervise};
use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, signal, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};

/// Starts a supervisor whose child does `work`; the pid of the supervisor.
fn supervised(prepare: impl FnOnce(), work: impl FnOnce()) -> Pid {
    match fork().unwrap() {
        Forked::Parent(supervisor) => supervisor,
        Forked::Child => {
            prepare();
            let Ok(held) = HeldSignals::begin() else {
                exit_now(90);
            };
            match supervise(held) {
                Ok(Side::Child(Ok(()))) => {
                    work();
                    exit_now(0)
                }
                Ok(Side::Supervisor(mut supervision)) => supervision.until_end().follow(),
                Ok(Side::Child(Err(_))) | Err(_) => exit_now(91),
            }
        }
    }
}

fn wait_long() {
    loop {
        std::thread::sleep(Duration::from_secs(9));
    }
}

/// Reads one byte.
fn hear(reader: &mut std::io::PipeReader) -> u8 {
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    byte[0]
}

#[test]
fn the_status_and_the_signal_are_those_of_the_child() {
    let end = |work: fn()| wait_for(supervised(|| {}, work)).unwrap();
    assert_eq!(end(|| exit_now(7)), ExitKind::Exited(7));
    assert_eq!(end(|| exit_now(0)), ExitKind::Exited(0));
    for number in [
        Signal::SIGTERM,
        Signal::SIGKILL,
        Signal::SIGQUIT,
        Signal::SIGABRT,
    ] {
        let supervisor = supervised(
            || {},
            || {
                send_signal(own_pid(), number);
                wait_long();
            },
        );
        assert_eq!(wait_for(supervisor).unwrap(), ExitKind::Signaled(number));
    }
}

#[test]
fn the_supervisor_leaves_no_core_file() {
    let supervisor = supervised(
        || {},
        || {
            nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0).unwrap();
            send_signal(own_pid(), Signal::SIGABRT);
        },
    );
    let end = waitpid(supervisor, None).unwrap();
    assert_eq!(
        end,
        WaitStatus::Signaled(supervisor, Signal::SIGABRT, false)
    );
}

#[test]
fn a_signal_that_came_before_the_fork_is_not_lost() {
    let supervisor = match fork().unwrap() {
        Forked::Parent(supervisor) => supervisor,
        Forked::Child => {
            let held = HeldSignals::begin().unwrap();
            send_signal(own_pid(), Signal::SIGHUP);
            match supervise(held) {
                Ok(Side::Child(Ok(()))) => {
                    wait_long();
                    exit_now(0)
                }
                Ok(Side::Supervisor(mut supervision)) => supervision.until_end().follow(),
                Ok(Side::Child(Err(_))) | Err(_) => exit_now(91),
            }
        }
    };
    assert_eq!(
        wait_for(supervisor).unwrap(),
        ExitKind::Signaled(Signal::SIGHUP)
    );
}

#[test]
fn held_signals_act_when_they_are_let_go() {
    let child = match fork().unwrap() {
        Forked::Parent(child) => child,
        Forked::Child => {
            let held = HeldSignals::begin().unwrap();
            send_signal(own_pid(), Signal::SIGTERM);
            drop(held);
            exit_now(0)
        }
    };
    assert_eq!(
        wait_for(child).unwrap(),
        ExitKind::Signaled(Signal::SIGTERM)
    );
}

#[test]
fn the_child_has_the_mask_and_the_dispositions_of_before() {
    let supervisor = supervised(
        || {
            let mut mask = SigSet::empty();
            mask.add(Signal::SIGUSR1);
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None).unwrap();
            // SAFETY: SIG_IGN is no function.
            unsafe {
                signal(Signal::SIGCHLD, SigHandler::SigIgn).unwrap();
                signal(Signal::SIGINT, SigHandler::SigIgn).unwrap();
            }
        },
        || {
            let mask = SigSet::thread_get_mask().unwrap();
            let only = mask.iter().collect::<Vec<_>>() == [Signal::SIGUSR1];
            let ignored =
                [Signal::SIGCHLD, Signal::SIGINT].map(fuselage_linux::signals::is_ignored);
            exit_now(if only && ignored == [true, true] {
                5
            } else {
                6
            })
        },
    );
    // Although SIGCHLD was ignored, in which case nobody can wait for a child.
    assert_eq!(wait_for(supervisor).unwrap(), ExitKind::Exited(5));
}

#[test]
fn the_child_does_not_outlive_a_supervisor_that_is_killed() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let supervisor = supervised(
        || {},
        move || {
            writer.write_all(b"r").unwrap();
            wait_long();
        },
    );
    assert_eq!(hear(&mut reader), b'r');
    send_signal(supervisor, Signal::SIGKILL);
    assert_eq!(
        wait_for(supervisor).unwrap(),
        ExitKind::Signaled(Signal::SIGKILL)
    );
    // The end of the child closes its side of the pipe.
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

#[test]
fn signals_are_passed_on_with_their_values() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let supervisor = supervised(
        || {},
        move || {
            let mut all = SigSet::all();
            all.remove(Signal::SIGTERM);
            sigprocmask(SigmaskHow::SIG_SETMASK, Some(&all), None).unwrap();
            writer.write_all(b"r").unwrap();
            loop {
                // SAFETY: the structure is filled by the call, and of a signal with a value.
                let (number, value) = unsafe {
                    let mut info: libc::siginfo_t = std::mem::zeroed();
                    let number = libc::sigwaitinfo(all.as_ref(), &raw mut info);
                    (number, info.si_value().sival_ptr as usize)
                };
                writer.write_all(&[number as u8, value as u8]).unwrap();
            }
        },
    );
    assert_eq!(hear(&mut reader), b'r');
    send_signal(supervisor, Signal::SIGUSR2);
    assert_eq!(hear(&mut reader), Signal::SIGUSR2 as u8);
    hear(&mut reader);
    for value in [3, 4] {
        let sent = libc::sigval {
            sival_ptr: value as *mut libc::c_void,
        };
        // SAFETY: takes numbers; the value is no pointer to anybody.
        assert_eq!(unsafe { libc::sigqueue(supervisor.as_raw(), 40, sent) }, 0);
    }
    let heard: Vec<u8> = (0..4).map(|_| hear(&mut reader)).collect();
    assert_eq!(heard, [40, 3, 40, 4]);
    send_signal(supervisor, Signal::SIGTERM);
    assert_eq!(
        wait_for(supervisor).unwrap(),
        ExitKind::Signaled(Signal::SIGTERM)
    );
}

#[test]
fn a_storm_of_signals_is_survived() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let supervisor = supervised(
        || {
            // SAFETY: SIG_IGN is no function.
            unsafe { signal(Signal::SIGUSR1, SigHandler::SigIgn).unwrap() };
        },
        move || {
            writer.write_all(b"r").unwrap();
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(300) {
                if let Ok(Forked::Parent(child)) = fork().inspect(|side| {
                    if matches!(side, Forked::Child) {
                        exit_now(0)
                    }
                }) {
                    wait_for(child).unwrap();
                }
            }
            exit_now(11)
        },
    );
    assert_eq!(hear(&mut reader), b'r');
    let mut end = Ok(WaitStatus::StillAlive);
    while end == Ok(WaitStatus::StillAlive) {
        for number in [Signal::SIGUSR1, Signal::SIGCONT, Signal::SIGWINCH] {
            send_signal(supervisor, number);
        }
        end = waitpid(supervisor, Some(WaitPidFlag::WNOHANG));
    }
    assert_eq!(end, Ok(WaitStatus::Exited(supervisor, 11)));
}

#[test]
fn both_stop_by_the_same_signal_and_go_on_together() {
    for number in [Signal::SIGSTOP, Signal::SIGTSTP, Signal::SIGTTIN] {
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        let supervisor = supervised(
            || {},
            move || {
                // What only a process group that somebody watches does.
                send_signal(own_pid(), number);
                writer.write_all(b"c").unwrap();
                exit_now(8)
            },
        );
        let flags = WaitPidFlag::WUNTRACED;
        let stopped = waitpid(supervisor, Some(flags)).unwrap();
        assert_eq!(stopped, WaitStatus::Stopped(supervisor, number));
        send_signal(supervisor, Signal::SIGCONT);
        assert_eq!(hear(&mut reader), b'c');
        assert_eq!(wait_for(supervisor).unwrap(), ExitKind::Exited(8));
    }
}
