//! Further caches, which are only read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use fuselage_store::cache::{Cache, Found, NewEntry};

use super::{entry, name, new_entry, path};
use crate::support::{USER, as_user, in_private_directory, is_root, make, open_tempdir, set_mode};

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
            fs::set_permissions(
                staging.path().join("tree"),
                PermissionsExt::from_mode(0o755),
            )
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
        assert!(
            matches!(other().find(&name()), Found::Doubtful(_)),
            "not on the disk"
        );
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

#[test]
fn directories_above_a_shared_cache_let_others_through() {
    in_private_directory(|place| {
        let shared = place.join("opt/ci/cache");
        let made = Cache::make_shared(&shared).unwrap();
        for path in [&shared, &place.join("opt/ci"), &place.join("opt")] {
            assert_eq!(crate::support::mode(path), 0o755, "{}", path.display());
        }
        assert_eq!(made.path(), shared);
        // One that is there keeps its mode.
        set_mode(&shared, 0o700);
        Cache::make_shared(&shared).unwrap();
        assert_eq!(crate::support::mode(&shared), 0o700);
    });
}

#[test]
fn who_could_change_a_further_cache_is_named() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let cases = [
        ("everybodys", 0, 0o777, Some("may be written by everybody")),
        ("sticky", 0, 0o1777, Some("may be written by everybody")),
        ("others", 4321, 0o755, Some("belongs to uid 4321")),
        ("roots", 0, 0o755, None),
        ("own", USER, 0o755, None),
        ("private", USER, 0o700, None),
    ];
    for (name, owner, mode, words) in cases {
        let path = outside.path().join(name);
        make(&path, owner, mode);
        as_user(USER, || match (Cache::open_other(&path), words) {
            (Ok(_), None) => {}
            (Err(error), Some(words)) => {
                let said = super::words(&error);
                assert!(said.contains(words), "{name}: {said}");
                assert_eq!(error.code(), "ERR_CACHE_UNUSABLE");
                let hints = error.hints().join(" ");
                assert!(
                    !hints.is_empty() && !hints.contains("FUSELAGE_HOME"),
                    "{hints}"
                );
            }
            (opened, _) => panic!("{name}: {opened:?}"),
        });
    }
    // On the way as well, and through a link of somebody else's.
    let below = outside.path().join("everybodys/below");
    make(&below, USER, 0o755);
    let link = outside.path().join("link");
    symlink(outside.path().join("roots"), &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(4321), Some(4321)).unwrap();
    as_user(USER, || {
        for path in [
            &below,
            &link,
            &outside.path().join("missing"),
            Path::new("own"),
        ] {
            Cache::open_other(path).unwrap_err();
        }
    });
}

#[test]
fn an_administrators_cache_is_read_by_a_user_and_never_written() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let shared = outside.path().join("cache");
    let made = Cache::make_shared(&shared).unwrap();
    let lock = made.try_build(name()).unwrap().unwrap();
    let staging = made.stage().unwrap();
    staging.make_tree().unwrap();
    fs::write(staging.path().join("tree/file"), "one").unwrap();
    staging.make_list().unwrap();
    let closed = true;
    let new = NewEntry {
        closed,
        ..new_entry()
    };
    let built = staging.publish(&lock, new).unwrap();
    built.mark_synced(made.directory()).unwrap();
    drop((built, lock));
    let finds = || {
        let mut is_found = false;
        as_user(USER, || {
            let cache = Cache::open_other(&shared).unwrap();
            let found = entry(cache.find(&name()));
            assert_eq!(super::content(&found), "one");
        });
        in_this_process(&shared, &mut is_found);
        assert!(is_found);
    };
    finds();
    // A copy of all of it, as an image of a container has it.
    let copy = outside.path().join("copy");
    std::process::Command::new("cp")
        .args(["-r", "--preserve=mode,ownership"])
        .args([&shared, &copy])
        .status()
        .unwrap();
    as_user(USER, || {
        drop(entry(Cache::open_other(&copy).unwrap().find(&name())))
    });
    // Somebody else's, each.
    for end in ["", ".complete", ".files"] {
        let path = path(&made, end);
        std::os::unix::fs::chown(&path, Some(4321), None).unwrap();
        as_user(USER, || {
            let found = Cache::open_other(&shared).unwrap().find(&name());
            assert!(!matches!(found, Found::Entry(_)), "{end}");
        });
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        finds();
    }
}

fn in_this_process(shared: &Path, is_found: &mut bool) {
    let found = Cache::open_other(shared).unwrap().find(&name());
    *is_found = matches!(found, Found::Entry(_));
}
