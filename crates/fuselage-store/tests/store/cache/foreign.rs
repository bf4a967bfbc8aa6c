//! Root's files in the cache of a user, as `sudo` leaves them.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use fuselage_store::open_home;

use super::{build, cache, content, entry, name, new_entry, path, why};
use crate::support::{USER, as_user, is_root, make, open_tempdir, set_mode};

/// Lets root do something to a cache of the user's that has an entry, and then the user look.
fn with_plants(plant: impl FnOnce(&Path), test: impl FnOnce(&fuselage_store::cache::Cache)) {
    let outside = open_tempdir();
    let place = outside.path().join("place");
    make(&place, USER, 0o700);
    as_user(USER, || drop(build(&cache(&place), "one")));
    plant(&place.join("home/cache").join(name().to_string()));
    as_user(USER, || {
        test(
            &open_home(&place.join("home"))
                .unwrap()
                .make_cache()
                .unwrap(),
        )
    });
}

fn end(path: &Path, end: &str) -> std::path::PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// What root does to the data of an entry, and what is said of the entry then.
type Plant = (fn(&Path), &'static str);

#[test]
fn files_of_roots_are_not_used_and_give_way() {
    if !is_root() {
        return;
    }
    let plants: [Plant; 4] = [
        (
            |data| chown(end(data, ".complete"), Some(0), Some(0)).unwrap(),
            "it cannot be read",
        ),
        (
            |data| {
                chown(end(data, ".complete"), Some(0), Some(0)).unwrap();
                set_mode(&end(data, ".complete"), 0o644);
            },
            "its sentinel is somebody else's",
        ),
        (
            |data| {
                fs::remove_dir_all(data).unwrap();
                fs::write(data, "").unwrap();
                fs::write(end(data, ".lock"), "").unwrap();
                set_mode(&end(data, ".lock"), 0o600);
            },
            "its data is of another kind",
        ),
        (
            |data| fs::remove_file(end(data, ".complete")).unwrap(),
            "it is not there",
        ),
    ];
    for (plant, said) in plants {
        with_plants(plant, |cache| {
            assert_eq!(why(cache.find(&name())), said);
            drop(build(cache, "two"));
            assert_eq!(content(&entry(cache.find(&name()))), "two", "{said}");
        });
    }
}

/// Only root can move it, since its `..` changes (rename(2)).
#[test]
fn a_directory_of_roots_is_an_error_and_nothing_else() {
    if !is_root() {
        return;
    }
    with_plants(
        |data| {
            chown(data, Some(0), Some(0)).unwrap();
            set_mode(data, 0o755);
        },
        |cache| {
            assert_eq!(why(cache.find(&name())), "its data is somebody else's");
            let lock = cache.try_build(name()).unwrap().unwrap();
            let staging = cache.stage().unwrap();
            staging.make_tree().unwrap();
            staging.make_list().unwrap();
            staging.publish(&lock, new_entry()).unwrap_err();
            assert!(path(cache, "").exists());
        },
    );
}
