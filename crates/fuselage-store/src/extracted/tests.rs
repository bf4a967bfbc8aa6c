use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;
use crate::home::open_home;

/// A home, and what a run that was killed has left in it as the directory `name`.
fn with_leavings(name: &str) -> (tempfile::TempDir, Home, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let home = open_home(&outer.path().join("home")).unwrap();
    let made = home.make_extracted(name).unwrap();
    let path = made.path().to_owned();
    fs::create_dir_all(path.join("dynamic/t")).unwrap();
    (outer, home, path)
}

#[test]
fn leavings_are_swept_whatever_has_become_of_the_lock() {
    let plants: [fn(&Path); 4] = [
        |_| {},
        |lock| fs::remove_file(lock).unwrap(),
        |lock| {
            fs::remove_file(lock).unwrap();
            fs::create_dir_all(lock.join("below")).unwrap();
        },
        |lock| {
            fs::remove_file(lock).unwrap();
            symlink("/", lock).unwrap();
        },
    ];
    for plant in plants {
        let (_outer, home, path) = with_leavings("1");
        plant(&path.join(".lock"));
        home.sweep_extracted();
        assert!(!path.exists());
    }
}

#[test]
fn a_directory_is_removed_when_its_lock_is_another_directory() {
    let (_outer, home, _) = with_leavings("1");
    let made = home.make_extracted("2").unwrap();
    let lock = made.path().join(".lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir_all(lock.join("below")).unwrap();
    let path = made.path().to_owned();
    made.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn who_removes_and_who_sweeps_at_the_same_time_are_no_failure() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("home");
    let home = open_home(&path).unwrap();
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let home = open_home(&path).unwrap();
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    home.sweep_extracted();
                }
            });
        }
        let removed: Vec<io::Result<()>> = (0..200)
            .map(|_| home.make_extracted("1").unwrap().remove())
            .collect();
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
        for result in removed {
            result.unwrap();
        }
    });
    home.sweep_extracted();
    assert_eq!(fs::read_dir(path.join("extracted")).unwrap().count(), 0);
}
