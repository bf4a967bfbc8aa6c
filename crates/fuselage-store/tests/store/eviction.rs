//! What a cache lists, and what is removed from it and what stays.

use std::fs::{self, File, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use fuselage_linux::file_lock;
use fuselage_linux::in_use::Sight;
use fuselage_linux::mount::bind_read_only_at;
use fuselage_linux::namespaces::{enter_mount_namespace, enter_user_namespace};
use fuselage_linux::own_directory::open_following_links;
use fuselage_linux::process;
use fuselage_store::cache::{Cache, Decision, LeavingKind, Listing, Outcome, State, Target, Use};
use fuselage_store::open_home;
use fuselage_testing::Daemon;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

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

    /// Removes all leavings that are listed.
    fn remove_leavings(&self) -> Vec<Outcome> {
        let decisions: Vec<Decision> = self
            .listing()
            .leavings
            .into_iter()
            .map(|leaving| Decision {
                name: leaving.name,
                target: Target::Leaving(leaving.kind),
                token: leaving.token,
            })
            .collect();
        let removed = self.cache.remove(&decisions).into_iter();
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

#[test]
fn an_entry_is_listed_and_gone_when_it_is_removed() {
    everywhere(|place| {
        let (name, other) = (place.entry('a'), place.entry('b'));
        let listing = place.listing();
        assert_eq!(listing.sight, Sight::Whole);
        assert_eq!(listing.leavings, []);
        let entry = &listing.entries[0];
        assert_eq!((&entry.name, entry.is_image), (&name, false));
        assert_eq!((&entry.state, entry.in_use), (&State::Valid, Use::No));
        assert_eq!(entry.source, "sdk.zip");
        assert_eq!((entry.archive_bytes, entry.entries, entry.bytes), (5, 3, 7));
        let sentinel = fs::metadata(place.sentinel(&name)).unwrap();
        assert_eq!(entry.last_use / 1_000_000_000, i128::from(sentinel.mtime()));

        assert_eq!(place.evict(&name), Outcome::Removed);
        assert_eq!(place.listing().entries.len(), 1);
        assert_eq!(place.evict(&other), Outcome::Removed);
        assert_eq!(place.names("."), ["trash"]);
        assert_eq!(place.names("trash"), [""; 0]);
    });
}

#[test]
fn an_entry_that_was_used_or_is_gone_since_the_decision_stays_as_it_is() {
    everywhere(|place| {
        let name = place.entry('a');
        let decision = place.decision(&name);
        let later = SystemTime::now() + Duration::from_secs(1);
        let sentinel = File::options().write(true).open(place.sentinel(&name));
        sentinel.unwrap().set_modified(later).unwrap();
        let outcome = place.outcome(decision);
        assert!(matches!(outcome, Outcome::Changed(_)), "{outcome:?}");
        assert_eq!(place.listing().entries[0].state, State::Valid);
        assert_eq!(place.leavings(), [], "no lock is left either");

        let decision = place.decision(&name);
        assert_eq!(place.outcome(decision.clone()), Outcome::Removed);
        let outcome = place.outcome(decision);
        assert!(matches!(outcome, Outcome::Changed(_)), "{outcome:?}");
    });
}

#[test]
fn a_run_that_starts_and_a_builder_keep_an_entry() {
    everywhere(|place| {
        let name = place.entry('a');
        let is_busy = || matches!(place.evict(&name), Outcome::Busy(_));
        let sentinel = File::open(place.sentinel(&name)).unwrap();
        sentinel.lock_shared().unwrap();
        assert!(is_busy());
        sentinel.unlock().unwrap();
        let lock = file_lock::open_lock(place.cache.directory(), format!("{name}.lock").as_bytes());
        let lock = lock.unwrap().unwrap();
        assert!(file_lock::lock(&lock).unwrap());
        assert!(is_busy());
        assert!(place.listing().leavings[0].is_alive);
        assert!(matches!(place.remove_leavings()[..], [Outcome::Busy(_)]));
        assert_eq!(place.listing().entries[0].state, State::Valid);
        drop(lock);
        assert!(!place.listing().leavings[0].is_alive);
        assert_eq!(place.evict(&name), Outcome::Removed);
    });
}

#[test]
fn what_a_daemon_has_stays_readable_until_it_ends() {
    everywhere(|place| {
        for below in [".", "sub"] {
            let name = place.entry('a');
            let at = place.beside.join("at");
            fs::create_dir_all(&at).unwrap();
            let daemon = Daemon::start(|| {
                (place.enter)();
                bind(&place.root.join(&name).join(below), &at);
            });
            let file = match below {
                "." => at.join("sub/file"),
                _ => at.join("file"),
            };
            let content_is_there =
                || fs::read(daemon.path(&file)).is_ok_and(|content| content == b"content");
            assert!(content_is_there());
            assert_eq!(place.listing().entries[0].in_use, Use::Yes);
            assert_eq!(place.evict(&name), Outcome::InUse);
            assert_eq!(place.names("."), ["trash"]);
            for _ in 0..2 {
                let listing = place.listing();
                assert_eq!(listing.leavings[0].kind, LeavingKind::Trash);
                assert_eq!(listing.leavings[0].in_use, Use::Yes);
                assert_eq!(place.remove_leavings(), [Outcome::InUse]);
                assert!(content_is_there());
            }
            daemon.end();
            assert_eq!(place.listing().leavings[0].in_use, Use::No);
            assert_eq!(place.remove_leavings(), [Outcome::Removed]);
            assert_eq!(place.names("trash"), [""; 0]);
        }
    });
}

#[test]
fn what_not_everybody_was_seen_of_waits_for_a_day() {
    if !root_may_mount() {
        return;
    }
    everywhere(|place| {
        let name = place.entry('a');
        let decision = place.decision(&name);
        in_child(|| {
            (place.enter)();
            unshare(CloneFlags::CLONE_NEWPID).unwrap();
            in_child(|| {
                let proc = Some("proc");
                mount(proc, "/proc", proc, MsFlags::empty(), None::<&str>).unwrap();
                let listing = place.listing();
                assert!(matches!(listing.sight, Sight::Partial(_)));
                assert_eq!(listing.entries[0].in_use, Use::Unknown);
                let outcome = place.outcome(decision.clone());
                assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
                assert!(matches!(
                    place.remove_leavings()[..],
                    [Outcome::Unknown(_), Outcome::Unknown(_)]
                ));
                // Used and evicted long ago.
                let long_ago = SystemTime::now() - DAY - Duration::from_secs(60);
                let since = long_ago.duration_since(SystemTime::UNIX_EPOCH).unwrap();
                let milliseconds = since.as_millis();
                let [data, list] = &place.names("trash")[..] else {
                    panic!()
                };
                let trash = place.root.join("trash");
                let rename =
                    |from: &str, to: String| fs::rename(trash.join(from), trash.join(to)).unwrap();
                rename(data, format!("d~{milliseconds}~{milliseconds}~1"));
                rename(
                    list,
                    format!("l~{milliseconds}~{}~1", milliseconds + DAY.as_millis()),
                );
                assert!(matches!(
                    place.remove_leavings()[..],
                    [Outcome::Removed, Outcome::Unknown(_)]
                ));
            });
        });
        // Who sees everybody need not wait.
        assert_eq!(place.remove_leavings(), [Outcome::Removed]);
    });
}

#[test]
fn a_link_out_of_a_tree_changes_nothing_outside() {
    everywhere(|place| {
        let name = place.entry('a');
        let outside = place.beside.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("canary"), "alive").unwrap();
        fs::set_permissions(&outside, Permissions::from_mode(0o555)).unwrap();
        let tree = place.root.join(&name);
        symlink(&outside, tree.join("link")).unwrap();
        symlink("/", tree.join("sub/root")).unwrap();
        // The twin: what is read-only in the tree itself does go.
        for directory in [&tree.join("sub/deep"), &tree.join("sub"), &tree] {
            fs::set_permissions(directory, Permissions::from_mode(0o555)).unwrap();
        }
        place.seal(&name, "tree");
        assert_eq!(place.evict(&name), Outcome::Removed);
        assert_eq!(place.names("trash"), [""; 0]);
        assert_eq!(fs::metadata(&outside).unwrap().mode() & 0o7777, 0o555);
        assert_eq!(fs::read(outside.join("canary")).unwrap(), b"alive");
    });
}

#[test]
fn a_directory_that_is_swapped_for_a_link_leads_nobody_out() {
    everywhere(|place| {
        let outside = place.beside.join("outside");
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::write(outside.join("deep/canary"), "alive").unwrap();
        let is_done = AtomicBool::new(false);
        let swaps = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let aside = place.beside.join("aside");
                let link = place.beside.join("link");
                while !is_done.load(Ordering::Relaxed) {
                    let trees = fs::read_dir(place.root.join("trash"));
                    let there = trees
                        .into_iter()
                        .flatten()
                        .flatten()
                        .map(|tree| tree.path());
                    for tree in there {
                        let inner = tree.join("sub");
                        let _ = symlink(&outside, &link);
                        if fs::rename(&inner, &aside).is_ok() && fs::rename(&link, &inner).is_ok() {
                            swaps.fetch_add(1, Ordering::Relaxed);
                            let _ = fs::remove_file(&inner);
                            let _ = fs::rename(&aside, &inner);
                        }
                        let _ = fs::remove_dir_all(&aside);
                    }
                }
            });
            // On a busy machine it takes longer until one is met at work.
            for round in 0..5000 {
                if round >= 60 && swaps.load(Ordering::Relaxed) > 0 {
                    break;
                }
                let name = place.entry('a');
                for file in 0..40 {
                    let directory = place.root.join(&name).join(format!("sub/deep/{file}"));
                    fs::create_dir(directory).unwrap();
                }
                place.evict(&name);
            }
            is_done.store(true, Ordering::Relaxed);
        });
        assert!(swaps.load(Ordering::Relaxed) > 0, "nothing was swapped");
        assert_eq!(fs::read(outside.join("deep/canary")).unwrap(), b"alive");
        place.remove_leavings();
        assert_eq!(place.names("trash"), [""; 0]);
    });
}

