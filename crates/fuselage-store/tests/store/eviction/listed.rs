//! What is no good entry is told apart, listed and removed.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use fuselage_store::cache::{LeavingKind, Outcome, State};

use super::{Place, boot, everywhere};

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
        let decisions = place.leaving_decisions();
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
