//! What a cache lists, and what is removed from it and what stays.

mod attacks;
mod in_use;
mod listed;

use std::fs::{self, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuselage_linux::mount::bind_read_only_at;
use fuselage_linux::namespaces::{enter_mount_namespace, enter_user_namespace};
use fuselage_linux::own_directory::open_following_links;
use fuselage_linux::process;
use fuselage_store::cache::{Cache, Decision, LeavingKind, Listing, Outcome, Target};
use fuselage_store::open_home;

use crate::support::{
    USER, as_user, in_child, make, open_tempdir, root_may_mount, user_namespaces_work,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A home with a cache, and the way into namespaces of whoever it is of.
struct Place {
    /// Of the same user; no home.
    beside: PathBuf,
    root: PathBuf,
    cache: Cache,
    enter: fn(),
}

/// Runs `test` as the ordinary user and as root.
fn everywhere(test: impl Fn(&Place)) {
    let run = |owner: u32, enter: fn()| {
        let outer = open_tempdir();
        let beside = outer.path().join("beside");
        make(&beside, owner, 0o700);
        let home = beside.join("home");
        let root = home.join("cache");
        let inside = || {
            let home = open_home(&home).unwrap();
            assert!(home.cache().is_none(), "none is made");
            fs::create_dir(&root).unwrap();
            fs::set_permissions(&root, Permissions::from_mode(0o700)).unwrap();
            let cache = home.cache().unwrap();
            test(&Place {
                beside: beside.clone(),
                root: root.clone(),
                cache,
                enter,
            });
        };
        match owner {
            USER => as_user(USER, inside),
            _ => in_child(inside),
        }
    };
    if user_namespaces_work() {
        run(USER, || enter_user_namespace().unwrap());
    }
    if root_may_mount() {
        run(process::ids()[0], || enter_mount_namespace().unwrap());
    }
}

fn boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    boot.trim().to_owned()
}

impl Place {
    /// Makes an entry with a tree in it, whose digest is this digit and the process's number.
    fn entry(&self, digit: char) -> String {
        let digest = format!(
            "{}{:08}",
            digit.to_string().repeat(56),
            process::own_pid().as_raw()
        );
        let name = format!("{digest}-1");
        let tree = self.root.join(&name);
        fs::create_dir_all(tree.join("sub/deep")).unwrap();
        fs::write(tree.join("sub/file"), "content").unwrap();
        fs::write(self.root.join(format!("{name}.files")), "list").unwrap();
        self.seal(&name, "tree");
        name
    }

    /// Writes the sentinel of an entry as it stands there now.
    fn seal(&self, name: &str, kind: &str) {
        let data = fs::metadata(self.root.join(name)).unwrap();
        let time = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        let length = match data.is_file() {
            true => format!("{}:", data.len()),
            false => String::new(),
        };
        let identity = format!(
            "{}:{length}{}:{}",
            data.ino(),
            time(data.mtime(), data.mtime_nsec()),
            time(data.ctime(), data.ctime_nsec())
        );
        let text = format!(
            r#"{{"format":1,"kind":"{kind}","source":"sdk.zip","archiveFormat":"zip","archiveBytes":5,
            "entries":3,"bytes":7,"created":1700000000,"boot":"{}","synced":false,"data":"{identity}",
            "list":null,"closed":false}}"#,
            boot()
        );
        fs::write(self.sentinel(name), text).unwrap();
    }

    fn sentinel(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.complete"))
    }

    fn listing(&self) -> Listing {
        self.cache.listing().unwrap()
    }

    fn decision(&self, name: &str) -> Decision {
        let listing = self.listing();
        let entry = listing.entries.into_iter().find(|entry| entry.name == name);
        Decision {
            name: name.to_owned(),
            target: Target::Entry,
            token: entry.unwrap().token,
        }
    }

    fn evict(&self, name: &str) -> Outcome {
        self.outcome(self.decision(name))
    }

    fn outcome(&self, decision: Decision) -> Outcome {
        let mut removed = self.cache.remove(&[decision]);
        removed.pop().unwrap().outcome
    }

    fn leavings(&self) -> Vec<(String, LeavingKind)> {
        let leavings = self.listing().leavings.into_iter();
        leavings
            .map(|leaving| (leaving.name, leaving.kind))
            .collect()
    }

    /// That all leavings that are listed are to go.
    fn leaving_decisions(&self) -> Vec<Decision> {
        let leavings = self.listing().leavings.into_iter();
        let decisions = leavings.map(|leaving| Decision {
            name: leaving.name,
            target: Target::Leaving(leaving.kind),
            token: leaving.token,
        });
        decisions.collect()
    }

    /// Removes all leavings that are listed.
    fn remove_leavings(&self) -> Vec<Outcome> {
        let removed = self.cache.remove(&self.leaving_decisions()).into_iter();
        removed.map(|removed| removed.outcome).collect()
    }

    /// Everything that is in a directory of the cache.
    fn names(&self, directory: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(directory)) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

fn bind(source: &Path, target: &Path) {
    let [source, target] = [source, target].map(|path| open_following_links(path).unwrap());
    bind_read_only_at(source.as_fd(), target.as_fd()).unwrap();
}