/// Does something to the entry of a name.
type Plant = fn(&Place, &str);

#[test]
fn whatever_stands_in_a_sentinel_is_listed_and_can_be_removed() {
    everywhere(|place| {
        let plants: [(Plant, &str); 7] = [
            (
                |place, name| fs::write(place.sentinel(name), "{").unwrap(),
                "garbage",
            ),
            (
                |place, name| fs::write(place.sentinel(name), "").unwrap(),
                "garbage",
            ),
            (
                |place, name| fs::remove_dir_all(place.root.join(name)).unwrap(),
                "missing",
            ),
            (|place, name| place.seal(name, "image"), "another kind"),
            (
                |place, name| {
                    let text = fs::read_to_string(place.sentinel(name)).unwrap();
                    let text = text.replace("\"format\":1", "\"format\":2");
                    fs::write(place.sentinel(name), text).unwrap();
                },
                "another version",
            ),
            (
                |place, name| {
                    fs::remove_file(place.sentinel(name)).unwrap();
                    symlink("/etc/passwd", place.sentinel(name)).unwrap();
                },
                "no file",
            ),
            (
                |place, name| {
                    fs::remove_file(place.sentinel(name)).unwrap();
                    fs::create_dir_all(place.sentinel(name).join("below")).unwrap();
                },
                "no file",
            ),
        ];
        for (plant, expected) in plants {
            let name = place.entry('a');
            plant(place, &name);
            let State::Invalid(why) = &place.listing().entries[0].state else {
                panic!("{expected}");
            };
            assert!(why.contains(expected), "{why}");
            assert_eq!(place.evict(&name), Outcome::Removed, "{expected}");
            assert_eq!(place.names("."), ["trash"], "{expected}");
        }
        assert!(Path::new("/etc/passwd").exists());
    });
}

