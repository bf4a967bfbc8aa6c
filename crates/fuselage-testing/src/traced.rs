//! A program that is stopped at each of its system calls (ptrace(2)), and its children too: to kill
//! it there, to let the call fail, or to count.
//!
//! For a process with one thread and no children of its own, since it waits for all of them: the
//! child of [`in_child`](crate::in_child).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fuselage_linux::process::{ExitKind, Forked, Signal, exit_now, fork, send_signal, wait_for};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::calls::Call;
use crate::left_out::skip;

/// What is left of a program that was killed must have ended after this.
const END_TIME: Duration = Duration::from_secs(5);
/// A program that takes longer than this from one stop to the next hangs, and is killed.
const STOP_TIME: Duration = Duration::from_secs(10);
/// Does nothing; the filter of calls of a confined process lets it through.
const IDLE: u64 = libc::SYS_getpid as u64;
/// The status of a child that could not begin.
const UNSTARTED: i32 = 98;

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Before the kernel does anything of it.
    Entry,
    /// Once it is done.
    Exit,
}

/// Where a process has stopped.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    /// The program is 0, its children follow in the order of their making. Threads have the number
    /// of their process.
    pub process: usize,
    /// The side.
    pub edge: Edge,
    /// The call.
    pub call: Call,
}

/// What is done at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Go,
    /// Nothing, here and at all later calls: everything runs on by itself.
    Rest,
    /// At an entry: the call is not made, and returns this error.
    Fail(Errno),
    /// The process with this number is killed (SIGKILL). There are no stops any more then.
    Kill(usize),
}

/// How a program that was traced ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// It had executed another program, in its own place.
    pub is_replaced: bool,
    /// The processes that had executed one.
    pub executed: Vec<usize>,
    /// How, or how the other program did.
    pub how: ExitKind,
    /// How many of its children were there still when it was replaced, or [`END_TIME`] after the
    /// kill.
    pub left: usize,
}

/// Whether a process may be traced here; says why not.
pub fn tracing_works() -> bool {
    let start = || match ptrace::traceme() {
        Ok(()) => exit_now(0),
        Err(_) => exit_now(1),
    };
    match fork().unwrap() {
        Forked::Child => start(),
        Forked::Parent(child) => match wait_for(child).unwrap() {
            ExitKind::Exited(0) => true,
            how => skip(&format!("no process can be traced: {how:?}")),
        },
    }
}

/// Runs the program that `begin` executes, and asks `decide` at each stop of it and its children,
/// from its first instruction until it executes another program. Children that execute one are not
/// stopped any more.
///
/// # Panics
/// Where it cannot be traced, or does not begin.
pub fn trace(begin: impl FnOnce(), decide: impl FnMut(&Stop) -> Act) -> Ended {
    let main = match fork().unwrap() {
        Forked::Child => {
            if ptrace::traceme().is_ok() && nix::sys::signal::raise(Signal::SIGSTOP).is_ok() {
                begin();
            }
            exit_now(UNSTARTED)
        }
        Forked::Parent(main) => main,
    };
    Tracer::new(main, decide).run()
}

/// A thread.
struct Thread {
    process: usize,
    /// Its call, between the two edges.
    inside: Option<Call>,
    /// What the call returns that is not made.
    failing: Option<i64>,
    /// Where its memory ends, as its last brk(2) said.
    memory_end: i64,
    /// It is not stopped at calls: it, or who made it, has executed a program, or it has not yet.
    is_free: bool,
}

struct Tracer<D> {
    main: Pid,
    decide: D,
    threads: BTreeMap<Pid, Thread>,
    /// By their numbers.
    processes: Vec<Pid>,
    /// Those that have stopped before their parents told of them.
    early: BTreeSet<Pid>,
    /// Those that have even ended before.
    gone_early: BTreeSet<Pid>,
    executed: Vec<usize>,
    began: bool,
    /// From then on everything runs to its end.
    killed: Option<Instant>,
    /// There are no stops at calls any more.
    rests: bool,
    how: Option<ExitKind>,
}

