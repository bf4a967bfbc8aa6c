//! Nothing outside of a cache changes, whatever is put into it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use fuselage_store::cache::{Decision, LeavingKind, Outcome, Target};

use super::everywhere;

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