#[test]
fn data_that_was_changed_or_not_written_before_the_host_went_down_is_doubtful() {
    everywhere(|place| {
        let name = place.entry('a');
        let state = || place.listing().entries[0].state.clone();
        let replace = |from: &str, to: &str| {
            let text = fs::read_to_string(place.sentinel(&name)).unwrap();
            assert!(text.contains(from));
            fs::write(place.sentinel(&name), text.replace(from, to)).unwrap();
        };
        replace(&boot(), "another");
        assert!(matches!(state(), State::Doubtful(why) if why.contains("on the disk")));
        replace("\"synced\":false", "\"synced\":true ");
        assert_eq!(state(), State::Valid);
        fs::write(place.root.join(&name).join("new"), "").unwrap();
        assert!(matches!(state(), State::Doubtful(why) if why.contains("changed")));
    });
}

#[test]
fn leavings_are_told_apart_and_removed_and_what_is_foreign_stays() {
    everywhere(|place| {
        let kept = place.entry('a');
        let (digest, _) = kept.split_once('-').unwrap();
        let gone = kept.replace('a', "c");
        let at = |name: &str| place.root.join(name);
        for directory in [
            "index",
            "staging/12.0/tree",
            "staging/13.0",
            "trash/odd/below",
        ] {
            fs::create_dir_all(at(directory)).unwrap();
        }
        fs::create_dir_all(at(&gone).join("half")).unwrap();
        for file in [".files", ".lock", ".complete.new", ".sfs"] {
            fs::write(at(&format!("{gone}{file}")), "x").unwrap();
        }
        let note = |digest: &str| format!(r#"{{"path":"/a","digest":"{digest}"}}"#);
        let [good, bad, odd] = ["1", "2", "3"].map(|digit| format!("index/{}", digit.repeat(32)));
        fs::write(at(&good), note(digest)).unwrap();
        fs::write(at(&bad), note(&digest.replace('a', "c"))).unwrap();
        fs::write(at(&odd), "garbage").unwrap();
        fs::write(at("index/x"), "").unwrap();
        fs::write(at("notes.txt"), "mine").unwrap();
        // Its builder is alive.
        let builder = File::create(at("staging/13.0/.lock")).unwrap();
        builder.lock().unwrap();

        let mut expected = vec![
            (gone.clone(), LeavingKind::Data),
            (format!("{gone}.sfs"), LeavingKind::Data),
            (format!("{gone}.files"), LeavingKind::List),
            (format!("{gone}.lock"), LeavingKind::Lock),
            (format!("{gone}.complete.new"), LeavingKind::Temporary),
            (bad, LeavingKind::Index),
            (odd, LeavingKind::Index),
            ("index/x".to_owned(), LeavingKind::Temporary),
            ("staging/12.0".to_owned(), LeavingKind::Staging),
            ("staging/13.0".to_owned(), LeavingKind::Staging),
            ("trash/odd".to_owned(), LeavingKind::Trash),
        ];
        let mut leavings = place.leavings();
        let by_name =
            |one: &(String, LeavingKind), other: &(String, LeavingKind)| one.0.cmp(&other.0);
        expected.sort_by(by_name);
        leavings.sort_by(by_name);
        assert_eq!(leavings, expected);
        let alive = place
            .listing()
            .leavings
            .into_iter()
            .filter(|leaving| leaving.is_alive);
        let alive: Vec<String> = alive.map(|leaving| leaving.name).collect();
        assert_eq!(alive, ["staging/13.0"]);

        let outcomes = place.remove_leavings();
        let busy = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Busy(_)));
        assert_eq!(busy.count(), 1, "{outcomes:?}");
        let removed = outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Removed);
        // The lock went with the data that it is of, as its holder's.
        assert!(removed.count() >= expected.len() - 2, "{outcomes:?}");
        assert_eq!(
            place.leavings(),
            [("staging/13.0".to_owned(), LeavingKind::Staging)]
        );
        drop(builder);
        assert_eq!(place.remove_leavings(), [Outcome::Removed]);
        assert_eq!(place.leavings(), []);
        assert_eq!(place.listing().entries[0].state, State::Valid);
        assert!(at(&good).exists() && at("notes.txt").exists());
    });
}

