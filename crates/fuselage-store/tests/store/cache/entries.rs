//! Entries: found while they are as they were made, else built again.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use fuselage_linux::open::replace_umask;
use fuselage_store::cache::{Cache, EntryName, Found, Kind};

use super::{build, cache, content, count, entry, name, new_entry, path, why};
use crate::support::in_private_directory;

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
        let boot = built.sentinel().boot.clone();
        let sentinel = path(&cache, ".complete");
        let of_another_boot = || {
            let text = fs::read_to_string(&sentinel).unwrap();
            assert!(!boot.is_empty());
            fs::write(&sentinel, text.replace(&boot, &"0".repeat(boot.len()))).unwrap();
        };
        let inode = sentinel.metadata().unwrap().ino();
        let modified = sentinel.metadata().unwrap().modified().unwrap();
        built.mark_synced(cache.directory()).unwrap();
        assert_eq!(sentinel.metadata().unwrap().ino(), inode, "it stays locked");
        assert_eq!(sentinel.metadata().unwrap().modified().unwrap(), modified);
        of_another_boot();
        assert!(entry(cache.find(&name())).sentinel().synced);
        drop(built);
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
        (
            |cache| fs::remove_dir_all(path(cache, "")).unwrap(),
            "its data is gone",
        ),
        (
            |cache| {
                fs::remove_dir_all(path(cache, "")).unwrap();
                fs::write(path(cache, ""), "garbage").unwrap();
            },
            "its data is of another kind",
        ),
        (
            |cache| {
                fs::rename(path(cache, ""), path(cache, ".else")).unwrap();
                symlink(path(cache, ".else"), path(cache, "")).unwrap();
            },
            "its data is of another kind",
        ),
        (
            |cache| fs::remove_file(path(cache, ".complete")).unwrap(),
            "it is not there",
        ),
        (
            |cache| fs::write(path(cache, ".complete"), "").unwrap(),
            "its sentinel is damaged",
        ),
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
fn an_image_is_a_file_that_is_read() {
    in_private_directory(|place| {
        let cache = cache(place);
        let kind = Kind::Image;
        let name = EntryName { kind, ..name() };
        let lock = cache.try_build(name).unwrap().unwrap();
        let staging = cache.stage().unwrap();
        let snapshot = staging.make_snapshot().unwrap();
        std::io::Write::write_all(&mut &snapshot.writer, b"image").unwrap();
        drop(staging.publish(&lock, new_entry()).unwrap());
        let found = entry(cache.find(&name));
        assert_eq!(found.sentinel().list, None);
        assert!(found.path().ends_with(format!("{name}")));
        let mut data = fs::File::from(found.data().try_clone_to_owned().unwrap());
        assert_eq!(std::io::read_to_string(&mut data).unwrap(), "image");
        // A tree of the same digest is something else.
        let tree = EntryName {
            kind: Kind::Tree,
            ..name
        };
        assert_eq!(why(cache.find(&tree)), "it is not there");
        drop((found, lock));
        let whole = cache.path().join(name.to_string());
        fs::write(&whole, "imagf").unwrap();
        assert_eq!(why(cache.find(&name)), "it was copied or changed");
    });
}

#[test]
fn no_umask_changes_what_is_made() {
    in_private_directory(|place| {
        for umask in [0, 0o777, 0o022] {
            replace_umask(umask);
            let cache = cache(&place.join(umask.to_string()));
            let lock = cache.try_build(name()).unwrap().unwrap();
            let staging = cache.stage().unwrap();
            let tree = staging.make_tree().unwrap();
            std::io::Write::write_all(&mut staging.make_list().unwrap(), b"list").unwrap();
            drop((tree, staging.publish(&lock, new_entry()).unwrap(), lock));
            drop(entry(cache.find(&name())));
            let archive = fs::File::open("/proc/self/exe").unwrap();
            let archive_path = std::path::Path::new("/a");
            let later = SystemTime::now() + Duration::from_secs(10);
            let digest = name().digest;
            let is_noted = cache.index(archive_path, archive.as_fd(), later, &digest);
            assert!(is_noted.unwrap());
            assert_eq!(cache.indexed(archive_path, archive.as_fd()), Some(digest));
            for (end, expected) in [("", 0o700), (".complete", 0o600), (".files", 0o600)] {
                let mode = path(&cache, end).metadata().unwrap().mode() & 0o7777;
                assert_eq!(mode, expected, "{end} with umask {umask:o}");
            }
            for directory in ["", "staging", "index"] {
                let mode = cache.path().join(directory).metadata().unwrap().mode() & 0o7777;
                assert_eq!(mode, 0o700, "{directory} with umask {umask:o}");
            }
        }
    });
}

#[test]
fn a_tree_that_its_owner_may_not_write_is_an_entry_and_put_away() {
    in_private_directory(|place| {
        let cache = cache(place);
        for content in ["one", "two"] {
            let lock = cache.try_build(name()).unwrap().unwrap();
            let staging = cache.stage().unwrap();
            staging.make_tree().unwrap();
            let tree = staging.path().join("tree");
            fs::write(tree.join("file"), content).unwrap();
            fs::set_permissions(&tree, PermissionsExt::from_mode(0o555)).unwrap();
            staging.make_list().unwrap();
            drop(staging.publish(&lock, new_entry()).unwrap());
            let found = entry(cache.find(&name()));
            assert_eq!(super::content(&found), content);
            assert_eq!(found.path().metadata().unwrap().mode() & 0o777, 0o555);
        }
        // The list and the tree of the first, for who may still have it mounted.
        assert_eq!(count(&cache.path().join("trash")), 2);
    });
}

#[test]
fn descriptors_are_closed_by_exec() {
    in_private_directory(|place| {
        let cache = cache(place);
        let lock = cache.try_build(name()).unwrap().unwrap();
        let staging = cache.stage().unwrap();
        let tree = staging.make_tree().unwrap();
        let list = staging.make_list().unwrap();
        let snapshot = staging.make_snapshot().unwrap();
        let published = staging.publish(&lock, new_entry()).unwrap();
        let found = entry(cache.find(&name()));
        let held = [
            cache.directory(),
            tree.as_fd(),
            list.as_fd(),
            snapshot.writer.as_fd(),
            snapshot.reader.as_fd(),
            published.data(),
            published.lock(),
            found.data(),
            found.lock(),
        ];
        for descriptor in held {
            let flags = nix::fcntl::fcntl(descriptor, nix::fcntl::FcntlArg::F_GETFD).unwrap();
            assert_eq!(flags & nix::libc::FD_CLOEXEC, nix::libc::FD_CLOEXEC);
        }
    });
}
