//! Refusals made for real, diagnosed from what can be seen afterwards, as the launcher does. The
//! rows that need another kernel (AppArmor, SELinux, Debian's sysctl) are tested with
//! facts alone, beside the code.

use std::ffi::CStr;
use std::fs;
use std::path::Path;

use fuselage_linux::namespaces::{
    NamespaceError, NamespaceStep, enter_mount_namespace, enter_user_namespace, require_proc,
};
use fuselage_linux::process::{Forked, exit_now, fork, wait_for};
use fuselage_linux::refusal::{Cause, NamespaceFacts, diagnose, find_causes};
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::call_filter::refuse;
use crate::child::{
    USER, as_user, become_user, in_child, in_mount_namespace, in_user_namespace, root_may_mount,
};

#[track_caller]
fn expect(error: Result<(), NamespaceError>, step: NamespaceStep, errno: Errno, cause: Cause) {
    let error = error.unwrap_err();
    let facts = NamespaceFacts::gather();
    assert_eq!(error, NamespaceError { step, errno }, "{facts:?}");
    assert_eq!(find_causes(&error, &facts), [cause], "{error}: {facts:?}");
    let refusal = diagnose(&error, &facts);
    assert!(!refusal.causes.is_empty() && !refusal.hints.is_empty());
}

/// Limits are of the user namespace they are written in: the host's stay as they are.
#[test]
fn no_user_namespaces_are_left() {
    in_user_namespace(|| {
        fs::write("/proc/sys/user/max_user_namespaces", "0").unwrap();
        let step = NamespaceStep::UserNamespace;
        expect(
            enter_user_namespace(),
            step,
            Errno::ENOSPC,
            Cause::NoUserNamespaces,
        );
    });
}

#[test]
fn no_mount_namespaces_are_left() {
    in_user_namespace(|| {
        fs::write("/proc/sys/user/max_mnt_namespaces", "0").unwrap();
        let step = NamespaceStep::MountNamespace;
        expect(
            enter_user_namespace(),
            step,
            Errno::ENOSPC,
            Cause::NoMountNamespaces,
        );
    });
}

#[test]
fn user_namespaces_are_nested_too_deep() {
    in_user_namespace(|| {
        let refused = (0..40).find_map(|_| enter_user_namespace().err()).unwrap();
        let step = NamespaceStep::UserNamespace;
        expect(Err(refused), step, Errno::ENOSPC, Cause::NestedTooDeep);
    });
}

#[test]
fn a_seccomp_filter_refuses_the_namespace() {
    for errno in [Errno::EPERM, Errno::ENOSYS] {
        as_user(|| {
            refuse(&[(libc::SYS_unshare, errno)]);
            expect(
                enter_user_namespace(),
                NamespaceStep::UserNamespace,
                errno,
                Cause::Seccomp,
            );
        });
    }
}

#[test]
fn a_seccomp_filter_refuses_the_first_mount() {
    in_user_namespace(|| {
        refuse(&[(libc::SYS_mount, Errno::EPERM)]);
        let step = NamespaceStep::Propagation;
        expect(enter_user_namespace(), step, Errno::EPERM, Cause::Seccomp);
    });
}

#[test]
fn a_chroot_that_is_no_mount() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let root = directory.path();
    fs::create_dir(root.join("proc")).unwrap();
    let change_root = || {
        let (flags, none) = (MsFlags::MS_BIND | MsFlags::MS_REC, None::<&CStr>);
        mount(Some("/proc"), &root.join("proc"), none, flags, none).unwrap();
        nix::unistd::chroot(root).unwrap();
        nix::unistd::chdir("/").unwrap();
    };
    in_mount_namespace(|| {
        change_root();
        become_user(USER);
        let step = NamespaceStep::UserNamespace;
        expect(enter_user_namespace(), step, Errno::EPERM, Cause::Chroot);
    });
    in_mount_namespace(|| {
        change_root();
        let step = NamespaceStep::Propagation;
        expect(enter_mount_namespace(), step, Errno::EINVAL, Cause::Chroot);
    });
}

/// Nothing inside tells this chroot from the host.
#[test]
fn a_chroot_that_is_a_mount() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let root = directory.path();
    in_mount_namespace(|| {
        let (flags, none) = (MsFlags::MS_BIND | MsFlags::MS_REC, None::<&CStr>);
        mount(Some("/"), root, none, flags, none).unwrap();
        nix::unistd::chroot(root).unwrap();
        nix::unistd::chdir("/").unwrap();
        enter_mount_namespace().unwrap();
        become_user(USER);
        let error = enter_user_namespace().unwrap_err();
        let causes = find_causes(&error, &NamespaceFacts::gather());
        assert_eq!(causes, [Cause::HiddenChroot, Cause::Unknown]);
    });
}

