//! Homes of this user, of others, and things that are no home.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use crate::support::{USER, as_user, is_root, make, mode, open_tempdir, set_mode};
use fuselage_linux::process::ids;
use fuselage_store::{HomeState, inspect_home, open_home};

pub(crate) fn why(state: HomeState) -> String {
    match state {
        HomeState::Foreign { why, .. }
        | HomeState::LockedOut { why }
        | HomeState::Unusable { why } => why,
        usable => panic!("{usable:?}"),
    }
}

pub(crate) fn refused(path: &Path) -> (&'static str, String) {
    let error = open_home(path).unwrap_err();
    assert!(!error.hints().is_empty());
    let reason = std::error::Error::source(&error).unwrap().to_string();
    (error.code(), reason)
}

pub(crate) fn names(path: &Path) -> Vec<String> {
    fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_missing_home_is_made_with_its_parents() {
    let outside = open_tempdir();
    let home = outside.path().join("above/home");
    assert_eq!(inspect_home(&home), HomeState::Creatable);
    assert!(names(outside.path()).is_empty(), "looking makes nothing");
    open_home(&home).unwrap().procdirs().unwrap();
    for made in ["above", "above/home", "above/home/procdirs"] {
        assert_eq!(mode(&outside.path().join(made)), 0o700, "{made}");
    }
    assert_eq!(inspect_home(&home), HomeState::Usable);
}

#[test]
fn the_way_back_from_what_is_missing_is_none() {
    let outside = open_tempdir();
    make(&outside.path().join("there"), ids()[0], 0o755);
    let missing = outside.path().join("new");
    for home in ["new/../home", "new/..", "new/deep/../../there/home"] {
        let home = outside.path().join(home);
        let expected = format!("{} is missing", missing.display());
        assert_eq!(why(inspect_home(&home)), expected, "{}", home.display());
        assert_eq!(refused(&home), ("ERR_HOME_UNUSABLE", expected));
        assert_eq!(names(outside.path()), ["there"], "nothing is left");
    }
    // The twin: there is a way back from what is there.
    let home = outside.path().join("there/../home");
    assert_eq!(inspect_home(&home), HomeState::Creatable);
    open_home(&home).unwrap();
    assert_eq!(mode(&outside.path().join("home")), 0o700);
}

#[test]
fn access_of_others_to_a_home_is_taken_away() {
    let outside = open_tempdir();
    let home = outside.path().join("home");
    make(&home, ids()[0], 0o777);
    assert_eq!(inspect_home(&home), HomeState::Usable);
    assert_eq!(mode(&home), 0o777, "looking changes nothing");
    let opened = open_home(&home).unwrap();
    assert_eq!(mode(&home), 0o700);
    drop(opened.procdirs().unwrap());
    // Whatever an older version left there, it is ours: the home was private.
    set_mode(&home.join("procdirs"), 0o755);
    fs::create_dir(home.join("procdirs/4711")).unwrap();
    opened.procdirs().unwrap();
    assert_eq!(mode(&home.join("procdirs")), 0o700);
    // And a home in use may have been opened up.
    set_mode(&home, 0o750);
    open_home(&home).unwrap();
    assert_eq!(mode(&home), 0o700);
}

#[test]
fn a_directory_that_serves_something_else_keeps_its_mode() {
    let outside = open_tempdir();
    let login = outside.path().join("login");
    make(&login, ids()[0], 0o755);
    fs::write(login.join("notes.txt"), "").unwrap();
    let sticky = outside.path().join("sticky");
    make(&sticky, ids()[0], 0o1777);
    for (path, before) in [(&login, 0o755), (&sticky, 0o1777)] {
        assert!(why(inspect_home(path)).contains("open to other users"));
        assert_eq!(refused(path).0, "ERR_HOME_UNUSABLE");
        assert_eq!(mode(path), before);
    }
    // The twin: its owner made it private, so nothing has to be taken away.
    set_mode(&login, 0o700);
    open_home(&login).unwrap();
}

#[test]
fn a_file_is_no_home_and_nothing_is_below_it() {
    let outside = open_tempdir();
    let file = outside.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("home"), file.join("above/home")] {
        let (code, reason) = refused(&path);
        assert_eq!(code, "ERR_HOME_UNUSABLE");
        assert_eq!(reason, format!("{} is not a directory", file.display()));
        assert_eq!(why(inspect_home(&path)), reason);
    }
}

