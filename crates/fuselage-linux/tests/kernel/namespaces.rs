//! Entering namespaces.

use std::fs;

use fuselage_linux::namespaces::{
    NamespaceError, NamespaceStep, enter_mount_namespace, enter_user_namespace,
};
use nix::errno::Errno;
use nix::unistd::{getegid, geteuid, getgid, getuid};

use crate::child::{
    as_user, become_user, in_child, in_mount_namespace, in_user_namespace, user_namespaces_work,
};
use crate::mount::mount_table;

fn words(file: &str) -> Vec<String> {
    fs::read_to_string(file)
        .unwrap()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_user_keeps_uid_and_gid_and_may_mount() {
    in_user_namespace(|| {
        let (uid, gid) = (geteuid().to_string(), getegid().to_string());
        assert_eq!((getuid(), getgid()), (geteuid(), getegid()));
        assert_eq!(
            words("/proc/self/uid_map"),
            [uid.as_str(), uid.as_str(), "1"]
        );
        assert_eq!(
            words("/proc/self/gid_map"),
            [gid.as_str(), gid.as_str(), "1"]
        );
        assert_eq!(words("/proc/self/setgroups"), ["deny"]);
        assert!(fuselage_linux::capabilities::has_sys_admin());
    });
}

#[test]
fn the_overflow_uid_is_a_user_like_any_other() {
    if user_namespaces_work() {
        in_child(|| {
            become_user(65534);
            let uid = geteuid().to_string();
            enter_user_namespace().unwrap();
            assert_eq!(
                words("/proc/self/uid_map"),
                [uid.as_str(), uid.as_str(), "1"]
            );
            assert_eq!(geteuid().to_string(), uid);
        });
    }
}

#[test]
fn namespaces_nest() {
    in_user_namespace(|| {
        enter_user_namespace().unwrap();
        enter_user_namespace().unwrap();
        assert_eq!(words("/proc/self/uid_map")[2], "1");
    });
}

#[test]
fn nothing_is_shared_with_the_host() {
    let shared = |table: &str| table.contains(" shared:");
    in_user_namespace(move || {
        assert!(!shared(&mount_table()));
    });
    in_mount_namespace(move || {
        assert!(!shared(&mount_table()));
    });
}

#[test]
fn a_shared_mount_of_the_host_becomes_a_slave() {
    use nix::mount::{MsFlags, mount};
    in_mount_namespace(|| {
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SHARED, none).unwrap();
        let table = mount_table();
        assert!(table.contains(" shared:"), "the twin: {table}");
        // This process stays in the outer namespace: without a peer there would be no master.
        in_mount_namespace(|| {
            let table = mount_table();
            assert!(
                !table.contains(" shared:") && table.contains(" master:"),
                "{table}"
            );
        });
    });
}

#[test]
fn a_second_thread_is_refused_at_the_first_step() {
    in_child(|| {
        let (_keep, wait) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || wait.recv());
        let expected = NamespaceError {
            step: NamespaceStep::UserNamespace,
            errno: Errno::EINVAL,
        };
        assert_eq!(enter_user_namespace(), Err(expected));
    });
}

#[test]
fn a_mount_namespace_alone_is_for_root() {
    as_user(|| {
        if fuselage_linux::capabilities::has_sys_admin() {
            return;
        }
        let expected = NamespaceError {
            step: NamespaceStep::MountNamespace,
            errno: Errno::EPERM,
        };
        assert_eq!(enter_mount_namespace(), Err(expected));
    });
}

#[test]
fn a_chroot_whose_root_is_no_mount_is_an_error_for_root() {
    let directory = tempfile::tempdir().unwrap();
    in_mount_namespace(|| {
        nix::unistd::chroot(directory.path()).unwrap();
        nix::unistd::chdir("/").unwrap();
        let expected = NamespaceError {
            step: NamespaceStep::Propagation,
            errno: Errno::EINVAL,
        };
        assert_eq!(enter_mount_namespace(), Err(expected));
    });
}

#[test]
fn the_text_names_step_and_reason() {
    let error = NamespaceError {
        step: NamespaceStep::UidMap,
        errno: Errno::EPERM,
    };
    assert_eq!(
        error.to_string(),
        "cannot write /proc/self/uid_map: Operation not permitted (EPERM)"
    );
}
