use fuselage_linux::process::replace_process;

use super::*;
use crate::child::in_child;

/// `sh -c SCRIPT`.
fn shell(script: &str) -> impl FnOnce() {
    let words = ["sh", "-c", script].map(|word| std::ffi::CString::new(word).unwrap());
    move || {
        replace_process(c"/bin/sh", &words, &[]);
    }
}

fn go(_: &Stop) -> Act {
    Act::Go
}

#[test]
fn a_program_ends_as_it_would_and_its_children_are_stopped_too() {
    in_child(|| {
        if !tracing_works() {
            return;
        }
        let mut seen = BTreeSet::new();
        let ended = trace(shell("(exit 3); exit 7"), |stop| {
            seen.insert((stop.process, stop.call.name().unwrap()));
            Act::Go
        });
        assert_eq!(ended.how, ExitKind::Exited(7));
        assert!(seen.contains(&(1, "exit_group")), "{seen:?}");
        assert!(seen.contains(&(0, "wait4")), "{seen:?}");
    });
}

#[test]
fn one_that_becomes_another_program_is_let_go() {
    in_child(|| {
        if !tracing_works() {
            return;
        }
        let ended = trace(shell("exec sh -c 'exit 5'"), go);
        let expected = Ended {
            is_replaced: true,
            executed: Vec::new(),
            how: ExitKind::Exited(5),
            left: 0,
        };
        assert_eq!(ended, expected);
    });
}

#[test]
fn a_call_fails_as_it_is_told() {
    in_child(|| {
        if !tracing_works() {
            return;
        }
        let script = "cd / || exit 9";
        assert_eq!(trace(shell(script), go).how, ExitKind::Exited(0));
        let ended = trace(shell(script), |stop| match (stop.call.name(), stop.edge) {
            (Some("chdir"), Edge::Entry) => Act::Fail(Errno::EMFILE),
            _ => Act::Go,
        });
        assert_eq!(ended.how, ExitKind::Exited(9));
    });
}

#[test]
fn one_that_is_killed_leaves_no_child_that_ends_and_each_one_that_does_not() {
    in_child(|| {
        if !tracing_works() {
            return;
        }
        let killed = |script, name| {
            trace(shell(script), |stop| match stop.call.name() {
                Some(found) if stop.process == 0 && found == name => Act::Kill(0),
                _ => Act::Go,
            })
        };
        let expected = |left| Ended {
            is_replaced: false,
            executed: Vec::new(),
            how: ExitKind::Signaled(Signal::SIGKILL),
            left,
        };
        assert_eq!(killed("(exit 3); exit 7", "wait4"), expected(0));
        let ended = killed("while :; do :; done & exit 7", "exit_group");
        assert_eq!(ended, expected(1));
    });
}
