//! Tests that this host has no way to do.

use std::io::Read;
use std::os::fd::AsFd;

use fuselage_linux::capabilities::has_sys_admin;
use fuselage_linux::confinement::confine;
use fuselage_linux::namespaces::enter_user_namespace;
use fuselage_linux::process::{ExitKind, Forked, exit_now, fork, own_pid, wait_for};
use fuselage_linux::refusal::{NamespaceFacts, diagnose};
use nix::unistd::geteuid;

use crate::child::report;
use crate::user::{USER, become_user};

/// Always false: the test returns.
///
/// # Panics
/// Where CI demands that everything mounts (`FUSELAGE_TEST_MUST_MOUNT=1`).
pub fn skip(why: &str) -> bool {
    let demanded = std::env::var_os("FUSELAGE_TEST_MUST_MOUNT").is_some_and(|value| value == "1");
    assert!(
        !demanded,
        "FUSELAGE_TEST_MUST_MOUNT=1, and this test cannot run: {why}"
    );
    eprintln!("skipped: {why}");
    false
}

/// As [`skip`], for what only root can do: of anybody else it is never demanded.
///
/// # Panics
/// As root, where CI demands that everything mounts.
pub fn skip_without_root(why: &str) -> bool {
    if geteuid().is_root() {
        return skip(why);
    }
    eprintln!("skipped: {why}");
    false
}

/// Whether this test can do its work as an ordinary user; says why not.
pub fn user_namespaces_work() -> bool {
    let (mut reader, writer) = std::io::pipe().unwrap();
    match fork().unwrap() {
        Forked::Child => {
            become_user(USER);
            if let Err(error) = enter_user_namespace() {
                let refusal = diagnose(&error, &NamespaceFacts::gather());
                report(&writer.into(), &format!("{refusal:?}"));
            }
            exit_now(0)
        }
        Forked::Parent(child) => {
            drop(writer);
            let mut said = String::new();
            reader.read_to_string(&mut said).unwrap();
            wait_for(child).unwrap();
            said.is_empty() || skip(&said)
        }
    }
}

/// Whether a child of this test can be confined, which takes a user namespace or root; says why
/// not.
pub fn confinement_works() -> bool {
    let root = std::fs::File::open("/").unwrap();
    let parent = own_pid();
    match fork().unwrap() {
        Forked::Child => exit_now(match confine(parent, root.as_fd(), &[]) {
            Ok(()) => 0,
            Err(error) => 1 + error.step as i32,
        }),
        Forked::Parent(child) => match wait_for(child).unwrap() {
            ExitKind::Exited(0) => true,
            how => skip(&format!("a child cannot be confined: {how:?}")),
        },
    }
}

/// Whether this test can do its work as root; says why not.
pub fn root_may_mount() -> bool {
    has_sys_admin() || skip_without_root("it needs root with CAP_SYS_ADMIN")
}
