//! What somebody has put where the cache has its files: never followed (weakness A3), and put away.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, SystemTime};

use super::{build, cache, content, count, entry, name, path};
use crate::support::in_private_directory;

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
fn a_directory_that_is_a_link_is_an_error_and_nothing_is_made_behind_it() {
    in_private_directory(|place| {
        let cache = cache(place);
        let outside = place.join("outside");
        fs::create_dir(&outside).unwrap();
        let archive = place.join("a.zip");
        fs::write(&archive, "x").unwrap();
        let file = fs::File::open(&archive).unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        let index = || cache.index(&archive, file.as_fd(), later, &name().digest);
        assert!(index().unwrap());
        // The note of the twin, behind the link.
        fs::rename(cache.path().join("index"), outside.join("index")).unwrap();
        for directory in ["staging", "trash", "index"] {
            let target = outside.join(directory);
            let _ = fs::create_dir(&target);
            symlink(&target, cache.path().join(directory)).unwrap();
        }
        let error = cache.stage().unwrap_err();
        let said = super::words(&error);
        assert!(said.contains("is a symbolic link"), "{said}");
        assert!(index().is_err());
        assert_eq!(cache.indexed(&archive, file.as_fd()), None);
        fs::remove_file(cache.path().join("staging")).unwrap();
        drop(build(&cache, "one"));
        let lock = cache.try_build(name()).unwrap().unwrap();
        let staging = cache.stage().unwrap();
        staging.make_tree().unwrap();
        staging.make_list().unwrap();
        staging.publish(&lock, super::new_entry()).unwrap_err();
        assert_eq!(
            ["staging", "trash", "index"].map(|name| count(&outside.join(name))),
            [0, 0, 1]
        );
    });
}

#[test]
fn a_cache_that_is_a_link_is_none() {
    in_private_directory(|place| {
        let home = fuselage_store::open_home(&place.join("home")).unwrap();
        let outside = place.join("outside");
        fs::create_dir(&outside).unwrap();
        let cache = place.join("home/cache");
        symlink(&outside, &cache).unwrap();
        let error = home.make_cache().unwrap_err();
        let said = super::words(&error);
        assert!(said.contains("is a symbolic link"), "{said}");
        assert!(home.cache().is_none());
        fs::remove_file(&cache).unwrap();
        assert!(home.cache().is_none(), "it is not made");
        assert!(home.make_cache().is_ok(), "the twin");
        assert!(home.cache().is_some());
        assert_eq!(cache.metadata().unwrap().mode() & 0o7777, 0o700);
    });
}

#[test]
fn whatever_is_in_the_place_of_a_file_is_put_away() {
    in_private_directory(|place| {
        let cache = cache(place);
        for end in ["", ".complete", ".files", ".lock"] {
            fs::create_dir_all(path(&cache, end).join("below")).unwrap();
        }
        drop(build(&cache, "one"));
        assert_eq!(content(&entry(cache.find(&name()))), "one");
        for end in ["", ".complete", ".files", ".lock"] {
            let fifo = path(&cache, end);
            let _ = fs::remove_file(&fifo);
            let _ = fs::remove_dir_all(&fifo);
            nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        drop(build(&cache, "two"));
        assert_eq!(content(&entry(cache.find(&name()))), "two");
    });
}
