//! The way to the home: only root and the user may be able to change where it leads.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fuselage_linux::process::{Forked, Signal, exit_now, fork, send_signal, wait_for};
use fuselage_store::{HomeState, inspect_fallback, inspect_home, open_fallback, open_home};
use fuselage_testing::become_user;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::home::{names, refused, why};
use crate::support::{USER, as_user, is_root, make, mode, open_tempdir, set_mode};

/// Another user, who attacks.
const ATTACKER: u32 = 4321;

fn make_in_group(path: &Path, owner: u32, group: u32, mode: u32) {
    fs::create_dir(path).unwrap();
    std::os::unix::fs::chown(path, Some(owner), Some(group)).unwrap();
    set_mode(path, mode);
}

fn link(path: &Path, owner: u32, target: &Path) {
    symlink(target, path).unwrap();
    lchown(path, Some(owner), Some(owner)).unwrap();
}

/// A directory of root's, in which nobody else may make anything.
fn roots_own(outside: &Path) -> PathBuf {
    let private = outside.join("private");
    make(&private, 0, 0o755);
    private
}

/// A directory of the user's own.
fn users_own(outside: &Path) -> PathBuf {
    let login = outside.join("login");
    make(&login, USER, 0o755);
    login
}

#[test]
fn root_is_not_led_by_a_user_to_a_directory_of_roots() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let private = roots_own(outside.path());
    let login = users_own(outside.path());
    link(&login.join(".fuselage"), USER, &private);
    link(&login.join("roots"), 0, &private);
    for home in [".fuselage", ".fuselage/deep/home", "roots"] {
        let home = login.join(home);
        assert!(matches!(
            inspect_home(&home),
            HomeState::Foreign { owner: USER, .. }
        ));
        assert_eq!(refused(&home).0, "ERR_HOME_OWNER");
    }
    assert_eq!(mode(&private), 0o755);
    assert!(names(&private).is_empty());
    // The twin: the same link in a directory of root's.
    link(&outside.path().join("own"), 0, &private);
    open_home(&outside.path().join("own")).unwrap();
    assert_eq!(mode(&private), 0o700);
}

#[test]
fn root_follows_no_link_of_a_user_in_a_directory_for_everybody() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let private = roots_own(outside.path());
    let everybodys = outside.path().join("tmp");
    make(&everybodys, 0, 0o1777);
    let home = everybodys.join("home");
    link(&home, USER, &private);
    assert_eq!(refused(&home).0, "ERR_HOME_OWNER");
    fs::remove_file(&home).unwrap();
    // Made by somebody else before root comes.
    make(&home, USER, 0o700);
    assert_eq!(refused(&home).0, "ERR_HOME_OWNER");
    assert_eq!(refused(&home.join("deep")).0, "ERR_HOME_OWNER");
    assert!(names(&home).is_empty());
    fs::remove_dir(&home).unwrap();
    // The twins: a link of root's, and a new directory.
    link(&everybodys.join("link"), 0, &private);
    open_home(&everybodys.join("link")).unwrap();
    open_home(&home.join("deep")).unwrap();
}

#[test]
fn a_user_is_not_led_by_another_one() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let own = outside.path().join("own");
    make(&own, USER, 0o755);
    let cases = [
        ("others", ATTACKER, ATTACKER, 0o755, "belongs to uid 4321"),
        ("open", USER, USER, 0o777, "may be written by everybody"),
        ("roots", 0, 0, 0o777, "may be written by everybody"),
        ("group", USER, 50, 0o775, "the group with gid 50"),
        // Root shares it among the group of this user.
        ("shared", 0, USER, 0o775, "the group with gid 12345"),
    ];
    for (name, owner, group, mode, words) in cases {
        let way = outside.path().join(name);
        make_in_group(&way, owner, group, mode);
        make(&way.join("home"), USER, 0o700);
        as_user(USER, || {
            for home in [way.join("home"), way.join("missing/home")] {
                let state = inspect_home(&home);
                assert!(matches!(state, HomeState::Unusable { .. }), "{state:?}");
                let said = why(state);
                assert!(said.contains(words) && said.contains("replace"), "{said}");
                assert_eq!(refused(&home).0, "ERR_HOME_UNUSABLE");
            }
        });
        assert_eq!(names(&way), ["home"]);
        assert!(names(&way.join("home")).is_empty());
    }
    link(&own.join("theirs"), ATTACKER, &own);
    as_user(USER, || {
        let state = why(inspect_home(&own.join("theirs/home")));
        assert!(state.contains("theirs belongs to uid 4321"), "{state}");
    });
}

