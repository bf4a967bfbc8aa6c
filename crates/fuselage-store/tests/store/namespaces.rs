//! Homes as other namespaces show them.

use std::path::Path;

use fuselage_linux::mount::bind_read_only;
use fuselage_linux::namespaces::{enter_mount_namespace, enter_user_namespace};
use fuselage_linux::own_directory::open_following_links;
use fuselage_linux::user_ids::overflow_uid;
use fuselage_store::{HomeState, inspect_home, open_home};
use std::os::fd::AsFd;

use crate::support::{
    USER, as_user, in_child, make, mode, open_tempdir, root_may_mount, set_mode,
    user_namespaces_work,
};

/// What `uid` finds at `home` inside a user namespace, after it was usable outside.
fn inside(uid: u32, home: &Path, expected: fn(&HomeState) -> bool) {
    as_user(uid, || {
        assert_eq!(inspect_home(home), HomeState::Usable, "outside");
        enter_user_namespace().unwrap();
        let state = inspect_home(home);
        assert!(expected(&state), "{state:?}");
        let opened = open_home(home);
        assert_eq!(opened.is_ok(), state == HomeState::Usable, "{opened:?}");
    });
}

#[test]
fn the_overflow_uid_proves_nothing_inside_a_user_namespace() {
    if !user_namespaces_work() {
        return;
    }
    let nobody = overflow_uid();
    let outside = open_tempdir();
    let home = outside.path().join("home");
    make(&home, nobody, 0o700);
    inside(
        nobody,
        &home,
        |state| matches!(state, HomeState::Foreign { why, .. } if why.contains("does not know")),
    );
}

#[test]
fn any_other_uid_does() {
    if !user_namespaces_work() {
        return;
    }
    let outside = open_tempdir();
    let home = outside.path().join("home");
    make(&home, USER, 0o700);
    inside(USER, &home, |state| *state == HomeState::Usable);
}

#[test]
fn a_read_only_file_system_holds_no_home() {
    if !root_may_mount() {
        return;
    }
    let outside = open_tempdir();
    let home = outside.path().join("home");
    drop(open_home(&home).unwrap());
    set_mode(&home, 0o755);
    in_child(|| {
        enter_mount_namespace().unwrap();
        let tree = open_following_links(outside.path()).unwrap();
        bind_read_only(tree.as_fd()).unwrap();
        for path in [home.clone(), outside.path().join("missing")] {
            let HomeState::Unusable { why } = inspect_home(&path) else {
                panic!("{}", path.display());
            };
            assert!(why.ends_with("is on a read-only file system"), "{why}");
            assert_eq!(open_home(&path).unwrap_err().code(), "ERR_HOME_UNUSABLE");
        }
    });
    assert_eq!(mode(&home), 0o755);
    open_home(&home).unwrap();
}
