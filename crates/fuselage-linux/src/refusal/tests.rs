//! Each row of the table of causes, with facts as such a host has them.

mod in_namespaces;
mod user_namespace;

use nix::errno::Errno;

use super::facts::{NamespaceFacts, ProcState, Surroundings};
use super::{Cause, diagnose, find_causes};
use crate::namespaces::{NamespaceError, NamespaceStep};

/// An ordinary user on a host where nothing is wrong, before the first step.
fn user() -> NamespaceFacts {
    let whole = vec![[0, 0, u64::from(u32::MAX)]];
    NamespaceFacts {
        uid: 1000,
        gid: 1000,
        sys_admin: false,
        threads: Some(1),
        seccomp: Some(0),
        no_new_privileges: Some(false),
        dumpable: Some(true),
        uid_map: Some(whole.clone()),
        gid_map: Some(whole),
        root_is_mount: Some(true),
        proc_state: ProcState::Usable,
        built_in: true,
        max_user_namespaces: Some(96365),
        max_mnt_namespaces: Some(96365),
        unprivileged_userns_clone: None,
        apparmor_restrict: None,
        apparmor_profile: None,
        selinux_enforcing: false,
        surroundings: Surroundings::Plain,
        program: Some("/opt/fuselage-launch-linux-x64".into()),
    }
}

/// The same user inside the namespace that was just made.
fn inside() -> NamespaceFacts {
    NamespaceFacts {
        uid: 65534,
        gid: 65534,
        sys_admin: true,
        uid_map: Some(vec![]),
        gid_map: Some(vec![]),
        ..user()
    }
}

/// The same user with the maps written.
fn mapped() -> NamespaceFacts {
    let own = Some(vec![[1000, 1000, 1]]);
    NamespaceFacts {
        sys_admin: true,
        uid_map: own.clone(),
        gid_map: own,
        ..user()
    }
}

/// Step, errno, facts, causes, and what the text must name.
type Row = (
    NamespaceStep,
    Errno,
    NamespaceFacts,
    &'static [Cause],
    &'static [&'static str],
);

fn rows() -> Vec<Row> {
    let [first, then] = [user_namespace::rows(), in_namespaces::rows()];
    first.into_iter().chain(then).collect()
}

#[test]
fn every_row_is_told_apart_and_says_what_to_do() {
    for (step, errno, facts, causes, words) in rows() {
        let error = NamespaceError { step, errno };
        assert_eq!(find_causes(&error, &facts), causes, "{error}: {facts:?}");
        let refusal = diagnose(&error, &facts);
        assert_eq!(refusal.causes.len(), causes.len());
        assert!(!refusal.hints.is_empty());
        let text = format!("{refusal:?}").replace("\\\"", "\"");
        for word in words {
            assert!(text.contains(word), "{word:?} in {text}");
        }
        assert!(
            refusal.message.contains(&format!("({errno:?})")),
            "{}",
            refusal.message
        );
    }
}

#[test]
fn no_two_causes_say_the_same() {
    let mut said = std::collections::HashMap::new();
    for (step, errno, facts, causes, _) in rows() {
        let refusal = diagnose(&NamespaceError { step, errno }, &facts);
        for (cause, text) in causes.iter().zip(refusal.causes) {
            let before = said.insert(text.clone(), *cause);
            assert!(before.is_none_or(|before| before == *cause), "{text}");
        }
    }
}

#[test]
fn real_files_are_named_where_they_could_be_made() {
    for (step, errno, facts, causes, _) in rows() {
        let refusal = diagnose(&NamespaceError { step, errno }, &facts);
        let named = refusal.hints.last().unwrap().contains("--extract=allow");
        let in_vain = [Cause::ProcMissing, Cause::ProcForeign, Cause::SecondThread];
        let homeless = causes[0] == Cause::IdNotMapped && facts.uid == 65534;
        let expected = !in_vain.contains(&causes[0]) && !homeless;
        assert_eq!(named, expected, "{refusal:?}");
    }
}

/// The printers show a hint as one line, and what is pasted is between backticks.
#[test]
fn what_is_to_be_pasted_is_one_line() {
    for (step, errno, facts, ..) in rows() {
        for hint in diagnose(&NamespaceError { step, errno }, &facts).hints {
            assert!(!hint.contains('\n'), "{hint}");
            assert_eq!(hint.matches('`').count() % 2, 0, "{hint}");
        }
    }
}

#[test]
fn an_outer_program_is_not_given_the_right() {
    let facts = NamespaceFacts {
        program: Some("/usr/bin/node".into()),
        apparmor_restrict: Some(1),
        ..mapped()
    };
    let refusal = diagnose(
        &NamespaceError {
            step: NamespaceStep::FirstMount,
            errno: Errno::EPERM,
        },
        &facts,
    );
    assert!(!format!("{refusal:?}").contains("/usr/bin/node"));
    assert!(refusal.hints[0].contains("/PATH/TO/fuselage-launch"));
}
