//! Who builds: one at a time, and the next one when it dies.

use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use fuselage_linux::file_lock::lock;
use fuselage_linux::process::{Forked, Signal, exit_now, fork, send_signal, wait_for};
use fuselage_store::cache::Found;

use super::{build, cache, cache as open_cache, content, count, entry, name, new_entry, path, why};
use crate::support::in_private_directory;

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
fn the_right_of_a_builder_that_is_killed_is_free() {
    in_private_directory(|place| {
        let cache = cache(place);
        let (reader, writer) = std::io::pipe().unwrap();
        let child = match fork().unwrap() {
            Forked::Child => {
                let _lock = cache.try_build(name()).unwrap().unwrap();
                let staging = cache.stage().unwrap();
                staging.make_tree().unwrap();
                drop(writer);
                loop {
                    std::thread::sleep(std::time::Duration::from_secs(9));
                }
            }
            Forked::Parent(child) => child,
        };
        drop(writer);
        std::io::read_to_string(reader).unwrap();
        assert!(cache.try_build(name()).unwrap().is_none(), "the twin");
        send_signal(child, Signal::SIGKILL);
        drop(cache.wait_to_build(name()).unwrap());
        wait_for(child).unwrap();
        drop(build(&cache, "one"));
        assert_eq!(content(&entry(cache.find(&name()))), "one");
        assert_eq!(
            count(&cache.path().join("staging")),
            0,
            "the next builder removes what it left"
        );
    });
}

#[test]
fn a_copy_in_a_forked_process_ends_nothing() {
    in_private_directory(|place| {
        let cache = cache(place);
        let lock = cache.try_build(name()).unwrap().unwrap();
        let staging = cache.stage().unwrap();
        match fork().unwrap() {
            Forked::Child => {
                drop(staging);
                drop(lock);
                exit_now(0)
            }
            Forked::Parent(child) => drop(wait_for(child).unwrap()),
        }
        assert!(cache.try_build(name()).unwrap().is_none());
        assert!(path(&cache, ".lock").exists());
        assert!(staging.path().exists());
        drop((staging, lock));
        assert_eq!(count(&cache.path().join("staging")), 0);
        assert!(!path(&cache, ".lock").exists());
    });
}

#[test]
fn a_lock_file_that_was_removed_by_hand_is_not_another_ones() {
    in_private_directory(|place| {
        let cache = cache(place);
        let first = cache.try_build(name()).unwrap().unwrap();
        fs::remove_file(path(&cache, ".lock")).unwrap();
        let second = cache.try_build(name()).unwrap().unwrap();
        drop(first);
        assert!(path(&cache, ".lock").exists());
        assert!(cache.try_build(name()).unwrap().is_none());
        drop(second);
    });
}

/// First runs, all at once, over garbage.
#[test]
fn of_many_at_once_one_builds_and_all_find_it() {
    in_private_directory(|place| {
        let cache = open_cache(place);
        fs::write(path(&cache, ".complete"), "garbage").unwrap();
        fs::write(path(&cache, ""), "garbage").unwrap();
        let (builds, barrier) = (AtomicUsize::new(0), Barrier::new(16));
        let start = || {
            let cache = open_cache(place);
            barrier.wait();
            if let Found::Entry(found) = cache.find(&name()) {
                return found;
            }
            let lock = cache.wait_to_build(name()).unwrap();
            if let Found::Entry(found) = cache.find(&name()) {
                return found;
            }
            builds.fetch_add(1, Ordering::Relaxed);
            let staging = cache.stage().unwrap();
            staging.make_tree().unwrap();
            fs::write(staging.path().join("tree/file"), "one").unwrap();
            staging.make_list().unwrap();
            staging.publish(&lock, new_entry()).unwrap()
        };
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
            for start in starts {
                assert_eq!(content(&start.join().unwrap()), "one");
            }
        });
        assert_eq!(builds.into_inner(), 1);
        assert_eq!(count(&cache.path().join("staging")), 0);
    });
}

#[test]
fn an_entry_that_is_being_taken_away_is_not_found() {
    in_private_directory(|place| {
        let cache = cache(place);
        drop(build(&cache, "one"));
        let sentinel = path(&cache, ".complete");
        let evictor = fs::File::options()
            .read(true)
            .write(true)
            .open(&sentinel)
            .unwrap();
        assert!(lock(&evictor).unwrap());
        assert_eq!(why(cache.find(&name())), "it is being taken away");
        drop(evictor);
        let held = entry(cache.find(&name()));
        let evictor = fs::File::open(&sentinel).unwrap();
        assert!(!lock(&evictor).unwrap(), "it is in use");
        drop(held);
        assert!(lock(&evictor).unwrap());
    });
}

#[test]
fn a_publication_that_fails_leaves_nothing_that_is_found() {
    in_private_directory(|place| {
        let cache = cache(place);
        let publish = |prepare: fn(&std::path::Path)| {
            let lock = cache.try_build(name()).unwrap().unwrap();
            let staging = cache.stage().unwrap();
            staging.make_list().unwrap();
            staging.make_tree().unwrap();
            prepare(staging.path());
            staging.publish(&lock, new_entry())
        };
        publish(|staging| fs::remove_file(staging.join("list")).unwrap()).unwrap_err();
        publish(|staging| fs::remove_dir(staging.join("tree")).unwrap()).unwrap_err();
        // Just before the sentinel.
        publish(|staging| fs::write(staging.join("sentinel"), "").unwrap()).unwrap_err();
        for end in ["", ".files", ".complete", ".lock"] {
            assert!(!path(&cache, end).exists(), "{end}");
        }
        publish(|_| {}).unwrap();
    });
}

#[test]
fn what_a_killed_builder_has_left_goes_with_the_next_build() {
    in_private_directory(|place| {
        let cache = cache(place);
        let living = cache.stage().unwrap();
        fs::write(living.path().join("mine"), "").unwrap();
        let left = cache.path().join("staging/1.0");
        fs::create_dir_all(left.join("tree/below")).unwrap();
        fs::write(left.join(".lock"), "").unwrap();
        fs::write(left.join("tree/below/file"), "").unwrap();
        drop(cache.stage().unwrap());
        assert!(!left.exists());
        assert!(living.path().join("mine").exists(), "its builder lives");
    });
}