#[test]
fn data_that_has_a_sentinel_since_the_decision_stays() {
    everywhere(|place| {
        let name = place.entry('a');
        fs::remove_file(place.sentinel(&name)).unwrap();
        let decisions: Vec<Decision> = place
            .listing()
            .leavings
            .into_iter()
            .map(|leaving| Decision {
                name: leaving.name,
                target: Target::Leaving(leaving.kind),
                token: leaving.token,
            })
            .collect();
        assert_eq!(decisions.len(), 2);
        place.seal(&name, "tree");
        for removed in place.cache.remove(&decisions) {
            assert!(
                matches!(removed.outcome, Outcome::Changed(_)),
                "{removed:?}"
            );
        }
        assert_eq!(place.listing().entries[0].state, State::Valid);
        fs::remove_file(place.sentinel(&name)).unwrap();
        assert_eq!(
            place.remove_leavings(),
            [Outcome::Removed, Outcome::Removed]
        );
    });
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    everywhere(|place| {
        let canary = place.root.parent().unwrap().join("canary");
        fs::write(&canary, "alive").unwrap();
        fs::create_dir(place.root.join("trash")).unwrap();
        for (name, kind) in [
            ("../canary", LeavingKind::Temporary),
            ("trash/../../canary", LeavingKind::Trash),
            ("trash/..", LeavingKind::Trash),
            ("trash/", LeavingKind::Trash),
            ("index/../../canary", LeavingKind::Index),
            ("staging/../..", LeavingKind::Staging),
            ("index", LeavingKind::Data),
        ] {
            let outcome = place.outcome(Decision {
                name: name.to_owned(),
                target: Target::Leaving(kind),
                token: String::new(),
            });
            assert!(matches!(outcome, Outcome::Failed(_)), "{name}: {outcome:?}");
        }
        assert_eq!(fs::read(&canary).unwrap(), b"alive");
    });
}

