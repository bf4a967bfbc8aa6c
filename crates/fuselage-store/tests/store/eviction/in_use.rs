//! What is in use stays, and goes when nobody uses it.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use fuselage_linux::file_lock;
use fuselage_linux::in_use::Sight;
use fuselage_store::cache::{LeavingKind, Outcome, State, Use};
use fuselage_testing::Daemon;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::support::{in_child, root_may_mount};

use super::{DAY, bind, everywhere};

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