#[test]
fn an_id_without_a_mapping() {
    in_user_namespace(|| {
        unshare(CloneFlags::CLONE_NEWUSER).unwrap();
        let step = NamespaceStep::UserNamespace;
        expect(
            enter_user_namespace(),
            step,
            Errno::EPERM,
            Cause::IdNotMapped,
        );
    });
}

#[test]
fn a_second_thread() {
    as_user(|| {
        let (_keep, wait) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || wait.recv());
        let step = NamespaceStep::UserNamespace;
        expect(
            enter_user_namespace(),
            step,
            Errno::EINVAL,
            Cause::SecondThread,
        );
    });
}

#[test]
fn proc_is_not_there() {
    in_user_namespace(|| {
        mount(
            Some("x"),
            "/proc",
            Some("tmpfs"),
            MsFlags::empty(),
            None::<&CStr>,
        )
        .unwrap();
        let step = NamespaceStep::Proc;
        expect(require_proc(), step, Errno::ENOENT, Cause::ProcMissing);
        let step = NamespaceStep::SetGroups;
        expect(
            enter_user_namespace(),
            step,
            Errno::ENOENT,
            Cause::ProcMissing,
        );
    });
}

#[test]
fn proc_is_read_only() {
    in_mount_namespace(|| {
        let none = None::<&CStr>;
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
        mount(none, "/proc", none, flags, none).unwrap();
        become_user(USER);
        let step = NamespaceStep::SetGroups;
        expect(
            enter_user_namespace(),
            step,
            Errno::EROFS,
            Cause::ProcReadOnly,
        );
    });
}

#[test]
fn proc_belongs_to_another_pid_namespace() {
    in_mount_namespace(|| {
        // Grandchild: the first process of a new pid namespace, mounting its own proc for us.
        match fork().unwrap() {
            Forked::Child => {
                unshare(CloneFlags::CLONE_NEWPID).unwrap();
                match fork().unwrap() {
                    Forked::Child => {
                        let flags = MsFlags::empty();
                        mount(Some("proc"), "/proc", Some("proc"), flags, None::<&CStr>).unwrap();
                        exit_now(0)
                    }
                    Forked::Parent(child) => wait_for(child).unwrap(),
                };
                exit_now(0)
            }
            Forked::Parent(child) => wait_for(child).unwrap(),
        };
        assert!(!Path::new("/proc/self").exists());
        let step = NamespaceStep::Proc;
        expect(require_proc(), step, Errno::ENOENT, Cause::ProcForeign);
        become_user(USER);
        let step = NamespaceStep::SetGroups;
        expect(
            enter_user_namespace(),
            step,
            Errno::ENOENT,
            Cause::ProcForeign,
        );
    });
}

#[test]
fn a_program_that_cannot_be_read() {
    as_user(|| {
        // What the kernel does at execve(2) of such a file.
        nix::sys::prctl::set_dumpable(false).unwrap();
        let step = NamespaceStep::SetGroups;
        expect(
            enter_user_namespace(),
            step,
            Errno::EACCES,
            Cause::NotDumpable,
        );
    });
}

#[test]
fn a_landlock_domain() {
    in_user_namespace(|| {
        if crate::landlock::restrict_harmlessly() {
            let step = NamespaceStep::Propagation;
            expect(enter_user_namespace(), step, Errno::EPERM, Cause::Landlock);
        } else {
            eprintln!("skipped: this kernel has no Landlock");
        }
    });
}

#[test]
fn root_without_the_right_to_map_root() {
    if root_may_mount() {
        in_child(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective.remove(CapabilitySet::SETFCAP);
            sets.permitted.remove(CapabilitySet::SETFCAP);
            set_capabilities(None, sets).unwrap();
            let step = NamespaceStep::UidMap;
            expect(enter_user_namespace(), step, Errno::EPERM, Cause::RootMap);
        });
        in_child(|| enter_user_namespace().unwrap());
    }
}

#[test]
fn root_without_the_right_to_mount() {
    in_child(|| {
        fuselage_linux::capabilities::give_up().unwrap();
        let step = NamespaceStep::MountNamespace;
        expect(
            enter_mount_namespace(),
            step,
            Errno::EPERM,
            Cause::NoSysAdmin,
        );
    });
}
