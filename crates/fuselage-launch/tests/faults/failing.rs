//! A call that fails because the machine is out of something ends the run with one clear report and
//! leaves nothing, or is one that the run does not need.

use std::collections::BTreeMap;

use fuselage_plan::{ErrorReport, MountPlan, Reason};
use fuselage_testing::traced::{Act, Edge, Stop, tracing_works};
use fuselage_testing::user_namespaces_work;
use nix::errno::Errno;

use crate::callers::everywhere;
use crate::host::on_own_host;
use crate::plans::Kind;
use crate::scene::{Caller, Outcome, Scene, changes};

/// What the machine is out of: room, descriptors, memory.
const ERRORS: [Errno; 3] = [Errno::ENOSPC, Errno::EMFILE, Errno::ENOMEM];

/// Calls that cannot fail by their man pages, or for nothing that the machine is out of. The C
/// library and the kernel rely on it: what close(2) says, the descriptor is closed.
const UNFAILING: [&str; 17] = [
    "clock_nanosleep",
    "exit",
    "exit_group",
    "rt_sigreturn",
    "kill",
    "wait4",
    "close",
    "umask",
    "getpid",
    "getppid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "sched_yield",
    "rt_sigprocmask",
];

/// The calls of a run, in the order of each process.
fn calls(scene: &Scene, kind: Kind) -> BTreeMap<usize, Vec<&'static str>> {
    let mut calls: BTreeMap<usize, Vec<&'static str>> = BTreeMap::new();
    scene.without_home();
    let run = scene.run(&scene.plan(), |stop| {
        if stop.edge == Edge::Entry {
            let name = stop.call.name().unwrap_or_default();
            calls.entry(stop.process).or_default().push(name);
        }
        Act::Go
    });
    assert_eq!(run.outcome(kind), Ok(Outcome::Worked), "the twin");
    calls
}

/// Whether the call `number` of `process` fails, and each after it that can give that error too.
#[derive(Clone, Copy, Debug)]
struct Fault {
    process: usize,
    number: usize,
    error: Errno,
    goes_on: bool,
}

impl Fault {
    fn act(&self, count: &mut usize, stop: &Stop) -> Act {
        if stop.process != self.process {
            return Act::Go;
        }
        let is_over = *count > self.number && !self.goes_on;
        if stop.edge == Edge::Exit {
            return if is_over { Act::Rest } else { Act::Go };
        }
        *count += 1;
        let name = stop.call.name().unwrap_or_default();
        let is_after = *count > self.number + 1 && self.goes_on && can_give(self.error, stop);
        match *count == self.number + 1 || is_after {
            true if !UNFAILING.contains(&name) => Act::Fail(self.error),
            _ => Act::Go,
        }
    }
}

/// Whether the kernel has this error for the call.
fn can_give(error: Errno, stop: &Stop) -> bool {
    let name = stop.call.name().unwrap_or_default();
    may_give(error, name) && (error != Errno::ENOSPC || changes(stop))
}

fn may_give(error: Errno, name: &str) -> bool {
    let list: &[&str] = match error {
        Errno::EMFILE => &EMFILES,
        Errno::ENOSPC => &ENOSPCS,
        _ => &ENOMEMS,
    };
    list.contains(&name)
}

const EMFILES: [&str; 9] = [
    "openat",
    "openat2",
    "open_tree",
    "socketpair",
    "pipe2",
    "dup",
    "pidfd_open",
    "signalfd4",
    "memfd_create",
];
/// Not `write`: it is how an error is said.
const ENOSPCS: [&str; 8] = [
    "openat",
    "mkdirat",
    "symlinkat",
    "fallocate",
    "ftruncate",
    "pwrite64",
    "mount",
    "unshare",
];
const ENOMEMS: [&str; 16] = [
    "brk",
    "mmap",
    "mremap",
    "clone",
    "clone3",
    "openat",
    "openat2",
    "open_tree",
    "socketpair",
    "mkdirat",
    "symlinkat",
    "mount",
    "move_mount",
    "unshare",
    "sendto",
    "statx",
];

