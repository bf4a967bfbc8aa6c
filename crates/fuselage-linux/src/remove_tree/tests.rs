use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

use super::*;
use crate::own_directory::open_following_links;
use crate::process::{ExitKind, Forked, exit_now, fork, ids, wait_for};

const ORDINARY: u32 = 12345;

fn count(path: &Path) -> usize {
    fs::read_dir(path).unwrap().count()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn more_names_than_are_read_at_once_are_no_sign_of_somebody_who_makes_files() {
    let outer = tempfile::tempdir().unwrap();
    let many = outer.path().join("many");
    fs::create_dir(&many).unwrap();
    // More than the repeats would be enough for.
    for number in 0..(REPEATS as usize + 2) * NAMES {
        fs::write(many.join(number.to_string()), "").unwrap();
    }
    let root = open_following_links(outer.path()).unwrap();
    remove_contents(root.as_fd(), b"").unwrap();
    assert_eq!(count(outer.path()), 0);
}

#[test]
fn where_somebody_makes_files_all_the_time_the_rest_is_removed_all_the_same() {
    let outer = tempfile::tempdir().unwrap();
    for name in ["busy", "other"] {
        fs::create_dir_all(outer.path().join(name).join("below")).unwrap();
    }
    let root = open_following_links(outer.path()).unwrap();
    let mut removal = Removal::begin(root.as_fd(), b"").unwrap();
    while removal.step().unwrap() {
        let _ = fs::write(outer.path().join("busy/new"), "");
    }
    let failure = removal.failure.unwrap();
    assert_eq!(failure.raw_os_error(), Some(Errno::NOTEMPTY.raw_os_error()));
    assert!(!outer.path().join("other").exists());
    remove_contents(root.as_fd(), b"").unwrap();
    assert_eq!(count(outer.path()), 0, "the twin");
}

#[test]
fn the_rest_is_removed_when_a_directory_is_moved_away() {
    let [outer, elsewhere] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let moved = outer.path().join("a/moved");
    for path in [&moved.join("below"), &outer.path().join("b/below")] {
        fs::create_dir_all(path).unwrap();
    }
    let root = open_following_links(outer.path()).unwrap();
    let mut removal = Removal::begin(root.as_fd(), b"").unwrap();
    while removal
        .way
        .last()
        .is_none_or(|level| level.name != b"moved")
    {
        assert!(removal.step().unwrap());
    }
    fs::rename(&moved, elsewhere.path().join("moved")).unwrap();
    fs::write(elsewhere.path().join("kept"), "").unwrap();
    while removal.step().unwrap() {}
    assert!(removal.failure.is_none());
    assert_eq!(count(outer.path()), 0);
    assert_eq!(
        count(elsewhere.path()),
        2,
        "what it was moved to is left alone"
    );
}

#[test]
fn what_somebody_else_removes_or_replaces_meanwhile_is_no_failure() {
    let replacements: [fn(&Path); 3] = [
        |_| {},
        |path| fs::write(path, "").unwrap(),
        |path| std::os::unix::fs::symlink("/", path).unwrap(),
    ];
    // In that directory, and before it is entered.
    for inside in [true, false] {
        for replace in replacements {
            let outer = tempfile::tempdir().unwrap();
            let path = outer.path().join("a");
            fs::create_dir_all(path.join("below/deep")).unwrap();
            let root = open_following_links(outer.path()).unwrap();
            let mut removal = Removal::begin(root.as_fd(), b"").unwrap();
            assert!(removal.step().unwrap());
            if inside {
                assert!(removal.step().unwrap());
                assert_eq!(removal.way.last().unwrap().name, b"a");
            }
            fs::remove_dir_all(&path).unwrap();
            replace(&path);
            while removal.step().unwrap() {}
            assert!(removal.failure.is_none(), "{:?}", removal.failure);
            assert_eq!(count(outer.path()), 0);
        }
    }
}

#[test]
fn the_rest_is_removed_beside_what_is_somebody_elses() {
    if ids()[0] != 0 {
        return;
    }
    for mode in [0o700, 0o711, 0o744, 0o755] {
        let outer = tempfile::tempdir().unwrap();
        let foreign = outer.path().join("m/foreign");
        for name in ["a/below", "m/foreign", "z/below"] {
            fs::create_dir_all(outer.path().join(name)).unwrap();
        }
        fs::write(foreign.join("file"), "").unwrap();
        set_mode(&foreign, mode);
        for name in ["", "a", "a/below", "m", "z", "z/below"] {
            chown(outer.path().join(name), Some(ORDINARY), Some(ORDINARY)).unwrap();
        }
        let root = open_following_links(outer.path()).unwrap();
        let as_user = || -> io::Result<()> {
            let (uid, gid) = (Uid::from_raw(ORDINARY), Gid::from_raw(ORDINARY));
            setgroups(&[])?;
            setresgid(gid, gid, gid)?;
            setresuid(uid, uid, uid)?;
            remove_contents(root.as_fd(), b"")
        };
        let child = match fork().unwrap() {
            Forked::Child => exit_now(as_user().map_or(1, |()| 0)),
            Forked::Parent(child) => child,
        };
        assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(1), "{mode:o}");
        let left: Vec<_> = ["a", "m/foreign/file", "z"]
            .map(|name| outer.path().join(name).exists())
            .into();
        assert_eq!(left, [false, true, false], "{mode:o}");
    }
}

#[test]
fn an_entry_is_removed_whatever_it_is_and_a_link_is_not_followed() {
    let [outer, elsewhere] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    fs::write(elsewhere.path().join("kept"), "").unwrap();
    let root = open_following_links(outer.path()).unwrap();
    let entry = outer.path().join("entry");
    fs::create_dir_all(entry.join("below")).unwrap();
    remove_entry(root.as_fd(), b"entry").unwrap();
    assert!(!entry.exists());
    std::os::unix::fs::symlink(elsewhere.path(), &entry).unwrap();
    remove_entry(root.as_fd(), b"entry").unwrap();
    assert_eq!((count(outer.path()), count(elsewhere.path())), (0, 1));
    remove_entry(root.as_fd(), b"entry").unwrap();
}
