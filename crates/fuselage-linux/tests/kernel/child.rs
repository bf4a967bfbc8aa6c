//! A forked child for each test: a namespace is entered by a process with one thread only, and
//! what it mounts goes with it.

use std::cell::RefCell;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

use fuselage_linux::namespaces::{enter_mount_namespace, enter_user_namespace};
use fuselage_linux::process::{ExitKind, Forked, exit_now, fork, wait_for};
use fuselage_linux::refusal::{NamespaceFacts, diagnose};
use nix::unistd::{Gid, Uid, chown, geteuid, setgroups, setresgid, setresuid};

/// The ordinary user of the tests. 65534 would not do: it is the overflow uid, so that inside a
/// user namespace every owner that is not mapped looks like it.
pub(crate) const USER: u32 = 12345;

/// Runs `test` in a child; what it panics with fails this test, word by word.
pub(crate) fn in_child(test: impl FnOnce()) {
    report_panics_of_children();
    let (reader, writer) = nix::unistd::pipe().unwrap();
    match fork().unwrap() {
        Forked::Child => {
            drop(reader);
            REPORT_TO.set(Some(writer));
            let status = i32::from(catch_unwind(AssertUnwindSafe(test)).is_err());
            exit_now(status)
        }
        Forked::Parent(child) => {
            drop(writer);
            let mut said = String::new();
            std::fs::File::from(reader)
                .read_to_string(&mut said)
                .unwrap();
            let end = wait_for(child).unwrap();
            assert_eq!(end, ExitKind::Exited(0), "in the child: {said}");
        }
    }
}

thread_local! {
    /// Where panics of this thread are written; set in children only.
    static REPORT_TO: RefCell<Option<OwnedFd>> = const { RefCell::new(None) };
}

/// Once for the whole process, and not in each child: the standard library keeps the hook behind a
/// lock, which another thread that panics just then would leave locked in the child for ever.
fn report_panics_of_children() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |what| {
            REPORT_TO.with_borrow(|writer| match writer {
                Some(writer) => report(writer, &what.to_string()),
                None => before(what),
            });
        }));
    });
}

fn report(writer: &OwnedFd, text: &str) {
    let _ = nix::unistd::write(writer, text.as_bytes());
}

/// As [`in_child`], as the ordinary user where the test process is root.
pub(crate) fn as_user(test: impl FnOnce()) {
    in_child(|| {
        become_user(USER);
        test();
    });
}

/// Gives up root for good, where this is root.
pub(crate) fn become_user(id: u32) {
    if geteuid().is_root() {
        setgroups(&[]).unwrap();
        let (gid, uid) = (Gid::from_raw(id), Uid::from_raw(id));
        setresgid(gid, gid, gid).unwrap();
        setresuid(uid, uid, uid).unwrap();
        // Else /proc/self belongs to root, as with a setuid program.
        nix::sys::prctl::set_dumpable(true).unwrap();
    }
}

/// As [`as_user`], inside a user namespace and a mount namespace.
pub(crate) fn in_user_namespace(test: impl FnOnce()) {
    if user_namespaces_work() {
        as_user(|| {
            enter_user_namespace().unwrap();
            test();
        });
    }
}

/// As [`in_child`], as root inside a mount namespace.
pub(crate) fn in_mount_namespace(test: impl FnOnce()) {
    if root_may_mount() {
        in_child(|| {
            enter_mount_namespace().unwrap();
            test();
        });
    }
}

/// Whether this test can do its work as an ordinary user; says why not.
pub(crate) fn user_namespaces_work() -> bool {
    let (mut reader, writer) = std::io::pipe().unwrap();
    match fork().unwrap() {
        Forked::Child => {
            become_user(USER);
            if let Err(error) = enter_user_namespace() {
                let refusal = diagnose(&error, &NamespaceFacts::gather());
                let said = [vec![refusal.message], refusal.causes].concat().join(": ");
                report(&writer.into(), &said);
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

/// Whether this test can do its work as root; says why not.
pub(crate) fn root_may_mount() -> bool {
    fuselage_linux::capabilities::has_sys_admin() || skip("it needs root with CAP_SYS_ADMIN")
}

/// Always false: the test returns. Where CI demands that everything mounts, it fails.
pub(crate) fn skip(why: &str) -> bool {
    let demanded = std::env::var_os("FUSELAGE_TEST_MUST_MOUNT").is_some_and(|value| value == "1");
    assert!(
        !demanded,
        "FUSELAGE_TEST_MUST_MOUNT=1, and this test cannot run: {why}"
    );
    eprintln!("skipped: {why}");
    false
}

/// A new directory that the ordinary user may write.
pub(crate) fn directory_of_user() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    give_to_user(directory.path());
    directory
}

/// Makes the ordinary user the owner, where this is root.
pub(crate) fn give_to_user(path: &Path) {
    if geteuid().is_root() {
        chown(path, Some(Uid::from_raw(USER)), Some(Gid::from_raw(USER))).unwrap();
    }
}
