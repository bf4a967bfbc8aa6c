//! What is known about the process and the host when a namespace was refused.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// An id map as in `/proc/self/uid_map`: first id inside, first id outside, count.
pub type IdMap = Vec<[u64; 3]>;

/// What /proc is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcState {
    /// As it should be.
    Usable,
    /// No proc file system is mounted there.
    Missing,
    /// It is mounted read-only.
    ReadOnly,
    /// It belongs to another pid namespace: this process is not in it.
    Foreign,
}

/// Who made the surroundings this process runs in, where that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// Nothing that can be told.
    Plain,
    /// `/.dockerenv` exists.
    Docker,
    /// `/run/.containerenv` exists.
    Podman,
    /// A service account is mounted.
    Kubernetes,
    /// A job of GitHub Actions, on the machine itself (`GITHUB_ACTIONS` is set).
    GitHubActions,
}

/// What tells the causes of a refusal apart. `None`: not known, or this kernel does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceFacts {
    /// The effective uid as this process sees it.
    pub uid: u32,
    /// The effective gid as this process sees it.
    pub gid: u32,
    /// `CAP_SYS_ADMIN` is effective.
    pub sys_admin: bool,
    /// How many threads the process has.
    pub threads: Option<u32>,
    /// `Seccomp:` of /proc/self/status: 0 none, 1 strict, 2 a filter.
    pub seccomp: Option<u32>,
    /// `NoNewPrivs:` of /proc/self/status.
    pub no_new_privileges: Option<bool>,
    /// Whether /proc/self belongs to this process's user (`PR_GET_DUMPABLE`).
    pub dumpable: Option<bool>,
    /// `/proc/self/uid_map`.
    pub uid_map: Option<IdMap>,
    /// `/proc/self/gid_map`.
    pub gid_map: Option<IdMap>,
    /// Whether mountinfo has a line for `/`. It has none in a chroot(2) that is no mount point.
    pub root_is_mount: Option<bool>,
    /// What /proc is like.
    pub proc_state: ProcState,
    /// The kernel has user namespaces (`/proc/self/ns/user`).
    pub built_in: bool,
    /// `user.max_user_namespaces`, of the user namespace the facts were gathered in.
    pub max_user_namespaces: Option<u64>,
    /// `user.max_mnt_namespaces`, likewise.
    pub max_mnt_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone` (Debian's and others' kernels).
    pub unprivileged_userns_clone: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu's kernels).
    pub apparmor_restrict: Option<u64>,
    /// The AppArmor profile of this process, unless it is unconfined.
    pub apparmor_profile: Option<String>,
    /// SELinux is enforcing.
    pub selinux_enforcing: bool,
    /// Who made the surroundings.
    pub surroundings: Surroundings,
    /// The file this process executes, for advice that names it.
    pub program: Option<PathBuf>,
}

impl NamespaceFacts {
    /// Reads them: some fifteen small files, for the error path only. May be called before or after
    /// a step has failed; afterwards limits of the outer user namespace cannot be seen any more,
    /// which [`super::find_causes`] knows.
    pub fn gather() -> Self {
        let [_, uid, _, gid] = crate::process::ids();
        let read = Self::read_below(Path::new("/"));
        Self {
            uid,
            gid,
            sys_admin: crate::capabilities::has_sys_admin(),
            dumpable: nix::sys::prctl::get_dumpable().ok(),
            proc_state: proc_state(),
            surroundings: in_job(read.surroundings, std::env::var_os("GITHUB_ACTIONS")),
            ..read
        }
    }

    /// What stands in files; the rest as on a host where nothing is wrong.
    fn read_below(root: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(root.join(path)).ok();
        let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
        let status = read("proc/self/status").unwrap_or_default();
        let from_status = |name: &str| status_number(&status, name);
        let profile = read("proc/self/attr/apparmor/current").or_else(|| {
            apparmor_is_on(root)
                .then(|| read("proc/self/attr/current"))
                .flatten()
        });
        Self {
            uid: 0,
            gid: 0,
            sys_admin: false,
            threads: from_status("Threads:"),
            seccomp: from_status("Seccomp:"),
            no_new_privileges: from_status("NoNewPrivs:").map(|value| value != 0),
            dumpable: None,
            uid_map: read("proc/self/uid_map").map(|text| parse_map(&text)),
            gid_map: read("proc/self/gid_map").map(|text| parse_map(&text)),
            root_is_mount: fs::read(root.join("proc/self/mountinfo"))
                .ok()
                .map(|table| {
                    let table = crate::mount_table::parse(&table);
                    table.iter().any(|line| line.mount_point == Path::new("/"))
                }),
            proc_state: ProcState::Usable,
            built_in: root.join("proc/self/ns/user").symlink_metadata().is_ok(),
            max_user_namespaces: number("proc/sys/user/max_user_namespaces"),
            max_mnt_namespaces: number("proc/sys/user/max_mnt_namespaces"),
            unprivileged_userns_clone: number("proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restrict: number("proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            apparmor_profile: profile.as_deref().and_then(confining_profile),
            selinux_enforcing: number("sys/fs/selinux/enforce") == Some(1),
            surroundings: surroundings(root),
            program: fs::read_link(root.join("proc/self/exe")).ok(),
        }
    }

    /// Whether this process is in a user namespace below the initial one.
    pub fn in_user_namespace(&self) -> bool {
        self.uid_map
            .as_ref()
            .is_some_and(|map| *map != [[0, 0, u64::from(u32::MAX)]])
    }

    /// Whether uid and gid have a meaning in this process's user namespace.
    pub fn ids_are_mapped(&self) -> bool {
        self.uid_is_mapped() && has(&self.gid_map, self.gid)
    }

    /// Whether the uid has.
    pub(super) fn uid_is_mapped(&self) -> bool {
        has(&self.uid_map, self.uid)
    }
}

/// Whether `map` has `id`; a map that is not known has all.
fn has(map: &Option<IdMap>, id: u32) -> bool {
    let id = u64::from(id);
    map.as_ref().is_none_or(|map| {
        map.iter()
            .any(|[first, _, count]| (*first..first + count).contains(&id))
    })
}

fn proc_state() -> ProcState {
    const PROC_MAGIC: i64 = 0x9fa0;
    let Ok(file_system) = rustix::fs::statfs("/proc") else {
        return ProcState::Missing;
    };
    #[allow(
        clippy::unnecessary_cast,
        reason = "the type of f_type differs by architecture"
    )]
    if file_system.f_type as i64 != PROC_MAGIC {
        return ProcState::Missing;
    }
    if fs::symlink_metadata("/proc/self/status").is_err() {
        return ProcState::Foreign;
    }
    let read_only = rustix::fs::statvfs("/proc").is_ok_and(|status| {
        status
            .f_flag
            .contains(rustix::fs::StatVfsMountFlags::RDONLY)
    });
    if read_only {
        ProcState::ReadOnly
    } else {
        ProcState::Usable
    }
}

fn status_number(status: &str, name: &str) -> Option<u32> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn parse_map(text: &str) -> IdMap {
    text.lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(|word| word.parse().ok());
            Some([numbers.next()??, numbers.next()??, numbers.next()??])
        })
        .collect()
}

fn apparmor_is_on(root: &Path) -> bool {
    fs::read_to_string(root.join("sys/module/apparmor/parameters/enabled"))
        .is_ok_and(|text| text.starts_with('Y'))
}

/// `NAME (MODE)`; only a mode that enforces refuses anything.
fn confining_profile(text: &str) -> Option<String> {
    let text = text.trim_end_matches(['\n', '\0']);
    text.strip_suffix(" (enforce)").map(str::to_owned)
}

/// A job in a container is told from the container: what helps has to be done around it.
fn in_job(read: Surroundings, github_actions: Option<OsString>) -> Surroundings {
    match (read, github_actions) {
        (Surroundings::Plain, Some(value)) if value == "true" => Surroundings::GitHubActions,
        (read, _) => read,
    }
}

fn surroundings(root: &Path) -> Surroundings {
    let exists = |path: &str| root.join(path).symlink_metadata().is_ok();
    if exists("var/run/secrets/kubernetes.io") || exists("run/secrets/kubernetes.io") {
        Surroundings::Kubernetes
    } else if exists(".dockerenv") {
        Surroundings::Docker
    } else if exists("run/.containerenv") {
        Surroundings::Podman
    } else {
        Surroundings::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up_root::made_up_root;

    #[test]
    fn an_ubuntu_host_is_read() {
        let root = made_up_root(&[
            (
                "proc/self/status",
                "Name:\tx\nThreads:\t7\nNoNewPrivs:\t1\nSeccomp:\t2\n",
            ),
            ("proc/self/uid_map", "         0          0 4294967295\n"),
            (
                "proc/self/gid_map",
                "         0       1000          1\n         1 100000 65536\n",
            ),
            (
                "proc/self/mountinfo",
                "27 1 254:0 / / rw - ext4 /dev/vda rw\n",
            ),
            ("proc/self/ns/user", ""),
            (
                "proc/self/attr/apparmor/current",
                "docker-default (enforce)\n",
            ),
            ("proc/sys/user/max_user_namespaces", "0\n"),
            ("proc/sys/user/max_mnt_namespaces", "12\n"),
            ("proc/sys/kernel/unprivileged_userns_clone", "0\n"),
            (
                "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                "1\n",
            ),
            ("sys/fs/selinux/enforce", "1"),
            (".dockerenv", ""),
        ]);
        let facts = NamespaceFacts::read_below(root.path());
        assert_eq!(facts.threads, Some(7));
        assert_eq!(facts.seccomp, Some(2));
        assert_eq!(facts.no_new_privileges, Some(true));
        assert_eq!(facts.uid_map, Some(vec![[0, 0, 4_294_967_295]]));
        assert_eq!(facts.gid_map, Some(vec![[0, 1000, 1], [1, 100_000, 65536]]));
        assert_eq!(facts.root_is_mount, Some(true));
        assert!(facts.built_in && facts.selinux_enforcing);
        assert_eq!(facts.apparmor_profile.as_deref(), Some("docker-default"));
        assert_eq!(facts.max_user_namespaces, Some(0));
        assert_eq!(facts.max_mnt_namespaces, Some(12));
        assert_eq!(facts.unprivileged_userns_clone, Some(0));
        assert_eq!(facts.apparmor_restrict, Some(1));
        assert_eq!(facts.surroundings, Surroundings::Docker);
        assert!(!facts.in_user_namespace());
    }

    #[test]
    fn a_host_without_anything_is_all_unknown() {
        let facts = NamespaceFacts::read_below(Path::new("/nonexistent"));
        assert_eq!(facts.threads, None);
        assert_eq!(facts.root_is_mount, None);
        assert_eq!(facts.surroundings, Surroundings::Plain);
        assert!(!facts.built_in);
        assert!(facts.ids_are_mapped());
    }

    #[test]
    fn a_job_in_a_container_is_told_from_the_container() {
        for (read, value, found) in [
            (
                Surroundings::Plain,
                Some("true"),
                Surroundings::GitHubActions,
            ),
            (Surroundings::Plain, Some("false"), Surroundings::Plain),
            (Surroundings::Plain, None, Surroundings::Plain),
            (Surroundings::Docker, Some("true"), Surroundings::Docker),
        ] {
            assert_eq!(in_job(read, value.map(OsString::from)), found);
        }
    }

    #[test]
    fn profiles_that_refuse_nothing_do_not_count() {
        assert_eq!(confining_profile("unconfined\n"), None);
        assert_eq!(confining_profile("vscode (unconfined)\n"), None);
        assert_eq!(confining_profile("x (complain)\n"), None);
        assert_eq!(
            confining_profile("/usr/bin/x//y (enforce)\n").as_deref(),
            Some("/usr/bin/x//y")
        );
    }

    #[test]
    fn ids_outside_the_map_are_found() {
        let mut facts = NamespaceFacts::read_below(Path::new("/nonexistent"));
        facts.uid_map = Some(vec![[1000, 1000, 1], [5000, 100_000, 10]]);
        facts.gid_map = Some(vec![[0, 0, 4_294_967_295]]);
        for (uid, mapped) in [(1000, true), (1001, false), (5009, true), (5010, false)] {
            facts.uid = uid;
            assert_eq!(facts.ids_are_mapped(), mapped, "{uid}");
        }
        assert!(facts.in_user_namespace());
    }

    #[test]
    fn this_process_is_as_it_is() {
        let facts = NamespaceFacts::gather();
        assert_eq!(facts.proc_state, ProcState::Usable);
        assert!(facts.threads >= Some(1));
        assert_eq!(facts.root_is_mount, Some(true));
        assert!(facts.program.is_some());
    }
}