impl<D: FnMut(&Stop) -> Act> Tracer<D> {
    fn new(main: Pid, decide: D) -> Self {
        let status = waitpid(main, None).unwrap();
        assert_eq!(status, WaitStatus::Stopped(main, Signal::SIGSTOP));
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(main, options).unwrap();
        ptrace::cont(main, None).unwrap();
        let mut tracer = Self {
            main,
            decide,
            threads: BTreeMap::new(),
            processes: vec![main],
            early: BTreeSet::new(),
            gone_early: BTreeSet::new(),
            executed: Vec::new(),
            began: false,
            killed: None,
            rests: false,
            how: None,
        };
        tracer.add(main, 0, 0, true);
        tracer
    }

    fn run(mut self) -> Ended {
        loop {
            let status = match self.wait() {
                Some(status) => status,
                None => return self.ended(false),
            };
            match status {
                WaitStatus::PtraceEvent(pid, _, libc::PTRACE_EVENT_EXEC) => {
                    if pid == self.main && self.began {
                        return self.replaced();
                    }
                    if self.began
                        && let Some(thread) = self.threads.get(&pid)
                    {
                        self.executed.push(thread.process);
                    }
                    self.began |= pid == self.main;
                    let is_free = pid != self.main;
                    if let Some(thread) = self.threads.get_mut(&pid) {
                        // What comes next is the end of the execve(2).
                        thread.inside = thread.inside.take().or(Some(EXECVE));
                        thread.is_free = is_free;
                    }
                    self.resume(pid, None);
                }
                WaitStatus::PtraceEvent(pid, _, event) => {
                    self.new_child(pid, event);
                    self.resume(pid, None);
                }
                WaitStatus::PtraceSyscall(pid) => self.call(pid),
                WaitStatus::Stopped(pid, signal) => self.stopped(pid, signal),
                WaitStatus::Exited(pid, status) => self.gone(pid, ExitKind::Exited(status)),
                WaitStatus::Signaled(pid, signal, _) => self.gone(pid, ExitKind::Signaled(signal)),
                _ => {}
            }
        }
    }