#[test]
fn what_only_root_and_the_user_can_change_is_a_way() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    for (name, owner, group, mode) in [
        ("roots", 0, 0, 0o755),
        ("wheel", 0, 0, 0o775),
        ("tmp", 0, 0, 0o1777),
        ("own", USER, USER, 0o755),
        // umask 002, each user with a group of its own.
        ("usergroup", USER, USER, 0o775),
        ("owntmp", USER, 50, 0o1777),
    ] {
        let way = outside.path().join(name);
        make_in_group(&way, owner, group, mode);
        make(&way.join("login"), USER, 0o755);
        as_user(USER, || {
            let home = way.join("login/home");
            assert_eq!(inspect_home(&home), HomeState::Creatable, "{name}");
            open_home(&home).unwrap().procdirs().unwrap();
            assert_eq!(inspect_home(&home), HomeState::Usable, "{name}");
        });
    }
    // As /var/run is a link to /run; and one that the user has made.
    let own = outside.path().join("own");
    link(&outside.path().join("var"), 0, &own);
    link(&own.join("here"), USER, Path::new("login/../../own/login"));
    as_user(USER, || {
        for home in ["var/login/home", "own/here/home", "var/here/../login/home"] {
            let home = outside.path().join(home);
            assert_eq!(inspect_home(&home), HomeState::Usable, "{}", home.display());
            open_home(&home).unwrap().procdirs().unwrap();
        }
    });
}

#[test]
fn links_without_end_are_an_error() {
    let outside = open_tempdir();
    symlink("b", outside.path().join("a")).unwrap();
    symlink("a", outside.path().join("b")).unwrap();
    let state = why(inspect_home(&outside.path().join("a/home")));
    assert!(state.contains("too many symbolic links"), "{state}");
    // Forty are followed, as the kernel does.
    fs::create_dir(outside.path().join("l0")).unwrap();
    for number in 1..=41 {
        symlink(
            format!("l{}", number - 1),
            outside.path().join(format!("l{number}")),
        )
        .unwrap();
    }
    open_home(&outside.path().join("l40/home")).unwrap();
    refused(&outside.path().join("l41/home"));
}

#[test]
fn the_fallback_is_roots_or_the_users_and_no_link() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let place = outside.path().join("fuselage");
    assert!(inspect_fallback(&place).is_err());
    assert!(!place.exists());
    open_fallback(&place).unwrap();
    assert_eq!(mode(&place), 0o700);
    inspect_fallback(&place).unwrap();
    as_user(USER, || {
        inspect_fallback(&place).unwrap();
        open_fallback(&place).unwrap();
        let error = open_fallback(&outside.path().join("other")).unwrap_err();
        assert!(error.to_string().contains("other"));
    });
    let theirs = outside.path().join("theirs");
    make(&theirs, ATTACKER, 0o755);
    for spoilt in [theirs.clone(), theirs.join("below")] {
        assert_eq!(open_fallback(&spoilt).unwrap_err().code(), "ERR_HOME_OWNER");
    }
    link(&outside.path().join("link"), 0, &place);
    assert!(open_fallback(&outside.path().join("link")).is_err());
    for spoilt in [theirs, outside.path().join("link")] {
        let opened = open_fallback(&spoilt).unwrap_err();
        let looked_at = inspect_fallback(&spoilt).unwrap_err();
        assert_eq!(format!("{looked_at:?}"), format!("{opened:?}"));
    }
    let missing = outside.path().join("missing");
    let error = open_fallback(&missing.join("below")).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, format!("{} is missing", missing.display()));
}

/// Swaps two names, again and again, as `uid`, while `body` runs for `time`.
fn while_swapped(uid: u32, one: &Path, other: &Path, time: Duration, mut body: impl FnMut()) {
    let swapper = match fork().unwrap() {
        Forked::Child => {
            become_user(uid);
            let flags = RenameFlags::RENAME_EXCHANGE;
            while renameat2(AT_FDCWD, one, AT_FDCWD, other, flags).is_ok() {}
            exit_now(1)
        }
        Forked::Parent(child) => child,
    };
    let end = Instant::now() + time;
    while Instant::now() < end {
        body();
    }
    send_signal(swapper, Signal::SIGKILL);
    let ended = wait_for(swapper).unwrap();
    assert_eq!(
        ended,
        fuselage_linux::process::ExitKind::Signaled(Signal::SIGKILL),
        "it could not swap them"
    );
}

#[test]
fn a_race_of_a_user_never_leads_root() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let private = roots_own(outside.path());
    let login = users_own(outside.path());
    let (home, swap) = (login.join(".fuselage"), login.join("swap"));
    link(&home, USER, &private);
    make(&swap, USER, 0o777);
    while_swapped(USER, &home, &swap, Duration::from_secs(1), || {
        assert_eq!(open_home(&home).unwrap_err().code(), "ERR_HOME_OWNER");
        assert_eq!(
            open_home(&home.join("below")).unwrap_err().code(),
            "ERR_HOME_OWNER"
        );
    });
    assert_eq!(mode(&private), 0o755);
    assert!(names(&private).is_empty());
}

#[test]
fn a_race_of_the_owner_ends_in_one_of_the_two_homes() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let login = users_own(outside.path());
    let (home, swap) = (login.join(".fuselage"), login.join("swap"));
    for path in [&home, &swap] {
        make(path, USER, 0o700);
    }
    let mut opened = 0;
    while_swapped(USER, &home, &swap, Duration::from_secs(1), || {
        as_user(USER, || drop(open_home(&home).unwrap().procdirs().unwrap()));
        opened += 1;
    });
    assert!(opened > 0);
    for path in [&home, &swap] {
        assert!(names(path).iter().all(|name| name == "procdirs"));
        fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    }
}
