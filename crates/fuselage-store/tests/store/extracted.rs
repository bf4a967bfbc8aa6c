//! Directories of runs without namespaces: made for one, kept while it is alive, swept then.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use fuselage_linux::process::{
    self, ExitKind, Forked, Signal, exit_now, fork, send_signal, wait_for,
};
use fuselage_store::{Home, LivingDirectory, open_home};

use crate::support::{USER, as_user, make, mode, open_tempdir, set_mode};

/// Runs `test` as the ordinary user with a home of its own, and the path of `extracted` in it.
fn with_home(test: impl FnOnce(&Home, &Path)) {
    let place = open_tempdir();
    let path = place.path().join("home");
    let user = match process::ids()[1] {
        0 => USER,
        own => own,
    };
    make(&path, user, 0o700);
    as_user(USER, || {
        let home = open_home(&path).unwrap();
        test(&home, &path.join("extracted"));
    });
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn name(made: &LivingDirectory) -> &str {
    made.path().file_name().unwrap().to_str().unwrap()
}

/// A directory of a run that is alive no more, with something in it.
fn leave(home: &Home, like: &str) {
    match fork().unwrap() {
        Forked::Child => {
            let made = home.make_extracted(like).unwrap();
            fs::create_dir(made.path().join("d")).unwrap();
            fs::write(made.path().join("d/f"), "x").unwrap();
            exit_now(0)
        }
        Forked::Parent(child) => drop(wait_for(child).unwrap()),
    }
}

#[test]
fn a_directory_is_private_and_gone_when_it_is_removed() {
    with_home(|home, all| {
        let made = home.make_extracted("77").unwrap();
        assert_eq!(made.path(), all.join("77"));
        assert_eq!((mode(all), mode(made.path())), (0o700, 0o700));
        fs::create_dir(made.path().join("d")).unwrap();
        fs::write(made.path().join("d/f"), "x").unwrap();
        set_mode(&made.path().join("d"), 0);
        made.remove().unwrap();
        assert!(names(all).is_empty());
    });
}

#[test]
fn a_name_that_is_taken_is_not_used_whatever_is_there() {
    with_home(|home, all| {
        let live = home.make_extracted("77").unwrap();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), all.join("77.1")).unwrap();
        fs::write(all.join("77.2"), "").unwrap();
        symlink("nowhere", all.join("77.3")).unwrap();
        fs::create_dir(all.join("77.4")).unwrap();
        let made = home.make_extracted("77").unwrap();
        assert_eq!(name(&made), "77.5");
        assert_eq!(names(made.path()), [".lock"]);
        assert!(names(outside.path()).is_empty());
        drop(live);
    });
}

#[test]
fn what_a_dead_run_left_is_swept_and_a_live_one_is_not() {
    with_home(|home, all| {
        leave(home, "1");
        leave(home, "2");
        set_mode(&all.join("2/d"), 0);
        set_mode(&all.join("2"), 0);
        let live = home.make_extracted("3").unwrap();
        fs::write(live.path().join("f"), "x").unwrap();
        let locked = home.make_extracted("4").unwrap();
        set_mode(locked.path(), 0);
        home.sweep_extracted();
        assert_eq!(names(all), ["3", "4"]);
        assert_eq!(names(live.path()), [".lock", "f"]);
        assert_eq!(mode(locked.path()), 0, "it is as it was");
        drop(live);
        home.sweep_extracted();
        assert_eq!(names(all), ["4"]);
    });
}

#[test]
fn a_run_is_alive_as_long_as_a_process_that_was_forked_from_it_has_it() {
    with_home(|home, all| {
        let made = home.make_extracted("5").unwrap();
        let child = match fork().unwrap() {
            Forked::Child => loop {
                std::thread::sleep(std::time::Duration::from_secs(9));
            },
            Forked::Parent(child) => child,
        };
        drop(made);
        home.sweep_extracted();
        assert_eq!(names(all), ["5"]);
        send_signal(child, Signal::SIGKILL);
        wait_for(child).unwrap();
        home.sweep_extracted();
        assert!(names(all).is_empty());
    });
}

#[test]
fn what_is_planted_is_not_followed() {
    with_home(|home, all| {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("file"), "mine").unwrap();
        set_mode(outside.path(), 0o500);
        leave(home, "1");
        symlink(outside.path(), all.join("1/link")).unwrap();
        symlink(outside.path(), all.join("2")).unwrap();
        fs::create_dir_all(all.join("3/x")).unwrap();
        symlink(outside.path().join("lock"), all.join("3/.lock")).unwrap();
        home.sweep_extracted();
        // A lock that is a link is nobody's, and that directory nobody's run.
        assert_eq!(names(all), ["2"]);
        assert_eq!(names(outside.path()), ["file"]);
        assert_eq!(mode(outside.path()), 0o500);
        set_mode(outside.path(), 0o700);
    });
}

#[test]
fn without_the_directory_there_is_nothing_to_sweep_and_nothing_is_made() {
    with_home(|home, all| {
        home.sweep_extracted();
        assert!(all.symlink_metadata().is_err());
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join("9")).unwrap();
        symlink(outside.path(), all).unwrap();
        home.sweep_extracted();
        assert_eq!(names(outside.path()), ["9"]);
        let refused = home.make_extracted("1").unwrap_err();
        assert_eq!(refused.code(), "ERR_HOME_UNUSABLE");
    });
}

/// The window between the making of a directory and its locking.
#[test]
fn makers_and_sweepers_at_the_same_time_do_each_other_no_harm() {
    with_home(|home, all| {
        let sweepers: Vec<_> = (0..2)
            .map(|_| match fork().unwrap() {
                Forked::Child => loop {
                    home.sweep_extracted();
                },
                Forked::Parent(child) => child,
            })
            .collect();
        let makers: Vec<_> = (0..3)
            .map(|_| match fork().unwrap() {
                Forked::Child => {
                    for _ in 0..150 {
                        let made = home.make_extracted("1").unwrap();
                        let file = made.path().join("f");
                        fs::write(&file, "x").unwrap();
                        std::thread::yield_now();
                        assert_eq!(fs::read(&file).unwrap(), b"x");
                        made.remove().unwrap();
                    }
                    exit_now(0)
                }
                Forked::Parent(child) => child,
            })
            .collect();
        let ends: Vec<_> = makers
            .iter()
            .map(|child| wait_for(*child).unwrap())
            .collect();
        for child in sweepers {
            send_signal(child, Signal::SIGKILL);
            wait_for(child).unwrap();
        }
        assert!(
            ends.iter().all(|end| *end == ExitKind::Exited(0)),
            "{ends:?}"
        );
        home.sweep_extracted();
        assert!(names(all).is_empty());
    });
}
