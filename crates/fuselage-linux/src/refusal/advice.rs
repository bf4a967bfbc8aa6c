//! What to do about each cause.

use super::apparmor::load_profile;
use super::cause::Cause;
use super::facts::{NamespaceFacts, Surroundings};
use super::launcher;

/// The way that needs no namespaces, where anything else that a run needs is there.
const WITHOUT_NAMESPACES: &str = "Without namespaces: `fuselage run --extract=allow …` (or \
     FUSELAGE_EXTRACT=allow) uses real files in their place.";

/// What to do about `causes`, one way each.
pub(super) fn hints(causes: &[Cause], facts: &NamespaceFacts) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for hint in causes.iter().flat_map(|cause| hints_of(cause, facts)) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    if causes.iter().all(|cause| leaves_files(cause, facts)) {
        hints.push(WITHOUT_NAMESPACES.into());
    }
    hints
}

/// Whether real files could be made in place of mounts.
fn leaves_files(cause: &Cause, facts: &NamespaceFacts) -> bool {
    match cause {
        // Files are reached by /proc, and who calls from a thread is no run.
        Cause::ProcMissing | Cause::ProcForeign | Cause::SecondThread => false,
        // No home can be told to be one's own.
        Cause::IdNotMapped => facts.uid_is_mapped(),
        _ => true,
    }
}

fn hints_of(cause: &Cause, facts: &NamespaceFacts) -> Vec<String> {
    let surroundings = facts.surroundings;
    match cause {
        Cause::NoUserNamespaces => {
            allow_by_sysctl("user.max_user_namespaces", "10000", surroundings)
        }
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
                surroundings,
            ));
            ways
        }
        Cause::NestedTooDeep => {
            vec!["Start the command from outside: fewer runs inside each other.".into()]
        }
        Cause::NoMountNamespaces => {
            allow_by_sysctl("user.max_mnt_namespaces", "10000", surroundings)
        }
        Cause::MountsUsedUp => allow_by_sysctl("fs.mount-max", "200000", surroundings),
        Cause::Seccomp => of_filter(facts),
        Cause::Chroot if facts.sys_admin => vec![
            "Make the root directory a mount point before chroot: \
             `mount --bind DIRECTORY DIRECTORY`."
                .into(),
        ],
        // A mount point makes it none the less a chroot: `current_chrooted` of fs/namespace.c.
        Cause::Chroot | Cause::HiddenChroot => vec![
            "Make DIRECTORY the root by pivot_root(2) in place of chroot(2): \
             `systemd-nspawn -D DIRECTORY …`, `bwrap --bind DIRECTORY / --dev /dev --proc /proc …`."
                .into(),
            "Start it as root, whose runs need a mount namespace only.".into(),
        ],
        Cause::IdNotMapped => vec![
            "Map the user and the group in the outer user namespace: newuidmap(1), newgidmap(1), \
             `unshare --map-current-user`."
                .into(),
        ],
        Cause::UnprivilegedClone => {
            allow_by_sysctl("kernel.unprivileged_userns_clone", "1", surroundings)
        }
        Cause::SecondThread => {
            vec!["Call it from a process with one thread: a child made by fork(2).".into()]
        }
        Cause::NotBuiltIn => vec!["Boot a kernel with CONFIG_USER_NS=y.".into()],
        Cause::ProcMissing | Cause::ProcForeign => {
            vec!["Mount one, as root: `mount -t proc proc /proc`.".into()]
        }
        Cause::ProcReadOnly => vec!["As root: `mount -o remount,rw /proc`.".into()],
        Cause::NotDumpable => vec![format!("`chmod a+r {}`.", launcher::path(facts))],
        Cause::RootMap => of_root_map(surroundings),
        Cause::NoSysAdmin => of_no_sys_admin(surroundings),
        Cause::Landlock => {
            vec!["Start it outside the program that restricted this process.".into()]
        }
        Cause::AppArmorRestriction => of_restriction(facts),
        Cause::AppArmorProfile => of_profile(facts),
        Cause::SeLinux => of_selinux(surroundings),
        Cause::Unknown => vec!["`dmesg` and the audit log may name what refused it.".into()],
    }
}

fn allow_by_sysctl(name: &str, value: &str, surroundings: Surroundings) -> Vec<String> {
    let set = format!("{name}={value}");
    let until_boot = format!("`sudo sysctl -w {set}`");
    let for_good = format!("`echo {set} | sudo tee -a /etc/sysctl.d/60-fuselage.conf`");
    match surroundings {
        Surroundings::Plain => vec![
            format!("Until the next boot: {until_boot}."),
            format!("From the next boot on: {for_good}."),
        ],
        Surroundings::GitHubActions => {
            vec![format!(
                "As a step of the job, before: `- run: sudo sysctl -w {set}`."
            )]
        }
        // /proc/sys is read-only inside.
        Surroundings::Docker | Surroundings::Podman | Surroundings::Kubernetes => vec![
            format!("On the host of the container, until its next boot: {until_boot}."),
            format!("On the host of the container, from its next boot on: {for_good}."),
        ],
    }
}