    /// What comes next; `None`: nothing, all have ended, or had the time to.
    fn wait(&mut self) -> Option<WaitStatus> {
        /// The next stop is near mostly: so often it is only yielded.
        const YIELDS: u32 = 200;
        const PAUSE: Duration = Duration::from_micros(100);
        let begin = Instant::now();
        let mut tries = 0;
        loop {
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => {
                    match self.killed {
                        Some(since) if since.elapsed() > END_TIME => return None,
                        None if begin.elapsed() > STOP_TIME => self.kill(0),
                        _ => {}
                    }
                    tries += 1;
                    match tries {
                        ..YIELDS => std::thread::yield_now(),
                        _ => std::thread::sleep(PAUSE),
                    }
                }
                Ok(status) => return Some(status),
                Err(Errno::EINTR) => {}
                Err(_) => return None,
            }
        }
    }

    fn add(&mut self, pid: Pid, process: usize, memory_end: i64, is_free: bool) {
        let thread = Thread {
            process,
            inside: None,
            failing: None,
            memory_end,
            is_free,
        };
        self.threads.insert(pid, thread);
    }

    fn new_child(&mut self, parent: Pid, event: i32) {
        let Ok(child) = ptrace::getevent(parent) else {
            return;
        };
        let child = Pid::from_raw(child as i32);
        let process = match (event, self.threads.get(&parent)) {
            (libc::PTRACE_EVENT_CLONE, Some(parent)) => parent.process,
            _ => {
                self.processes.push(child);
                self.processes.len() - 1
            }
        };
        let (memory_end, is_free) = match self.threads.get(&parent) {
            Some(parent) => (parent.memory_end, parent.is_free),
            None => (0, false),
        };
        if self.gone_early.remove(&child) {
            return;
        }
        self.add(child, process, memory_end, is_free);
        if self.early.remove(&child) {
            self.resume(child, None);
        }
    }

    fn stopped(&mut self, pid: Pid, signal: Signal) {
        let begins = signal == Signal::SIGSTOP;
        if !self.threads.contains_key(&pid) && self.killed.is_none() {
            self.early.insert(pid);
            return;
        }
        self.resume(pid, (!begins).then_some(signal));
    }

    /// It may be gone: somebody has killed it.
    fn resume(&self, pid: Pid, signal: Option<Signal>) {
        let is_free = self.threads.get(&pid).is_none_or(|thread| thread.is_free);
        let _ = match is_free || self.rests {
            true => ptrace::cont(pid, signal),
            false => ptrace::syscall(pid, signal),
        };
    }

    fn call(&mut self, pid: Pid) {
        if !self.rests {
            match self.act_at(pid) {
                Some(Act::Kill(process)) => self.kill(process),
                Some(Act::Fail(error)) => self.fail(pid, error),
                Some(Act::Rest) => self.rests = true,
                Some(Act::Go) | None => {}
            }
        }
        self.resume(pid, None);
    }

    /// `None`: it is gone.
    fn act_at(&mut self, pid: Pid) -> Option<Act> {
        let registers = ptrace::getregs(pid).ok()?;
        let thread = self.threads.get_mut(&pid)?;
        let (edge, call) = match thread.inside.take() {
            Some(call) => (Edge::Exit, call),
            None => {
                let call = Call {
                    number: registers.orig_rax.cast_signed(),
                    arguments: [
                        registers.rdi,
                        registers.rsi,
                        registers.rdx,
                        registers.r10,
                        registers.r8,
                        registers.r9,
                    ],
                };
                thread.inside = Some(call);
                (Edge::Entry, call)
            }
        };
        if edge == Edge::Exit {
            let mut registers = registers;
            if let Some(result) = thread.failing.take() {
                registers.rax = result.cast_unsigned();
                ptrace::setregs(pid, registers).unwrap();
            }
            if call.number == libc::SYS_brk {
                thread.memory_end = registers.rax.cast_signed();
            }
        }
        let process = thread.process;
        Some((self.decide)(&Stop {
            process,
            edge,
            call,
        }))
    }

    fn fail(&mut self, pid: Pid, error: Errno) {
        let Some(thread) = self.threads.get_mut(&pid) else {
            return;
        };
        let call = thread.inside.expect("only a call that begins can fail");
        // brk(2) returns no error, but the end as it is (its man page, "C library/kernel
        // differences").
        let fails_by_end = call.number == libc::SYS_brk;
        thread.failing = Some(match fails_by_end {
            true => thread.memory_end,
            false => -i64::from(error as i32),
        });
        let mut registers = ptrace::getregs(pid).unwrap();
        registers.orig_rax = IDLE;
        ptrace::setregs(pid, registers).unwrap();
    }

    fn kill(&mut self, process: usize) {
        self.killed = Some(Instant::now());
        self.rests = true;
        send_signal(self.processes[process], Signal::SIGKILL);
        for pid in std::mem::take(&mut self.early) {
            self.resume(pid, None);
        }
    }

    fn gone(&mut self, pid: Pid, how: ExitKind) {
        if self.threads.remove(&pid).is_none() {
            self.gone_early.insert(pid);
        }
        if pid == self.main {
            self.how = Some(how);
        }
    }

    /// The program is another one, which nobody traces.
    fn replaced(mut self) -> Ended {
        self.threads.remove(&self.main);
        ptrace::detach(self.main, None).unwrap();
        let how = wait_for(self.main).unwrap();
        self.how = Some(how);
        self.ended(true)
    }

    fn ended(self, is_replaced: bool) -> Ended {
        let how = self.how.expect("the program has ended");
        assert_ne!(how, ExitKind::Exited(UNSTARTED), "it did not begin");
        Ended {
            is_replaced,
            executed: self.executed,
            how,
            left: self.threads.len(),
        }
    }
}

const EXECVE: Call = Call {
    number: libc::SYS_execve,
    arguments: [0; 6],
};

#[cfg(test)]
mod tests;