/// Calls of the launcher that may fail, and the run works all the same: the working directory is
/// left alone; memory comes another way, or is not given back; what is asked about processors,
/// groups, the terminal, one more capability and the id map is not known; `fcntl` is what
/// the standard library asks before a close in development.
/// The supervisor of real files stays open where it cannot close.
const SPARED_BY_LAUNCHER: [&str; 19] = [
    "brk",
    "chdir",
    "close_range",
    "dup2",
    "fcntl",
    "getcwd",
    "getgroups",
    "getrandom",
    "ioctl",
    "lseek",
    "mmap",
    "munmap",
    "openat",
    "prctl",
    "read",
    "readlink",
    "rt_sigaction",
    "set_robust_list",
    "statx",
];
/// Of the launcher that tries the namespaces: it hears of them late, or they count as refused.
const SPARED_BY_TRYING: [&str; 2] = ["poll", "read"];
/// Of the supervisor: it waits again, and removes from the root of the tree once more.
const SPARED_BY_SUPERVISOR: [&str; 2] = ["fstat", "rt_sigtimedwait"];
/// Of a worker that writes real files: rules of Landlock do in place of another root directory.
const SPARED_BY_RULES: [&str; 3] = ["chroot", "fchdir", "unshare"];
/// The same of a worker: its memory, the time zone, its descriptors one by one in place of all at
/// once, and the end of the conversation.
const SPARED_BY_WORKER: [&str; 14] = [
    "brk",
    "close_range",
    "fcntl",
    "getrandom",
    "lseek",
    "mmap",
    "munmap",
    "newfstatat",
    "openat",
    "read",
    "recvfrom",
    "rt_sigaction",
    "set_robust_list",
    "madvise",
];

