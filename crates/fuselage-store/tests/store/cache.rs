//! Entries of the cache: built, found, and not found when something is wrong with them.

use std::fs;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use fuselage_archive::Digest;
use fuselage_store::cache::{Cache, Entry, EntryName, Found, Kind, NewEntry};
use fuselage_store::open_home;

use crate::support::in_private_directory;

fn name() -> EntryName {
    EntryName {
        digest: Digest::of(b"archive"),
        kind: Kind::Tree,
    }
}

fn new_entry() -> NewEntry {
    NewEntry {
        source: "a.zip".to_owned(),
        archive_format: "zip".to_owned(),
        archive_bytes: 7,
        entries: 2,
        bytes: 3,
        closed: false,
    }
}

fn cache(place: &Path) -> Cache {
    open_home(&place.join("home")).unwrap().make_cache().unwrap()
}

fn build(cache: &Cache, content: &str) -> Entry {
    let lock = cache.try_build(name()).unwrap().unwrap();
    let staging = cache.stage().unwrap();
    staging.make_tree().unwrap();
    fs::write(staging.path().join("tree/file"), content).unwrap();
    staging.make_list().unwrap().write_all(b"list").unwrap();
    staging.publish(&lock, new_entry()).unwrap()
}

fn entry(found: Found) -> Entry {
    match found {
        Found::Entry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

fn why(found: Found) -> &'static str {
    match found {
        Found::Nothing(why) | Found::Doubtful(why) => why,
        Found::Entry(entry) => panic!("{entry:?}"),
    }
}

fn path(cache: &Cache, end: &str) -> PathBuf {
    cache.path().join(format!("{}{end}", name()))
}

fn content(entry: &Entry) -> String {
    fs::read_to_string(entry.path().join("file")).unwrap()
}

#[test]
fn what_is_built_is_found_and_notes_that_it_is_used() {
    in_private_directory(|place| {
        let cache = cache(place);
        assert_eq!(why(cache.find(&name())), "it is not there");
        drop(build(&cache, "one"));
        let sentinel = path(&cache, ".complete");
        let facts = sentinel.metadata().unwrap();
        assert_eq!(facts.mode() & 0o7777, 0o600);
        let file = fs::File::open(&sentinel).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let found = entry(cache.find(&name()));
        assert_eq!(content(&found), "one");
        assert_eq!(found.sentinel().source, "a.zip");
        let age = file.metadata().unwrap().modified().unwrap().elapsed();
        assert!(age.unwrap() < Duration::from_secs(60));
        // Nothing else is left.
        for (directory, count) in [("staging", 0), ("", 4)] {
            let read = fs::read_dir(cache.path().join(directory)).unwrap();
            assert_eq!(read.count(), count, "{directory}");
        }
    });
}

#[test]
fn an_entry_is_used_in_later_runs_of_the_host_once_it_is_on_the_disk() {
    in_private_directory(|place| {
        let cache = cache(place);
        let built = build(&cache, "one");
        let sentinel = path(&cache, ".complete");
        let of_another_boot = || {
            let text = fs::read_to_string(&sentinel).unwrap();
            let boot = &built.sentinel().boot;
            assert!(!boot.is_empty());
            fs::write(&sentinel, text.replace(boot, &"0".repeat(boot.len()))).unwrap();
        };
        let inode = sentinel.metadata().unwrap().ino();
        let modified = sentinel.metadata().unwrap().modified().unwrap();
        built.mark_synced(cache.directory()).unwrap();
        assert_eq!(sentinel.metadata().unwrap().ino(), inode, "it stays locked");
        assert_eq!(sentinel.metadata().unwrap().modified().unwrap(), modified);
        of_another_boot();
        assert!(entry(cache.find(&name())).sentinel().synced);
        drop(build(&cache, "two"));
        of_another_boot();
        let Found::Doubtful(why) = cache.find(&name()) else {
            panic!("used")
        };
        assert_eq!(why, "the host was started again before it was on the disk");
    });
}

/// Each thing that can be wrong with an entry, how it is made so, and what is said.
type Damage = (fn(&Cache), &'static str);

#[test]
fn whatever_is_wrong_is_not_used_and_built_again() {
    let damages: [Damage; 12] = [
        (|cache| fs::remove_dir_all(path(cache, "")).unwrap(), "its data is gone"),
        (
            |cache| {
                fs::remove_dir_all(path(cache, "")).unwrap();
                fs::write(path(cache, ""), "garbage").unwrap();
            },
            "its data is gone",
        ),
        (
            |cache| {
                fs::rename(path(cache, ""), path(cache, ".else")).unwrap();
                symlink(path(cache, ".else"), path(cache, "")).unwrap();
            },
            "its data is gone",
        ),
        (|cache| fs::remove_file(path(cache, ".complete")).unwrap(), "it is not there"),
        (|cache| fs::write(path(cache, ".complete"), "").unwrap(), "its sentinel is damaged"),
        (
            |cache| fs::write(path(cache, ".complete"), [0xff; 100_000]).unwrap(),
            "its sentinel is damaged",
        ),
        (
            |cache| {
                let sentinel = path(cache, ".complete");
                let bytes = fs::read(&sentinel).unwrap();
                fs::write(&sentinel, &bytes[..bytes.len() / 2]).unwrap();
            },
            "its sentinel is damaged",
        ),
        (
            |cache| {
                let sentinel = path(cache, ".complete");
                let text = fs::read_to_string(&sentinel).unwrap();
                fs::write(&sentinel, text.replace("\"format\":1", "\"format\":2")).unwrap();
            },
            "its sentinel is that of something else",
        ),
        (
            |cache| {
                fs::remove_file(path(cache, ".complete")).unwrap();
                symlink("/etc/passwd", path(cache, ".complete")).unwrap();
            },
            "it cannot be read",
        ),
        (
            |cache| {
                fs::remove_file(path(cache, ".complete")).unwrap();
                fs::create_dir(path(cache, ".complete")).unwrap();
            },
            "it cannot be read",
        ),
        (
            |cache| fs::remove_file(path(cache, "").join("file")).unwrap(),
            "it was copied or changed",
        ),
        (
            |cache| {
                let (data, copy) = (path(cache, ""), path(cache, ".copy"));
                fs::create_dir(&copy).unwrap();
                fs::copy(data.join("file"), copy.join("file")).unwrap();
                fs::remove_dir_all(&data).unwrap();
                fs::rename(copy, data).unwrap();
            },
            "it was copied or changed",
        ),
    ];
    in_private_directory(|place| {
        let cache = cache(place);
        for (damage, said) in damages {
            drop(build(&cache, "one"));
            assert_eq!(content(&entry(cache.find(&name()))), "one", "the twin");
            damage(&cache);
            assert_eq!(why(cache.find(&name())), said);
            drop(build(&cache, "two"));
            assert_eq!(content(&entry(cache.find(&name()))), "two", "{said}");
        }
    });
}

#[test]
fn nothing_is_written_through_a_planted_link() {
    in_private_directory(|place| {
        let cache = cache(place);
        let canary = place.join("canary");
        fs::write(&canary, "alive").unwrap();
        for end in [".complete", ".files", ".lock", ""] {
            symlink(&canary, path(&cache, end)).unwrap();
        }
        let archive = place.join("a.zip");
        fs::write(&archive, "x").unwrap();
        let file = fs::File::open(&archive).unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        let digest = name().digest;
        assert!(cache.index(&archive, file.as_fd(), later, &digest).unwrap());
        for entry in fs::read_dir(cache.path().join("index")).unwrap() {
            let path = entry.unwrap().path();
            fs::remove_file(&path).unwrap();
            symlink(&canary, path).unwrap();
        }
        assert_eq!(cache.indexed(&archive, file.as_fd()), None);
        assert!(cache.index(&archive, file.as_fd(), later, &digest).unwrap());
        assert_eq!(cache.indexed(&archive, file.as_fd()), Some(digest));
        drop(build(&cache, "one"));
        assert_eq!(content(&entry(cache.find(&name()))), "one");
        assert_eq!(fs::read_to_string(&canary).unwrap(), "alive");
        assert_eq!(canary.metadata().unwrap().mode() & 0o777, 0o644);
    });
}

#[test]
fn a_file_is_known_again_until_it_changes() {
    in_private_directory(|place| {
        let cache = cache(place);
        let archive = place.join("a.zip");
        fs::write(&archive, "one").unwrap();
        let open = || fs::File::open(&archive).unwrap();
        let digest = name().digest;
        let now = SystemTime::now();
        let index = |at| cache.index(&archive, open().as_fd(), at, &digest).unwrap();
        assert!(!index(now), "it may change in the same instant");
        assert_eq!(cache.indexed(&archive, open().as_fd()), None);
        assert!(index(now + Duration::from_secs(3)));
        assert_eq!(cache.indexed(&archive, open().as_fd()), Some(digest));
        assert_eq!(cache.indexed(&place.join("b.zip"), open().as_fd()), None);
        // The same size, and its old time.
        let modified = archive.metadata().unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&archive, "two").unwrap();
        open().set_modified(modified).unwrap();
        assert_eq!(cache.indexed(&archive, open().as_fd()), None);
    });
}

#[test]
fn one_builds_and_its_right_goes_with_it() {
    in_private_directory(|place| {
        let cache = cache(place);
        let first = cache.try_build(name()).unwrap().unwrap();
        assert!(cache.try_build(name()).unwrap().is_none());
        drop(first);
        assert!(!path(&cache, ".lock").exists());
        let second = cache.wait_to_build(name()).unwrap();
        assert_eq!(second.name(), name());
    });
}

#[test]
fn what_a_run_starts_with_is_not_replaced_under_it() {
    in_private_directory(|place| {
        let cache = cache(place);
        drop(build(&cache, "one"));
        let held = entry(cache.find(&name()));
        let lock = cache.try_build(name()).unwrap().unwrap();
        let staging = cache.stage().unwrap();
        staging.make_tree().unwrap();
        staging.make_list().unwrap();
        let error = staging.publish(&lock, new_entry()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
        assert_eq!(content(&held), "one");
        drop(held);
        let staging = cache.stage().unwrap();
        staging.make_tree().unwrap();
        staging.make_list().unwrap();
        staging.publish(&lock, new_entry()).unwrap();
    });
}

#[test]
fn a_further_cache_is_trusted_if_nobody_else_can_change_it() {
    in_private_directory(|place| {
        let shared = place.join("shared");
        let made = Cache::make_shared(&shared).unwrap();
        assert_eq!(shared.metadata().unwrap().mode() & 0o777, 0o755);
        let lock = made.try_build(name()).unwrap().unwrap();
        let build = |closed| {
            let staging = made.stage().unwrap();
            staging.make_tree().unwrap();
            fs::set_permissions(staging.path().join("tree"), PermissionsExt::from_mode(0o755))
                .unwrap();
            staging.make_list().unwrap();
            let entry = NewEntry {
                closed,
                ..new_entry()
            };
            staging.publish(&lock, entry).unwrap()
        };
        drop(build(true));
        let other = || Cache::open_other(&shared).unwrap();
        assert!(matches!(other().find(&name()), Found::Doubtful(_)), "not on the disk");
        build(true).mark_synced(made.directory()).unwrap();
        let sentinel = path(&made, ".complete");
        let before = sentinel.metadata().unwrap().modified().unwrap();
        drop(entry(other().find(&name())));
        assert_eq!(sentinel.metadata().unwrap().modified().unwrap(), before);
        let open_to_all = |path: &Path, mode| {
            let old = path.metadata().unwrap().permissions();
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
            let found = Cache::open_other(&shared).map(|cache| cache.find(&name()));
            fs::set_permissions(path, old).unwrap();
            !matches!(found, Ok(Found::Entry(_)))
        };
        assert!(open_to_all(&shared, 0o777));
        assert!(open_to_all(&path(&made, ""), 0o775));
        assert!(open_to_all(&sentinel, 0o666));
        drop(entry(other().find(&name())));
        build(false).mark_synced(made.directory()).unwrap();
        assert!(matches!(other().find(&name()), Found::Doubtful(_)));
    });
}
