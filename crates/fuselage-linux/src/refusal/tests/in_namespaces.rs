//! What refuses what comes after it: the mount namespace, the id maps, mounts.

use nix::errno::Errno;

use super::{Row, inside, mapped, user};
use crate::namespaces::NamespaceStep::{
    FirstMount, GidMap, MountNamespace, Proc, Propagation, SetGroups, UidMap,
};
use crate::refusal::{Cause, NamespaceFacts, ProcState, Surroundings};

pub(super) fn rows() -> Vec<Row> {
    vec![
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
    ]
}
