//! Why, in words.

use super::cause::Cause;
use super::facts::{NamespaceFacts, Surroundings};
use super::launcher;

/// Why, as a whole sentence.
pub(super) fn sentence(cause: &Cause, facts: &NamespaceFacts) -> String {
    match cause {
        Cause::NoUserNamespaces => {
            "User namespaces are switched off on this host: user.max_user_namespaces is 0.".into()
        }
        Cause::UserNamespacesUsedUp => match facts.max_user_namespaces {
            Some(limit) => format!(
                "This user already has as many user namespaces as user.max_user_namespaces \
                 allows ({limit})."
            ),
            None => "This user already has as many user namespaces as are allowed.".into(),
        },
        Cause::NestedTooDeep => "This process is inside user namespaces already, and the kernel \
             allows 32 inside each other (or a limit set outside of them is used up)."
            .into(),
        Cause::NoMountNamespaces => "user.max_mnt_namespaces is 0, or this user already has that \
             many mount namespaces."
            .into(),
        Cause::MountsUsedUp => "There are as many mounts already as fs.mount-max allows in one \
             mount namespace."
            .into(),
        Cause::Seccomp => match facts.surroundings {
            Surroundings::Docker => {
                "A seccomp filter is active (Seccomp: 2 in /proc/self/status); \
                 Docker's default one forbids new namespaces and mounts."
                    .into()
            }
            Surroundings::Podman => {
                "A seccomp filter is active (Seccomp: 2 in /proc/self/status), \
                 set by Podman; its default one allows what is needed, so this is another one."
                    .into()
            }
            Surroundings::Kubernetes => "A seccomp filter is active (Seccomp: 2 in \
                 /proc/self/status); the pod's default one forbids new namespaces and mounts."
                .into(),
            Surroundings::Plain | Surroundings::GitHubActions => {
                "A seccomp filter is active (Seccomp: 2 in /proc/self/status), \
                 set by whatever started this process."
                    .into()
            }
        },
        Cause::Chroot if facts.sys_admin => "This process is in a chroot whose root directory is \
             no mount point; mounts could not be kept from the host."
            .into(),
        Cause::Chroot => {
            "This process is in a chroot, where the kernel allows no user namespace.".into()
        }
        Cause::HiddenChroot => "This process may be in a chroot whose root directory is a mount \
             point, which cannot be seen from inside; the kernel allows no user namespace there."
            .into(),
        Cause::IdNotMapped => format!(
            "The user id {} or the group id {} has no mapping in the user namespace this process \
             is in.",
            facts.uid, facts.gid
        ),
        Cause::UnprivilegedClone => "This kernel allows user namespaces for root only: \
             kernel.unprivileged_userns_clone is 0."
            .into(),
        Cause::SecondThread => "The process has more than one thread, and only a process with one \
             can enter a user namespace."
            .into(),
        Cause::NotBuiltIn => {
            "The running kernel is built without user namespaces (CONFIG_USER_NS).".into()
        }
        Cause::ProcMissing => "No proc file system is mounted on /proc.".into(),
        Cause::ProcReadOnly => {
            "/proc is mounted read-only, and the id maps are written there.".into()
        }
        Cause::ProcForeign => "The proc file system on /proc belongs to another pid namespace: it \
             has no /proc/self for this process."
            .into(),
        Cause::NotDumpable => format!(
            "/proc/self belongs to root for this process, since the user may execute but not read \
             {}.",
            launcher::path(facts)
        ),
        Cause::RootMap => {
            "uid 0 can be mapped only by a process that had CAP_SETFCAP (since Linux \
             5.12), and this one had not."
                .into()
        }
        Cause::NoSysAdmin => format!(
            "The process has no CAP_SYS_ADMIN, although its user id is {}.",
            facts.uid
        ),
        Cause::Landlock if facts.no_new_privileges == Some(true) => {
            "The process is probably restricted by Landlock, which forbids every mount \
             (NoNewPrivs: 1 and Seccomp: 0 in /proc/self/status)."
                .into()
        }
        Cause::Landlock => "The process may be restricted by Landlock, which forbids every mount \
             and cannot be seen from inside."
            .into(),
        Cause::AppArmorRestriction => "AppArmor takes the rights away from user namespaces of \
             programs without a profile: kernel.apparmor_restrict_unprivileged_userns is 1 \
             (Ubuntu's default since 23.10)."
            .into(),
        Cause::AppArmorProfile => format!(
            "The AppArmor profile {:?} of this process does not allow it.",
            facts.apparmor_profile.as_deref().unwrap_or("?")
        ),
        Cause::SeLinux => "SELinux is enforcing, and its policy may not allow it.".into(),
        Cause::Unknown => "None of the known causes fits; a security module of this kernel may \
             refuse it."
            .into(),
    }
}