#[test]
fn a_mode_that_locks_its_owner_out_is_said_and_not_passed_over() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let home = outside.path().join("home");
    make(&home, USER, 0o700);
    as_user(USER, || drop(open_home(&home).unwrap().procdirs().unwrap()));
    for bad in [0o000, 0o400, 0o500, 0o300, 0o077] {
        set_mode(&home, bad);
        as_user(USER, || {
            let said = format!("the mode {bad:04o} of {}", home.display());
            let state = inspect_home(&home);
            assert!(matches!(state, HomeState::LockedOut { .. }), "{state:?}");
            assert!(why(state).starts_with(&said));
            let error = open_home(&home).unwrap_err();
            assert_eq!(error.code(), "ERR_HOME_UNUSABLE");
            assert_eq!(error.hints(), [format!("chmod 0700 {}", home.display())]);
        });
        assert_eq!(mode(&home), bad);
    }
    // The twin, after the fix; what nobody keeps anything in is mended.
    set_mode(&home, 0o700);
    for bad in [0o000, 0o500, 0o077] {
        set_mode(&home.join("procdirs"), bad);
        as_user(USER, || {
            assert_eq!(inspect_home(&home), HomeState::Usable);
            open_home(&home).unwrap().procdirs().unwrap();
        });
        assert_eq!(mode(&home.join("procdirs")), 0o700);
    }
}

#[test]
fn what_is_made_is_its_owners_whatever_the_umask() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let own = outside.path().join("own");
    make(&own, USER, 0o755);
    let home = own.join("above/home");
    as_user(USER, || {
        fuselage_linux::open::replace_umask(0o777);
        open_home(&home).unwrap().procdirs().unwrap();
    });
    for made in [home.join(".."), home.clone(), home.join("procdirs")] {
        assert_eq!(mode(&made), 0o700, "{}", made.display());
    }
}

#[test]
fn a_relative_home_is_refused() {
    assert_eq!(refused(Path::new("home")).0, "ERR_HOME_RELATIVE");
    assert!(why(inspect_home(Path::new("home"))).contains("relative"));
}

#[test]
fn a_link_to_a_home_is_followed_and_one_to_nowhere_is_not_made() {
    let outside = open_tempdir();
    let link = outside.path().join("link");
    symlink("elsewhere/home", &link).unwrap();
    assert!(why(inspect_home(&link)).contains("leads nowhere"));
    assert_eq!(refused(&link).0, "ERR_HOME_UNUSABLE");
    assert_eq!(names(outside.path()), ["link"]);
    fs::create_dir_all(outside.path().join("elsewhere/home")).unwrap();
    open_home(&link).unwrap().procdirs().unwrap();
    assert_eq!(mode(&outside.path().join("elsewhere/home")), 0o700);
    // A directory above it that is missing behind a link is made where the link leads.
    assert_eq!(
        inspect_home(&link.join("deep/deeper")),
        HomeState::Creatable
    );
    open_home(&link.join("deep/deeper")).unwrap();
    assert_eq!(
        mode(&outside.path().join("elsewhere/home/deep/deeper")),
        0o700
    );
}