fn failing_everywhere(caller: Caller, kind: Kind) {
    let scene = Scene::new(caller, kind);
    let calls = calls(&scene, kind);
    let mut wrong = Vec::new();
    let faults = faults(&calls);
    for fault in &faults {
        // It may be another one than in the run that was counted: what is read of /proc comes in
        // as many pieces as there are.
        let (mut met, mut failed) = (0, None);
        let mut is_out_of_it = false;
        scene.without_home();
        let run = scene.run(&scene.plan(), |stop| {
            let act = fault.act(&mut met, stop);
            if let Act::Fail(_) = act {
                if failed.is_none() {
                    is_out_of_it = can_give(fault.error, stop);
                }
                failed.get_or_insert(stop.call.name().unwrap_or_default());
            }
            act
        });
        let name = failed.unwrap_or("no call");
        let when = format!("{caller:?} {kind:?}, {fault:?} at {name}");
        if kind.is_real() && fault.process == 0 {
            // Where the supervisor cannot remove the files, it says so, and the next run does.
            assert_eq!(run.ended.left, 0, "{when}: processes are left");
            let next = scene.run(&scene.plan(), |_| Act::Rest);
            scene.check_nothing_left(&next, &format!("{when}, and one more run"));
            if run.says_that_files_are_left() {
                continue;
            }
        } else {
            scene.check_nothing_left(&run, &when);
        }
        if kind == Kind::Allowed && fault.process == 1 && run.outcome(kind) == Ok(Outcome::Worked) {
            // The namespaces count as refused.
            continue;
        }
        let list: &[&str] = match fault.process {
            0 if kind == Kind::Allowed && SPARED_BY_TRYING.contains(&name) => &SPARED_BY_TRYING,
            // The child that becomes the command.
            1 if kind.is_real() => &SPARED_BY_LAUNCHER,
            0 if kind.is_real() && SPARED_BY_SUPERVISOR.contains(&name) => &SPARED_BY_SUPERVISOR,
            _ if SPARED_BY_RULES.contains(&name) && kind.is_real() => &SPARED_BY_RULES,
            0 => &SPARED_BY_LAUNCHER,
            _ => &SPARED_BY_WORKER,
        };
        match run.outcome(kind) {
            Ok(Outcome::Worked) if failed.is_some() && !list.contains(&name) => {
                wrong.push(format!(
                    "{when}: the run does without it, which no list says"
                ));
            }
            Ok(Outcome::Reported(report)) if is_out_of_it && !says_so(kind, fault, &report) => {
                wrong.push(format!("{when}: no help against that: {report:?}"));
            }
            Ok(_) => {}
            Err(why) => wrong.push(format!("{when}: {why}")),
        }
    }
    eprintln!("{caller:?} {kind:?}: {} faults", faults.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a report helps who is out of something.
fn says_so(kind: Kind, fault: &Fault, report: &ErrorReport) -> bool {
    let words: &[&str] = match fault.error {
        Errno::EMFILE => &["raise the limit of open files"],
        Errno::ENOMEM => &["memory"],
        // Of the disk, or the home.
        _ if kind.is_real() => &["make room", "FUSELAGE_HOME"],
        // Of the tmpfs, its directories, the home, namespaces or mounts.
        _ => &[
            "--tmpfs-size",
            "is for the directories of runs alone",
            "FUSELAGE_HOME",
            "sysctl -w user.max_",
            "sysctl -w fs.mount-max=",
        ],
    };
    let helps = |hint: &String| words.iter().any(|word| hint.contains(word));
    report.hints.iter().any(helps)
}

/// One for each call, the six kinds in turn; each of all of them with FUSELAGE_TEST_LONG=1. Runs of
/// other trees make most of the same calls, at other numbers.
fn faults(calls: &BTreeMap<usize, Vec<&'static str>>) -> Vec<Fault> {
    let is_long = std::env::var_os("FUSELAGE_TEST_LONG").is_some_and(|value| value == "1");
    let mut faults = Vec::new();
    for (&process, names) in calls {
        let numbers = (0..names.len()).filter(|number| !UNFAILING.contains(&names[*number]));
        for (turn, number) in numbers.enumerate() {
            let of_call = ERRORS.into_iter().flat_map(|error| {
                [false, true].map(|goes_on| Fault {
                    process,
                    number,
                    error,
                    goes_on,
                })
            });
            match is_long {
                true => faults.extend(of_call),
                false => faults.extend(of_call.cycle().nth(turn % 6)),
            }
        }
    }
    faults
}

/// A plan that does not fit into the memory that the launcher brings along.
fn long_plan(scene: &Scene) -> MountPlan {
    let mut plan = scene.plan();
    plan.reasons.push(Reason {
        subject: "x".repeat(100_000),
        strategy: String::new(),
        why: String::new(),
        at: None,
    });
    plan
}

#[test]
fn a_launcher_that_gets_no_memory_says_so() {
    on_own_host(|| {
        if !user_namespaces_work() || !tracing_works() {
            return;
        }
        let scene = Scene::new(Caller::User, Kind::Empty);
        let plan = long_plan(&scene);
        let run = scene.run(&plan, |_| Act::Go);
        assert_eq!(run.outcome(Kind::Empty), Ok(Outcome::Worked), "the twin");
        // Sent to the library; printed where that cannot be done either.
        for failing in [&["brk", "mmap"][..], &["brk", "mmap", "sendto"]] {
            let run = scene.run(&plan, |stop| match (stop.edge, stop.call.name()) {
                (Edge::Entry, Some(name)) if failing.contains(&name) => Act::Fail(Errno::ENOMEM),
                _ => Act::Go,
            });
            scene.check_nothing_left(&run, "without memory");
            match run.outcome(Kind::Empty) {
                Ok(Outcome::Reported(report)) => assert_eq!(report.code, "ERR_OUT_OF_MEMORY"),
                other => panic!("{failing:?}: {other:?}"),
            }
        }
    });
}

everywhere!(failing_everywhere);
