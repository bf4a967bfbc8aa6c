use std::os::fd::AsFd;

use fuselage_testing::{Daemon, as_user, root_may_mount};
use nix::unistd::chroot;

use super::*;
use crate::mount::bind_read_only_at;
use crate::namespaces::enter_mount_namespace;
use crate::process::{ExitKind, Forked, exit_now, fork, wait_for};

#[test]
fn every_component_of_every_root_is_a_name() {
    let mut scan = Scan::default();
    let table = b"36 35 98:0 / / rw - ext3 /dev/root rw\n\
        37 36 98:0 /a/b\\040c/d//deleted /x rw,noatime master:1 - ext3 /dev/root rw\nhalf 1\n";
    assert!(scan.table(table));
    for name in ["a", "b c", "d"] {
        assert!(scan.names.contains(name.as_bytes()), "{name}");
    }
    assert!(!scan.names.contains(&b"x"[..]));
    assert_eq!(scan.ids, HashSet::from([36, 37]));
    assert!(!scan.table(b"38 36 98:0 / /x rw - ext3 /dev/root rw\n"));
}

// What follows does not wait, and looks at its own processes alone: others have such ones as well.

#[test]
fn who_has_changed_root_directory_into_a_tree_is_not_overlooked() {
    if !root_may_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let name = format!("fuselage-chroot-{}", process::own_pid());
    let (tree, at) = (place.path().join(&name), place.path().join("at"));
    fs::create_dir_all(tree.join("sub")).unwrap();
    fs::create_dir(&at).unwrap();
    let is_seen = |below: &str| {
        let daemon = Daemon::start(|| {
            enter_mount_namespace().unwrap();
            let [tree, point] = [&tree, &at].map(|path| open_place(path).unwrap());
            bind_read_only_at(tree.as_fd(), point.as_fd()).unwrap();
            chroot(&at.join(below)).unwrap();
        });
        let scan = Scan::everybody();
        let is_hidden = scan.hidden().contains(&daemon.id());
        assert_ne!(is_hidden, scan.names.contains(name.as_bytes()));
        !is_hidden
    };
    // Its table has no line for the mount that its root directory is on.
    assert!(!is_seen("sub"));
    assert!(is_seen("."));
}

#[test]
fn a_root_directory_on_the_host_hides_nothing() {
    if !root_may_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(|| chroot(place.path()).unwrap());
    let id = daemon.id();
    let is_hidden = move || Scan::everybody().hidden().contains(&id);
    assert!(!is_hidden());
    // Somebody else's.
    as_user(fuselage_testing::USER, || assert!(!is_hidden()));
}

#[test]
fn a_worker_that_locked_itself_in_hides_nothing_while_its_parent_is_seen() {
    if !fuselage_testing::user_namespaces_work() {
        return;
    }
    let place = tempfile::tempdir_in("/tmp").unwrap();
    std::os::unix::fs::chown(place.path(), Some(fuselage_testing::USER), None).unwrap();
    let lock_in = || {
        crate::namespaces::enter_user_namespace().unwrap();
        chroot(place.path()).unwrap();
        nix::sys::prctl::set_dumpable(false).unwrap();
    };
    as_user(fuselage_testing::USER, || {
        let sees = |id: u32| !Scan::everybody().hidden().contains(&id);
        // Its parent is whoever takes care of processes without one, and is not this user's.
        let daemon = Daemon::start(lock_in);
        assert!(!sees(daemon.id()));
        daemon.end();
        let (mut reader, writer) = std::io::pipe().unwrap();
        match fork().unwrap() {
            Forked::Child => {
                lock_in();
                drop(writer);
                std::thread::sleep(Duration::from_secs(60));
                exit_now(0)
            }
            Forked::Parent(child) => {
                drop(writer);
                std::io::Read::read(&mut reader, &mut [0]).unwrap();
                assert!(sees(u32::try_from(child.as_raw()).unwrap()));
                crate::process::send_signal(child, crate::process::Signal::SIGKILL);
                assert_ne!(wait_for(child).unwrap(), ExitKind::Exited(0));
            }
        }
    });
}