#[test]
fn procdirs_is_never_a_link_or_a_file() {
    let outside = open_tempdir();
    let home = outside.path().join("home");
    let target = outside.path().join("target");
    make(&target, ids()[0], 0o755);
    let opened = open_home(&home).unwrap();
    symlink(&target, home.join("procdirs")).unwrap();
    let error = opened.procdirs().unwrap_err();
    assert_eq!(error.code(), "ERR_HOME_UNUSABLE");
    assert!(why(inspect_home(&home)).contains("procdirs is a symbolic link"));
    assert_eq!(mode(&target), 0o755, "nothing behind the link is changed");
    fs::remove_file(home.join("procdirs")).unwrap();
    fs::write(home.join("procdirs"), "").unwrap();
    opened.procdirs().unwrap_err();
    assert!(why(inspect_home(&home)).contains("procdirs is not a directory"));
    fs::remove_file(home.join("procdirs")).unwrap();
    opened.procdirs().unwrap();
}

#[test]
fn everybody_who_starts_at_once_succeeds() {
    for round in 0..200 {
        let outside = open_tempdir();
        let home = outside.path().join(format!("above/{round}/home"));
        let together = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    open_home(&home).unwrap().procdirs().unwrap();
                });
            }
        });
    }
}

#[test]
fn an_ordinary_user_makes_and_uses_a_home() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let own = outside.path().join("own");
    make(&own, USER, 0o755);
    as_user(USER, || {
        let home = own.join(".fuselage");
        assert_eq!(inspect_home(&home), HomeState::Creatable);
        open_home(&home).unwrap().procdirs().unwrap();
        assert_eq!(mode(&home), 0o700);
        assert_eq!(inspect_home(&home), HomeState::Usable);
    });
    assert_eq!(fs::metadata(own.join(".fuselage")).unwrap().uid(), USER);
}

#[test]
fn a_home_of_somebody_else_is_left_alone() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let roots = outside.path().join("roots");
    make(&roots, 0, 0o777);
    let users = outside.path().join("users");
    make(&users, USER, 0o777);
    as_user(USER, || {
        let (code, reason) = refused(&roots);
        assert_eq!(code, "ERR_HOME_OWNER");
        assert!(reason.contains("belongs to uid 0, and this is uid 12345"));
        let state = inspect_home(&roots);
        assert!(matches!(state, HomeState::Foreign { owner: 0, .. }));
        assert_eq!(inspect_home(&users), HomeState::Usable, "the twin");
    });
    assert_eq!(refused(&users).0, "ERR_HOME_OWNER");
    assert_eq!([mode(&roots), mode(&users)], [0o777, 0o777]);
    assert!(names(&roots).is_empty() && names(&users).is_empty());
}

#[test]
fn root_makes_no_home_in_the_directory_of_a_user() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let users = outside.path().join("users");
    make(&users, USER, 0o755);
    for home in [users.join(".fuselage"), users.join("above/home")] {
        let state = inspect_home(&home);
        assert!(matches!(state, HomeState::Foreign { owner: USER, .. }));
        assert_eq!(refused(&home).0, "ERR_HOME_OWNER");
    }
    assert!(names(&users).is_empty());
}

#[test]
fn a_parent_that_may_not_be_written_or_searched_is_no_place_for_a_home() {
    if !is_root() {
        return;
    }
    let outside = open_tempdir();
    let closed = outside.path().join("closed");
    make(&closed, 0, 0o700);
    fs::create_dir(closed.join("home")).unwrap();
    as_user(USER, || {
        let state = why(inspect_home(&outside.path().join("home")));
        assert!(state.contains("cannot make files in") && state.contains("(EACCES)"));
        let state = why(inspect_home(&closed.join("home")));
        assert_eq!(
            state,
            format!(
                "cannot search {}: Permission denied (EACCES)",
                closed.display()
            )
        );
        assert_eq!(refused(&closed.join("home")).0, "ERR_HOME_UNUSABLE");
    });
    // A parent that is one's own and may not be written in.
    let own = outside.path().join("own");
    make(&own, USER, 0o500);
    as_user(USER, || {
        assert!(why(inspect_home(&own.join("home"))).contains("cannot make files in"));
    });
}
