//! Which of the known causes it is.

use nix::errno::Errno;

use super::facts::{NamespaceFacts, ProcState};
use crate::namespaces::{NamespaceError, NamespaceStep};

/// One row: everything that needs a different fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// `user.max_user_namespaces` is 0.
    NoUserNamespaces,
    /// This user has as many user namespaces as are allowed.
    UserNamespacesUsedUp,
    /// The 33rd user namespace inside another, or the number is used up further out.
    NestedTooDeep,
    /// `user.max_mnt_namespaces` is 0 or used up.
    NoMountNamespaces,
    /// The mount namespace has as many mounts as `fs.mount-max` allows.
    MountsUsedUp,
    /// A seccomp filter.
    Seccomp,
    /// A chroot whose root directory is no mount point.
    Chroot,
    /// A chroot whose root directory is a mount point, which cannot be seen from inside.
    HiddenChroot,
    /// The uid or gid has no mapping in the user namespace this process is in.
    IdNotMapped,
    /// `kernel.unprivileged_userns_clone` is 0.
    UnprivilegedClone,
    /// The process has more than one thread.
    SecondThread,
    /// The kernel is built without user namespaces.
    NotBuiltIn,
    /// /proc is not mounted.
    ProcMissing,
    /// /proc is read-only.
    ProcReadOnly,
    /// /proc belongs to another pid namespace.
    ProcForeign,
    /// /proc/self belongs to root, since the program's file cannot be read by this user.
    NotDumpable,
    /// uid 0 without `CAP_SETFCAP` may not map uid 0 (Linux 5.12).
    RootMap,
    /// `CAP_SYS_ADMIN` is missing, and no user namespace was asked for.
    NoSysAdmin,
    /// A Landlock domain: it forbids every mount.
    Landlock,
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1.
    AppArmorRestriction,
    /// An AppArmor profile that does not allow it.
    AppArmorProfile,
    /// SELinux.
    SeLinux,
    /// None of these.
    Unknown,
}

/// The causes that fit, the likeliest first; never empty.
pub fn find_causes(error: &NamespaceError, facts: &NamespaceFacts) -> Vec<Cause> {
    let causes = match error.step {
        NamespaceStep::UserNamespace => of_user_namespace(error.errno, facts),
        NamespaceStep::MountNamespace => of_mount_namespace(error.errno, facts),
        NamespaceStep::Proc => of_proc(facts),
        NamespaceStep::SetGroups | NamespaceStep::GidMap | NamespaceStep::UidMap => {
            of_maps(*error, facts)
        }
        NamespaceStep::Propagation | NamespaceStep::FirstMount => of_mount(*error, facts),
    };
    if causes.is_empty() {
        vec![Cause::Unknown]
    } else {
        causes
    }
}

/// The causes whose condition holds, in their order.
fn that_hold(candidates: &[(Cause, bool)]) -> Vec<Cause> {
    candidates
        .iter()
        .filter(|(_, holds)| *holds)
        .map(|(cause, _)| *cause)
        .collect()
}

fn first_that_holds(candidates: &[(Cause, bool)]) -> Vec<Cause> {
    that_hold(candidates).into_iter().take(1).collect()
}

fn of_user_namespace(errno: Errno, facts: &NamespaceFacts) -> Vec<Cause> {
    match errno {
        Errno::EINVAL => first_that_holds(&[
            (
                Cause::NotBuiltIn,
                !facts.built_in && facts.proc_state == ProcState::Usable,
            ),
            (
                Cause::SecondThread,
                facts.threads.is_some_and(|threads| threads > 1),
            ),
        ]),
        // EUSERS: the same on Linux before 4.9's counts.
        Errno::ENOSPC | Errno::EUSERS => first_that_holds(&[
            (
                Cause::NoUserNamespaces,
                facts.max_user_namespaces == Some(0),
            ),
            (Cause::NestedTooDeep, facts.in_user_namespace()),
            (Cause::UserNamespacesUsedUp, true),
        ]),
        Errno::EPERM | Errno::EACCES | Errno::ENOSYS => {
            let certain = first_that_holds(&[
                (
                    Cause::UnprivilegedClone,
                    facts.unprivileged_userns_clone == Some(0) && !facts.sys_admin,
                ),
                (Cause::IdNotMapped, !facts.ids_are_mapped()),
            ]);
            if !certain.is_empty() {
                return certain;
            }
            // Which of these it was the kernel does not tell: all that may be are named.
            let mut possible = that_hold(&[
                (Cause::Seccomp, has_filter(facts)),
                (Cause::Chroot, facts.root_is_mount == Some(false)),
            ]);
            let modules = security_modules(facts);
            if errno == Errno::EACCES {
                // A filter of seccomp answers EPERM or ENOSYS wherever anybody has seen one.
                possible.splice(0..0, modules);
            } else if possible.is_empty() {
                possible = modules;
            }
            // All that is left of what `create_user_ns` of kernel/user_namespace.c refuses.
            if possible.is_empty() && errno == Errno::EPERM {
                possible = vec![Cause::HiddenChroot, Cause::Unknown];
            }
            possible
        }
        _ => Vec::new(),
    }
}

