//! The words for each cause: why, and what to do.

use super::cause::Cause;
use super::facts::{NamespaceFacts, Surroundings};

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
        Cause::Seccomp => match facts.surroundings {
            Surroundings::Docker => {
                "A seccomp filter is active (Seccomp: 2 in /proc/self/status); \
                 Docker's default one forbids new namespaces and mounts."
                    .into()
            }
            Surroundings::Podman => {
                "A seccomp filter is active (Seccomp: 2 in /proc/self/status), \
                 set by Podman."
                    .into()
            }
            Surroundings::Kubernetes => "A seccomp filter is active (Seccomp: 2 in \
                 /proc/self/status); the pod's default one forbids new namespaces and mounts."
                .into(),
            Surroundings::Plain => "A seccomp filter is active (Seccomp: 2 in /proc/self/status), \
                 set by whatever started this process."
                .into(),
        },
        Cause::Chroot => "This process is in a chroot whose root directory is no mount point; the \
             kernel allows no user namespace there, and mounts could not be kept from the host."
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
            program(facts)
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
        Cause::Landlock => "The process is probably restricted by Landlock, which forbids every \
             mount (NoNewPrivs: 1 and Seccomp: 0 in /proc/self/status)."
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

/// What to do, one way each.
pub(super) fn hints(cause: &Cause, facts: &NamespaceFacts) -> Vec<String> {
    match cause {
        Cause::NoUserNamespaces => allow_by_sysctl("user.max_user_namespaces", "10000"),
        Cause::UserNamespacesUsedUp => {
            let more = facts
                .max_user_namespaces
                .unwrap_or(10_000)
                .saturating_mul(2);
            let mut ways =
                vec!["End programs of this user that hold some (`lsns -t user`).".into()];
            ways.extend(allow_by_sysctl(
                "user.max_user_namespaces",
                &more.to_string(),
            ));
            ways
        }
        Cause::NestedTooDeep => {
            vec!["Start the command from outside: fewer runs inside each other.".into()]
        }
        Cause::NoMountNamespaces => allow_by_sysctl("user.max_mnt_namespaces", "10000"),
        Cause::Seccomp => seccomp_hints(facts.surroundings),
        Cause::Chroot => vec![
            "Make the root directory a mount point before chroot: \
             `mount --bind DIRECTORY DIRECTORY`."
                .into(),
            "Use pivot_root(8), `systemd-nspawn` or `bwrap` in place of chroot.".into(),
        ],
        Cause::IdNotMapped => vec![
            "Map the user and the group in the outer user namespace (newuidmap(1), newgidmap(1))."
                .into(),
        ],
        Cause::UnprivilegedClone => allow_by_sysctl("kernel.unprivileged_userns_clone", "1"),
        Cause::SecondThread => {
            vec!["Call it from a process with one thread: a child made by fork(2).".into()]
        }
        Cause::NotBuiltIn => vec!["Boot a kernel with CONFIG_USER_NS=y.".into()],
        Cause::ProcMissing | Cause::ProcForeign => {
            vec!["Mount one: `mount -t proc proc /proc`.".into()]
        }
        Cause::ProcReadOnly => vec!["`mount -o remount,rw /proc`.".into()],
        Cause::NotDumpable => vec![format!("`chmod a+r {}`.", program(facts))],
        Cause::RootMap => vec![
            "Start it as an ordinary user.".into(),
            "Give the process CAP_SETFCAP (Docker: `--cap-add SETFCAP`).".into(),
        ],
        Cause::NoSysAdmin => no_sys_admin_hints(facts.surroundings),
        Cause::Landlock => {
            vec!["Start it outside the program that restricted this process.".into()]
        }
        Cause::AppArmorRestriction => apparmor_hints(facts),
        Cause::AppArmorProfile => match facts.surroundings {
            Surroundings::Plain => vec![
                "Allow `userns,` and `mount,` in that profile (`aa-status` lists the profiles)."
                    .into(),
            ],
            other => seccomp_hints(other),
        },
        Cause::SeLinux => vec![
            "See what was refused: `ausearch -m avc -ts recent`; then allow it in a policy module \
             (`audit2allow`)."
                .into(),
        ],
        Cause::Unknown => vec!["`dmesg` and the audit log may name what refused it.".into()],
    }
}

fn allow_by_sysctl(name: &str, value: &str) -> Vec<String> {
    vec![
        format!("Until the next boot: `sudo sysctl -w {name}={value}`."),
        format!("For good: `echo {name}={value} | sudo tee /etc/sysctl.d/60-fuselage.conf`."),
    ]
}

fn seccomp_hints(surroundings: Surroundings) -> Vec<String> {
    match surroundings {
        Surroundings::Docker => vec![
            "Start it with `docker run --security-opt seccomp=unconfined --security-opt \
             apparmor=unconfined …`."
                .into(),
        ],
        Surroundings::Podman => {
            vec!["Start it with `podman run --security-opt seccomp=unconfined …`.".into()]
        }
        Surroundings::Kubernetes => vec![
            "Set `seccompProfile: {type: Unconfined}` and `appArmorProfile: {type: Unconfined}` \
             in the pod's securityContext."
                .into(),
        ],
        Surroundings::Plain => vec![
            "In a systemd unit: remove `RestrictNamespaces=` and allow `@mount` in \
             `SystemCallFilter=`."
                .into(),
            "Elsewhere: let the program that set the filter allow unshare(2) and mount(2).".into(),
        ],
    }
}

fn no_sys_admin_hints(surroundings: Surroundings) -> Vec<String> {
    let mut ways = vec!["Start it as an ordinary user, who needs no privilege.".into()];
    match surroundings {
        Surroundings::Docker => ways.push("`docker run --cap-add SYS_ADMIN …`.".into()),
        Surroundings::Podman => ways.push("`podman run --cap-add SYS_ADMIN …`.".into()),
        Surroundings::Kubernetes => {
            ways.push("Add SYS_ADMIN to the capabilities in the pod's securityContext.".into());
        }
        Surroundings::Plain => {}
    }
    ways
}

/// A profile that confines nothing and allows `userns`, as Ubuntu ships them for other programs.
fn apparmor_hints(facts: &NamespaceFacts) -> Vec<String> {
    let profile = format!(
        "abi <abi/4.0>,\ninclude <tunables/global>\nprofile fuselage {} flags=(unconfined) {{\n  \
         userns,\n}}",
        program(facts)
    );
    let mut ways = vec![format!(
        "Allow this program alone: write to /etc/apparmor.d/fuselage\n{profile}\nand load it: \
         `sudo apparmor_parser -r /etc/apparmor.d/fuselage`."
    )];
    ways.extend(allow_by_sysctl(
        "kernel.apparmor_restrict_unprivileged_userns",
        "0",
    ));
    ways
}

/// The program that needs the right is the launcher, also when a probe asks from somewhere else.
fn program(facts: &NamespaceFacts) -> String {
    let launcher = facts.program.as_ref().filter(|path| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"fuselage-launch"))
    });
    launcher.map_or("/PATH/TO/fuselage-launch-linux-x64".into(), |path| {
        path.display().to_string()
    })
}