#[test]
fn an_empty_cache_lists_nothing_and_nothing_is_made() {
    everywhere(|place| {
        let listing = place.listing();
        assert!(listing.entries.is_empty() && listing.leavings.is_empty());
        assert_eq!(listing.last_prune, None);
        assert_eq!(place.names("."), [""; 0]);
    });
}

#[test]
fn one_of_many_claims_a_prune_and_after_the_interval_one_again() {
    everywhere(|place| {
        let hour = Duration::from_secs(3600);
        let claims = || {
            let won = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        if place.cache.claim_prune(hour).unwrap() {
                            won.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            });
            won.into_inner()
        };
        assert_eq!(claims(), 1);
        assert_eq!(claims(), 0);
        let last = place.listing().last_prune.unwrap();
        assert!(last.elapsed().unwrap() < hour);
        let set = |time| {
            let file = File::options()
                .write(true)
                .open(place.root.join("last-prune"));
            file.unwrap().set_modified(time).unwrap();
        };
        set(SystemTime::now() - hour - hour);
        assert_eq!(claims(), 1);
        set(SystemTime::now() + hour);
        assert_eq!(claims(), 1, "a time in the future is none");

        let held = place.cache.lock_prune().unwrap();
        assert!(held.is_some());
        assert!(place.cache.lock_prune().unwrap().is_none());
        drop(held);
        assert!(place.cache.lock_prune().unwrap().is_some());
    });
}