fn of_mount_namespace(errno: Errno, facts: &NamespaceFacts) -> Vec<Cause> {
    match errno {
        // Also when user.max_mnt_namespaces reads as large: behind the first step the value that
        // is seen is the new user namespace's own.
        Errno::ENOSPC | Errno::EUSERS => vec![Cause::NoMountNamespaces],
        Errno::EPERM | Errno::EACCES | Errno::ENOSYS => {
            // Who has made a user namespace has every capability in it.
            if !facts.sys_admin && errno != Errno::ENOSYS {
                return vec![Cause::NoSysAdmin];
            }
            let mut possible = security_modules(facts);
            possible.extend(has_filter(facts).then_some(Cause::Seccomp));
            possible
        }
        _ => Vec::new(),
    }
}

fn of_proc(facts: &NamespaceFacts) -> Vec<Cause> {
    first_that_holds(&[
        (Cause::ProcMissing, facts.proc_state == ProcState::Missing),
        (Cause::ProcForeign, facts.proc_state == ProcState::Foreign),
        (Cause::ProcReadOnly, facts.proc_state == ProcState::ReadOnly),
    ])
}

fn of_maps(error: NamespaceError, facts: &NamespaceFacts) -> Vec<Cause> {
    let of_proc = of_proc(facts);
    match error.errno {
        Errno::ENOENT | Errno::EROFS | Errno::ENOTDIR if !of_proc.is_empty() => of_proc,
        Errno::EROFS => vec![Cause::ProcReadOnly],
        Errno::EACCES if facts.dumpable == Some(false) => vec![Cause::NotDumpable],
        Errno::EPERM | Errno::EACCES => {
            let modules = security_modules(facts);
            // Inside the new namespace, whose map is empty yet, nobody can see that the uid is 0.
            let may_be_root =
                facts.uid == 0 || facts.uid_map.as_ref().is_none_or(|map| map.is_empty());
            if modules.is_empty() && may_be_root && error.step == NamespaceStep::UidMap {
                return vec![Cause::RootMap];
            }
            modules
        }
        _ => Vec::new(),
    }
}

fn of_mount(error: NamespaceError, facts: &NamespaceFacts) -> Vec<Cause> {
    match error.errno {
        Errno::EINVAL
            if error.step == NamespaceStep::Propagation && facts.root_is_mount == Some(false) =>
        {
            vec![Cause::Chroot]
        }
        // `count_mounts` of fs/namespace.c: the new namespace has all mounts of the old one.
        Errno::ENOSPC => vec![Cause::MountsUsedUp],
        Errno::EPERM | Errno::EACCES | Errno::ENOSYS => {
            if !facts.sys_admin && error.errno != Errno::ENOSYS {
                return vec![Cause::NoSysAdmin];
            }
            let mut possible = security_modules(facts);
            possible.extend(has_filter(facts).then_some(Cause::Seccomp));
            // Landlock answers EPERM and shows nowhere; who has no privilege can only get into it
            // after giving up new ones, root can without.
            if possible.is_empty() && error.errno == Errno::EPERM {
                possible.push(Cause::Landlock);
                if facts.no_new_privileges != Some(true) {
                    possible.push(Cause::Unknown);
                }
            }
            possible
        }
        _ => Vec::new(),
    }
}

fn has_filter(facts: &NamespaceFacts) -> bool {
    facts.seccomp.is_some_and(|mode| mode != 0)
}

/// The profile that Ubuntu gives to what has made a user namespace without being allowed to.
const RESTRICTED: &str = "unprivileged_userns";

fn security_modules(facts: &NamespaceFacts) -> Vec<Cause> {
    let profile = facts.apparmor_profile.as_deref();
    first_that_holds(&[
        // The restriction is of processes without a profile of their own.
        (
            Cause::AppArmorProfile,
            profile.is_some_and(|profile| profile != RESTRICTED),
        ),
        (
            Cause::AppArmorRestriction,
            facts.apparmor_restrict == Some(1),
        ),
        (Cause::AppArmorProfile, profile.is_some()),
        (Cause::SeLinux, facts.selinux_enforcing),
    ])
}
