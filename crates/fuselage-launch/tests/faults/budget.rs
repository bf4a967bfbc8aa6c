//! How many system calls a start takes.
//!
//! Each costs time, and more of them come unseen: by a library that looks first, by a check that is
//! made twice. `system-calls.json` has what a start takes; to write it anew:
//!
//!     UPDATE_BUDGET=1 cargo nextest run -p fuselage-launch --test faults budget

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use fuselage_testing::traced::{Act, Edge, Stop, tracing_works};
use fuselage_testing::{in_child, root_may_mount, user_namespaces_work};
use nix::libc;

use crate::plans::Kind;
use crate::scene::{Caller, Outcome, Scene};

/// Calls of one process, by name.
type Calls = BTreeMap<String, usize>;
/// By the process: the launcher, all its workers.
type Processes = BTreeMap<String, Calls>;

/// A whole run may take so many hundredths of what it did.
const LIMIT: usize = 110;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/faults/system-calls.json")
}

/// Whether the standard library asks, in development alone, if a descriptor that it closes is one.
fn is_of_development(stop: &Stop) -> bool {
    let [descriptor, command, ..] = stop.call.arguments;
    stop.call.number == libc::SYS_fcntl && command == libc::F_GETFD as u64 && descriptor > 3
}

/// The calls of a start in a home that is there, until the command is executed.
fn counted(caller: Caller, kind: Kind) -> Processes {
    let scene = Scene::new(caller);
    // It makes the home.
    scene.run(&scene.plan(kind), |_| Act::Go);
    let mut counted = Processes::new();
    let run = scene.run(&scene.plan(kind), |stop| {
        if stop.edge == Edge::Entry && !is_of_development(stop) {
            let process = if stop.process == 0 {
                "launcher"
            } else {
                "workers"
            };
            let calls = counted.entry(process.to_owned()).or_default();
            let name = stop.call.name().unwrap_or_default();
            *calls.entry(name.to_owned()).or_default() += 1;
        }
        Act::Go
    });
    assert_eq!(run.outcome(kind), Ok(Outcome::Worked));
    counted
}

/// What is more than it may be; one line for each process.
fn excess(run: &str, committed: &Processes, counted: &Processes) -> Vec<String> {
    let total = |calls: &Calls| calls.values().sum::<usize>();
    let none = Calls::new();
    let mut excess = Vec::new();
    for (process, calls) in counted {
        let before = committed.get(process).unwrap_or(&none);
        if total(calls) * 100 <= total(before) * LIMIT {
            continue;
        }
        let grown: Vec<String> = calls
            .iter()
            .map(|(name, count)| (name, count, before.get(name).copied().unwrap_or(0)))
            .filter(|(_, count, before)| *count > before)
            .map(|(name, count, before)| format!("{name} from {before} to {count}"))
            .collect();
        excess.push(format!(
            "{run}, {process}: {} system calls in place of {}: {}",
            total(calls),
            total(before),
            grown.join(", ")
        ));
    }
    excess
}

fn check(caller: Caller, kind: Kind) {
    let name = format!("{caller:?} {kind:?}");
    // What it counts crosses in a file: the child is another process.
    let count = tempfile::NamedTempFile::new().unwrap();
    in_child(|| {
        if tracing_works() {
            let file = fs::File::create(count.path()).unwrap();
            serde_json::to_writer(file, &counted(caller, kind)).unwrap();
        }
    });
    let text = fs::read_to_string(count.path()).unwrap();
    if text.is_empty() {
        return;
    }
    let counted: Processes = serde_json::from_str(&text).unwrap();
    let committed = fs::read_to_string(file()).unwrap_or_else(|_| "{}".into());
    let mut committed: BTreeMap<String, Processes> = serde_json::from_str(&committed).unwrap();
    if std::env::var_os("UPDATE_BUDGET").is_some() {
        committed.insert(name, counted);
        let text = serde_json::to_string_pretty(&committed).unwrap();
        fs::write(file(), text + "\n").unwrap();
        return;
    }
    let excess = excess(&name, &committed[&name], &counted);
    assert!(
        excess.is_empty(),
        "{}\nif it must be so: UPDATE_BUDGET=1, see tests/faults/budget.rs",
        excess.join("\n")
    );
}

/// All in one test: they write one file.
#[test]
fn a_start_takes_no_more_system_calls_than_it_did() {
    if user_namespaces_work() {
        for kind in [Kind::Empty, Kind::Mirror, Kind::StaticZip] {
            check(Caller::User, kind);
        }
    }
    if root_may_mount() {
        for kind in [Kind::Empty, Kind::StaticZip, Kind::Image] {
            check(Caller::Root, kind);
        }
    }
}

#[test]
fn what_grew_is_named_and_a_tenth_more_is_allowed() {
    let processes = |open: usize, mount: usize| -> Processes {
        let calls = [("mount", mount), ("openat", open)];
        let calls = calls.map(|(name, count)| (name.to_owned(), count));
        [("launcher".to_owned(), calls.into())].into()
    };
    let committed = processes(90, 10);
    assert!(excess("User Empty", &committed, &processes(98, 12)).is_empty());
    assert!(excess("User Empty", &committed, &processes(50, 10)).is_empty());
    assert_eq!(
        excess("User Empty", &committed, &processes(80, 31)),
        ["User Empty, launcher: 111 system calls in place of 100: mount from 10 to 31"]
    );
}
