//! Directories that other users can reach, and being another user for a moment.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::Path;

use fuselage_linux::namespaces::enter_user_namespace;
use fuselage_linux::process::{ExitKind, Forked, exit_now, fork, ids, wait_for};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use tempfile::TempDir;

/// No user of any system, and not the overflow uid, which owner checks could take for anybody.
pub(crate) const USER: u32 = 12345;

/// An empty directory that everybody may enter and read.
pub(crate) fn open_tempdir() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    directory
}

/// Makes `path` a directory of `owner` with exactly this mode. Only root can make one of another.
pub(crate) fn make(path: &Path, owner: u32, mode: u32) {
    fs::create_dir(path).unwrap();
    if owner != ids()[0] {
        std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
    }
    set_mode(path, mode);
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Always false: the test returns. Where CI demands that every test runs, it fails.
pub(crate) fn skip(why: &str) -> bool {
    let demanded = std::env::var_os("FUSELAGE_TEST_MUST_MOUNT").is_some_and(|value| value == "1");
    assert!(
        !demanded,
        "FUSELAGE_TEST_MUST_MOUNT=1, and this test cannot run: {why}"
    );
    eprintln!("skipped: {why}");
    false
}

/// As [`skip`], for what only root can do: of anybody else it is never demanded.
pub(crate) fn skip_without_root(why: &str) -> bool {
    if ids()[1] == 0 {
        return skip(why);
    }
    eprintln!("skipped: {why}");
    false
}

/// Whether this is root, which being another user needs; says why a test is left out.
pub(crate) fn is_root() -> bool {
    ids()[1] == 0 || skip_without_root("only root can become another user")
}

/// Runs `body` in a forked child and returns what it panicked with.
fn panic_of_child(body: impl FnOnce()) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    match fork().unwrap() {
        Forked::Child => {
            drop(reader);
            set_hook(Box::new(move |what| {
                let _ = write!(&writer, "{what}");
            }));
            exit_now(i32::from(catch_unwind(AssertUnwindSafe(body)).is_err()))
        }
        Forked::Parent(child) => {
            drop(writer);
            let mut said = String::new();
            reader.read_to_string(&mut said).unwrap();
            match wait_for(child).unwrap() {
                ExitKind::Exited(0) => String::new(),
                end => format!("{end:?}: {said}"),
            }
        }
    }
}

/// Runs `body` in a forked child, whose panic fails the test.
pub(crate) fn in_child(body: impl FnOnce()) {
    assert_eq!(panic_of_child(body), "");
}

/// Runs `body` in a forked child that is `uid` and has no capabilities and no other groups.
pub(crate) fn as_user(uid: u32, body: impl FnOnce()) {
    in_child(|| {
        become_user(uid);
        body();
    });
}

fn become_user(uid: u32) {
    setgroups(&[]).unwrap();
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    setresgid(group, group, group).unwrap();
    setresuid(user, user, user).unwrap();
    // Else /proc/self, and the id maps in it, belong to root, as with a setuid program.
    nix::sys::prctl::set_dumpable(true).unwrap();
}

/// Whether another user can be had, and a user namespace for it; says why a test is left out.
pub(crate) fn user_namespaces_work() -> bool {
    let refused = || {
        panic_of_child(|| {
            become_user(USER);
            enter_user_namespace().unwrap();
        })
    };
    is_root()
        && Some(refused())
            .filter(|why| !why.is_empty())
            .is_none_or(|why| skip(&why))
}