fn of_filter(facts: &NamespaceFacts) -> Vec<String> {
    match facts.surroundings {
        Surroundings::Docker => {
            let mut ways = vec![
                "`docker run --security-opt seccomp=unconfined --security-opt \
                 apparmor=unconfined …`."
                    .into(),
            ];
            // Docker's list allows all that is needed to who has the capability; its AppArmor
            // profile allows mounts to nobody.
            if facts.uid == 0 && !facts.sys_admin {
                ways.push(
                    "For root: `docker run --cap-add SYS_ADMIN --security-opt \
                     apparmor=unconfined …`."
                        .into(),
                );
            }
            ways
        }
        Surroundings::Podman => {
            vec!["`podman run --security-opt seccomp=unconfined …`.".into()]
        }
        Surroundings::Kubernetes => vec![
            "In the container's securityContext: `seccompProfile: {type: Unconfined}` and \
             `appArmorProfile: {type: Unconfined}`."
                .into(),
        ],
        Surroundings::Plain | Surroundings::GitHubActions => vec![
            "In a systemd unit: remove `RestrictNamespaces=` and allow `@mount` in \
             `SystemCallFilter=`."
                .into(),
            "Elsewhere: let the program that set the filter allow unshare(2) and mount(2).".into(),
        ],
    }
}

fn of_profile(facts: &NamespaceFacts) -> Vec<String> {
    match facts.surroundings {
        Surroundings::Docker => {
            vec!["`docker run --security-opt apparmor=unconfined …`.".into()]
        }
        Surroundings::Podman => {
            vec!["`podman run --security-opt apparmor=unconfined …`.".into()]
        }
        Surroundings::Kubernetes => vec![
            "In the container's securityContext: `appArmorProfile: {type: Unconfined}`.".into(),
        ],
        Surroundings::Plain | Surroundings::GitHubActions => vec![
            "Allow `userns,` and `mount,` in that profile (`sudo aa-status` lists the profiles)."
                .into(),
        ],
    }
}

fn of_restriction(facts: &NamespaceFacts) -> Vec<String> {
    let sysctl = allow_by_sysctl(
        "kernel.apparmor_restrict_unprivileged_userns",
        "0",
        facts.surroundings,
    );
    match facts.surroundings {
        Surroundings::Plain => {
            let mut ways = vec![format!(
                "Allow this program alone, for good: `{}`.",
                load_profile(&launcher::path(facts))
            )];
            ways.extend(sysctl);
            ways
        }
        _ => sysctl,
    }
}

fn of_selinux(surroundings: Surroundings) -> Vec<String> {
    match surroundings {
        Surroundings::Docker => vec!["`docker run --security-opt label=disable …`.".into()],
        Surroundings::Podman => vec!["`podman run --security-opt label=disable …`.".into()],
        Surroundings::Kubernetes => {
            vec!["In the pod's securityContext: `seLinuxOptions: {type: spc_t}`.".into()]
        }
        Surroundings::Plain | Surroundings::GitHubActions => vec![
            "See what was refused: `sudo ausearch -m avc -ts recent`; then allow it in a policy \
             module (`audit2allow`)."
                .into(),
        ],
    }
}

fn of_root_map(surroundings: Surroundings) -> Vec<String> {
    let capability = match surroundings {
        Surroundings::Docker => "`docker run --cap-add SETFCAP …`.",
        Surroundings::Podman => "`podman run --cap-add SETFCAP …`.",
        Surroundings::Kubernetes => {
            "In the container's securityContext: `capabilities: {add: [SETFCAP]}`."
        }
        Surroundings::Plain | Surroundings::GitHubActions => "Give the process CAP_SETFCAP.",
    };
    vec!["Start it as an ordinary user.".into(), capability.into()]
}

fn of_no_sys_admin(surroundings: Surroundings) -> Vec<String> {
    let mut ways = vec!["Start it as an ordinary user, who needs no privilege.".into()];
    match surroundings {
        Surroundings::Docker => ways
            .push("`docker run --cap-add SYS_ADMIN --security-opt apparmor=unconfined …`.".into()),
        Surroundings::Podman => ways.push("`podman run --cap-add SYS_ADMIN …`.".into()),
        Surroundings::Kubernetes => ways.push(
            "In the container's securityContext: `capabilities: {add: [SYS_ADMIN]}` and \
             `appArmorProfile: {type: Unconfined}`."
                .into(),
        ),
        Surroundings::Plain | Surroundings::GitHubActions => {}
    }
    ways
}
