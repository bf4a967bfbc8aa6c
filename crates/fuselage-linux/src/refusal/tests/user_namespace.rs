//! What keeps a user namespace from being made.

use nix::errno::Errno;

use super::{Row, mapped, user};
use crate::namespaces::NamespaceStep::UserNamespace;
use crate::refusal::{Cause, NamespaceFacts, Surroundings};

pub(super) fn rows() -> Vec<Row> {
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
