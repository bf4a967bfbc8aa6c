//! Each row of the table of causes, with facts as such a host has them.

use nix::errno::Errno;

use super::facts::{NamespaceFacts, ProcState, Surroundings};
use super::{Cause, diagnose, find_causes};
use crate::namespaces::{NamespaceError, NamespaceStep};
use NamespaceStep::{
    FirstMount, GidMap, MountNamespace, Proc, Propagation, SetGroups, UidMap, UserNamespace,
};

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

type Row = (
    NamespaceStep,
    Errno,
    NamespaceFacts,
    &'static [Cause],
    &'static [&'static str],
);

/// Step, errno, facts, causes, and what the text must name.
fn rows() -> Vec<Row> {
    let nested = || NamespaceFacts {
        sys_admin: false,
        ..mapped()
    };
    vec![
        (
            UserNamespace,
            Errno::ENOSPC,
            NamespaceFacts {
                max_user_namespaces: Some(0),
                ..user()
            },
            &[Cause::NoUserNamespaces],
            &[
                "user.max_user_namespaces is 0",
                "sudo sysctl -w user.max_user_namespaces=",
            ],
        ),
        (
            UserNamespace,
            Errno::ENOSPC,
            user(),
            &[Cause::UserNamespacesUsedUp],
            &["(96365)", "lsns -t user", "user.max_user_namespaces=192730"],
        ),
        (
            UserNamespace,
            Errno::ENOSPC,
            nested(),
            &[Cause::NestedTooDeep],
            &["32 inside each other"],
        ),
        (
            UserNamespace,
            Errno::EUSERS,
            nested(),
            &[Cause::NestedTooDeep],
            &["32"],
        ),
        (
            MountNamespace,
            Errno::ENOSPC,
            inside(),
            &[Cause::NoMountNamespaces],
            &["sysctl -w user.max_mnt_namespaces="],
        ),
        (
            FirstMount,
            Errno::ENOSPC,
            mapped(),
            &[Cause::MountsUsedUp],
            &["as many mounts", "sudo sysctl -w fs.mount-max=200000"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                seccomp: Some(2),
                ..user()
            },
            &[Cause::Seccomp],
            &["Seccomp: 2", "RestrictNamespaces="],
        ),
        (
            UserNamespace,
            Errno::ENOSYS,
            NamespaceFacts {
                seccomp: Some(2),
                surroundings: Surroundings::Docker,
                apparmor_profile: Some("docker-default".into()),
                ..user()
            },
            &[Cause::Seccomp],
            &[
                "Docker",
                "`docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined …`",
            ],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                uid: 0,
                seccomp: Some(2),
                surroundings: Surroundings::Docker,
                apparmor_profile: Some("docker-default".into()),
                ..user()
            },
            &[Cause::Seccomp],
            &[
                "--security-opt seccomp=unconfined --security-opt apparmor=unconfined",
                "For root: `docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined …`",
            ],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                seccomp: Some(2),
                surroundings: Surroundings::Podman,
                ..user()
            },
            &[Cause::Seccomp],
            &["`podman run --security-opt seccomp=unconfined …`"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                seccomp: Some(2),
                surroundings: Surroundings::Kubernetes,
                ..user()
            },
            &[Cause::Seccomp],
            &[
                "`seccompProfile: {type: Unconfined}`",
                "`appArmorProfile: {type: Unconfined}`",
            ],
        ),
        (
            FirstMount,
            Errno::EPERM,
            NamespaceFacts {
                seccomp: Some(2),
                no_new_privileges: Some(true),
                ..mapped()
            },
            &[Cause::Seccomp],
            &["cannot mount a tmpfs", "mount(2)"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                root_is_mount: Some(false),
                ..user()
            },
            &[Cause::Chroot],
            &["chroot", "bwrap --bind DIRECTORY /", "pivot_root(2)"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                root_is_mount: Some(false),
                seccomp: Some(2),
                ..user()
            },
            &[Cause::Seccomp, Cause::Chroot],
            &["RestrictNamespaces=", "pivot_root(2)"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                uid: 65534,
                ..nested()
            },
            &[Cause::IdNotMapped],
            &["65534", "newuidmap(1)", "unshare --map-current-user"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                gid: 65534,
                ..nested()
            },
            &[Cause::IdNotMapped],
            &["65534", "--extract=allow"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            NamespaceFacts {
                unprivileged_userns_clone: Some(0),
                seccomp: Some(2),
                ..user()
            },
            &[Cause::UnprivilegedClone],
            &[
                "`sudo sysctl -w kernel.unprivileged_userns_clone=1`",
                "| sudo tee -a /etc/sysctl.d/60-fuselage.conf`",
            ],
        ),
        (
            UserNamespace,
            Errno::ENOSPC,
            NamespaceFacts {
                max_user_namespaces: Some(0),
                surroundings: Surroundings::Kubernetes,
                ..user()
            },
            &[Cause::NoUserNamespaces],
            &["On the host of the container", "`sudo sysctl -w"],
        ),
        (
            UserNamespace,
            Errno::EINVAL,
            NamespaceFacts {
                threads: Some(7),
                ..user()
            },
            &[Cause::SecondThread],
            &["more than one thread"],
        ),
        (
            UserNamespace,
            Errno::EINVAL,
            NamespaceFacts {
                built_in: false,
                ..user()
            },
            &[Cause::NotBuiltIn],
            &["CONFIG_USER_NS"],
        ),
        (
            Proc,
            Errno::ENOENT,
            NamespaceFacts {
                proc_state: ProcState::Missing,
                ..user()
            },
            &[Cause::ProcMissing],
            &[
                "cannot find this process in /proc",
                "`mount -t proc proc /proc`",
            ],
        ),
        (
            Proc,
            Errno::ENOENT,
            NamespaceFacts {
                proc_state: ProcState::Foreign,
                ..user()
            },
            &[Cause::ProcForeign],
            &["another pid namespace", "`mount -t proc proc /proc`"],
        ),
        (
            SetGroups,
            Errno::ENOENT,
            NamespaceFacts {
                proc_state: ProcState::Missing,
                ..inside()
            },
            &[Cause::ProcMissing],
            &["mount -t proc proc /proc"],
        ),
        (
            SetGroups,
            Errno::ENOENT,
            NamespaceFacts {
                proc_state: ProcState::Foreign,
                ..inside()
            },
            &[Cause::ProcForeign],
            &["another pid namespace"],
        ),
        (
            GidMap,
            Errno::EROFS,
            NamespaceFacts {
                proc_state: ProcState::ReadOnly,
                ..inside()
            },
            &[Cause::ProcReadOnly],
            &["mount -o remount,rw /proc"],
        ),
        (
            SetGroups,
            Errno::EACCES,
            NamespaceFacts {
                dumpable: Some(false),
                ..inside()
            },
            &[Cause::NotDumpable],
            &["chmod a+r /opt/fuselage-launch-linux-x64"],
        ),
        (
            UidMap,
            Errno::EPERM,
            NamespaceFacts {
                uid: 0,
                sys_admin: true,
                ..user()
            },
            &[Cause::RootMap],
            &["CAP_SETFCAP"],
        ),
        (
            UidMap,
            Errno::EPERM,
            inside(),
            &[Cause::RootMap],
            &["uid 0 can be mapped only"],
        ),
        (
            MountNamespace,
            Errno::EPERM,
            NamespaceFacts { uid: 0, ..user() },
            &[Cause::NoSysAdmin],
            &["although its user id is 0", "ordinary user"],
        ),
        (
            MountNamespace,
            Errno::EPERM,
            NamespaceFacts {
                uid: 0,
                surroundings: Surroundings::Docker,
                ..user()
            },
            &[Cause::NoSysAdmin],
            &["`docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined …`"],
        ),
        (
            MountNamespace,
            Errno::EPERM,
            NamespaceFacts {
                uid: 0,
                surroundings: Surroundings::Kubernetes,
                ..user()
            },
            &[Cause::NoSysAdmin],
            &["`capabilities: {add: [SYS_ADMIN]}`"],
        ),
        (
            UidMap,
            Errno::EPERM,
            NamespaceFacts {
                surroundings: Surroundings::Docker,
                ..inside()
            },
            &[Cause::RootMap],
            &["`docker run --cap-add SETFCAP …`"],
        ),
        (
            FirstMount,
            Errno::EPERM,
            NamespaceFacts {
                no_new_privileges: Some(true),
                ..mapped()
            },
            &[Cause::Landlock],
            &["probably restricted by Landlock"],
        ),
        (
            Propagation,
            Errno::EPERM,
            NamespaceFacts {
                uid: 0,
                sys_admin: true,
                ..user()
            },
            &[Cause::Landlock, Cause::Unknown],
            &["may be restricted by Landlock", "security module"],
        ),
        (
            MountNamespace,
            Errno::EPERM,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                ..inside()
            },
            &[Cause::AppArmorRestriction],
            &["apparmor_restrict_unprivileged_userns is 1"],
        ),
        (
            UidMap,
            Errno::EPERM,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                ..inside()
            },
            &[Cause::AppArmorRestriction],
            &[
                "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
                "'profile fuselage \"/opt/fuselage-launch-linux-x64\" flags=(unconfined) {'",
                "'  userns,'",
                "| sudo tee /etc/apparmor.d/fuselage && sudo apparmor_parser -r",
            ],
        ),
        (
            UidMap,
            Errno::EACCES,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                apparmor_profile: Some("unprivileged_userns".into()),
                surroundings: Surroundings::GitHubActions,
                ..inside()
            },
            &[Cause::AppArmorRestriction],
            &["`- run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"],
        ),
        (
            UidMap,
            Errno::EPERM,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                apparmor_profile: Some("unprivileged_userns".into()),
                surroundings: Surroundings::Docker,
                ..inside()
            },
            &[Cause::AppArmorRestriction],
            &[
                "On the host of the container",
                "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`",
            ],
        ),
        (
            FirstMount,
            Errno::EACCES,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                ..mapped()
            },
            &[Cause::AppArmorRestriction],
            &["/etc/apparmor.d/fuselage"],
        ),
        (
            UserNamespace,
            Errno::EACCES,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                seccomp: Some(2),
                ..user()
            },
            &[Cause::AppArmorRestriction, Cause::Seccomp],
            &["/etc/apparmor.d/fuselage"],
        ),
        (
            Propagation,
            Errno::EACCES,
            NamespaceFacts {
                apparmor_profile: Some("docker-default".into()),
                surroundings: Surroundings::Docker,
                ..mapped()
            },
            &[Cause::AppArmorProfile],
            &[
                "\"docker-default\"",
                "`docker run --security-opt apparmor=unconfined …`",
            ],
        ),
        (
            Propagation,
            Errno::EACCES,
            NamespaceFacts {
                apparmor_restrict: Some(1),
                apparmor_profile: Some("cri-containerd.apparmor.d".into()),
                surroundings: Surroundings::Kubernetes,
                ..mapped()
            },
            &[Cause::AppArmorProfile],
            &["`appArmorProfile: {type: Unconfined}`"],
        ),
        (
            FirstMount,
            Errno::EACCES,
            NamespaceFacts {
                apparmor_profile: Some("snap.x".into()),
                ..mapped()
            },
            &[Cause::AppArmorProfile],
            &["\"snap.x\"", "`mount,`"],
        ),
        (
            UserNamespace,
            Errno::EACCES,
            NamespaceFacts {
                selinux_enforcing: true,
                ..user()
            },
            &[Cause::SeLinux],
            &["`sudo ausearch -m avc -ts recent`"],
        ),
        (
            FirstMount,
            Errno::EACCES,
            NamespaceFacts {
                selinux_enforcing: true,
                surroundings: Surroundings::Podman,
                ..mapped()
            },
            &[Cause::SeLinux],
            &["`podman run --security-opt label=disable …`"],
        ),
        (
            Propagation,
            Errno::EINVAL,
            NamespaceFacts {
                uid: 0,
                sys_admin: true,
                root_is_mount: Some(false),
                ..user()
            },
            &[Cause::Chroot],
            &["no mount point", "`mount --bind DIRECTORY DIRECTORY`"],
        ),
        (
            UserNamespace,
            Errno::ENOMEM,
            user(),
            &[Cause::Unknown],
            &["None of the known causes"],
        ),
        (
            UserNamespace,
            Errno::EPERM,
            user(),
            &[Cause::HiddenChroot, Cause::Unknown],
            &["may be in a chroot", "security module"],
        ),
    ]
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
            step: FirstMount,
            errno: Errno::EPERM,
        },
        &facts,
    );
    assert!(!format!("{refusal:?}").contains("/usr/bin/node"));
    assert!(refusal.hints[0].contains("/PATH/TO/fuselage-launch"));
}
