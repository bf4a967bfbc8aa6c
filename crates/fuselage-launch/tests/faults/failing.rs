//! A call that fails because the machine is out of something ends the run with one clear report and
//! leaves nothing, or is one that the run does not need.

use std::collections::{BTreeMap, BTreeSet};

use fuselage_testing::traced::{Act, Edge, Stop, tracing_works};
use fuselage_testing::{root_may_mount, user_namespaces_work};
use nix::errno::Errno;

use crate::host::on_own_host;
use crate::plans::{Kind, ROOTS, USERS};
use crate::scene::{Caller, Outcome, Scene};

/// What the machine is out of: room, descriptors, memory.
const ERRORS: [Errno; 3] = [Errno::ENOSPC, Errno::EMFILE, Errno::ENOMEM];

/// Calls that cannot fail by their man pages, and kill(2) of a child. The C library relies on it.
const UNFAILING: [&str; 13] = [
    "exit",
    "exit_group",
    "rt_sigreturn",
    "kill",
    "umask",
    "getpid",
    "getppid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "sched_yield",
];

/// The calls of a run, in the order of each process.
fn calls(scene: &Scene, kind: Kind) -> BTreeMap<usize, Vec<&'static str>> {
    let mut calls: BTreeMap<usize, Vec<&'static str>> = BTreeMap::new();
    scene.without_home();
    let run = scene.run(&scene.plan(kind), |stop| {
        if stop.edge == Edge::Entry {
            let name = stop.call.name().unwrap_or_default();
            calls.entry(stop.process).or_default().push(name);
        }
        Act::Go
    });
    assert_eq!(run.outcome(kind), Ok(Outcome::Worked), "the twin");
    calls
}

fn failing_everywhere(caller: Caller, kind: Kind) {
    let scene = Scene::new(caller);
    let calls = calls(&scene, kind);
    let mut faults = BTreeSet::new();
    let mut tolerated = BTreeSet::new();
    let mut reports = BTreeSet::new();
    for (&process, names) in &calls {
        for (number, name) in names.iter().enumerate() {
            if UNFAILING.contains(name) {
                continue;
            }
            for error in ERRORS {
                let mut count = 0;
                scene.without_home();
                let run = scene.run(&scene.plan(kind), |stop: &Stop| {
                    if (stop.process, stop.edge) != (process, Edge::Entry) {
                        return Act::Go;
                    }
                    count += 1;
                    match count == number + 1 {
                        true => Act::Fail(error),
                        false => Act::Go,
                    }
                });
                let when = format!("{caller:?} {kind:?}, {error:?} of call {number} of process \
                    {process}, {name}");
                scene.check_nothing_left(&run, &when);
                match run.outcome(kind) {
                    Ok(Outcome::Worked) => {
                        tolerated.insert((process.min(1), *name));
                    }
                    Ok(Outcome::Reported(report)) => {
                        reports.insert(format!("{error:?} {name} {}: {} {:?} {:?}", report.code, report.message, report.causes, report.hints));
                    }
                    Err(why) => {
                        faults.insert(format!("{when}: {why}"));
                    }
                }
            }
        }
    }
    eprintln!("TOLERATED {caller:?} {kind:?} {tolerated:?}");
    for r in &reports { eprintln!("REPORT {r}"); }
    for r in &faults { eprintln!("FAULT {r}"); }
    assert!(faults.is_empty());
}

fn as_user(kind: Kind) {
    assert!(USERS.contains(&kind));
    if user_namespaces_work() {
        on_own_host(|| {
            if tracing_works() {
                failing_everywhere(Caller::User, kind);
            }
        });
    }
}

fn as_root(kind: Kind) {
    assert!(ROOTS.contains(&kind));
    if root_may_mount() {
        on_own_host(|| {
            if tracing_works() {
                failing_everywhere(Caller::Root, kind);
            }
        });
    }
}

/// Each in a test of its own: they run beside each other.
macro_rules! failing {
    ($($name:ident: $who:ident $kind:ident;)*) => {
        $(#[test] fn $name() { $who(Kind::$kind); })*
    };
}

failing! {
    a_user_without_trees: as_user Empty;
    a_user_with_a_made_mount_point: as_user Mirror;
    a_user_with_a_static_zip: as_user StaticZip;
    a_user_with_a_dynamic_zip: as_user DynamicZip;
    a_user_with_base64_text: as_user Base64;
    a_user_with_an_unpacked_image: as_user Squashfs;
    root_without_trees: as_root Empty;
    root_with_a_made_mount_point: as_root Mirror;
    root_with_a_static_zip: as_root StaticZip;
    root_with_a_dynamic_zip: as_root DynamicZip;
    root_with_base64_text: as_root Base64;
    root_with_an_unpacked_image: as_root Squashfs;
    root_with_a_mounted_image: as_root Image;
    root_with_a_mounted_image_of_base64_text: as_root Base64Image;
}
