//! Trees are removed whatever is in them, and nothing outside of them changes.

use std::fs::{self, File, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use fuselage_linux::process::{Forked, Signal, fork, send_signal, wait_for};
use fuselage_linux::remove_tree::{open_place_below, remove_contents};
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};

use crate::call_filter::refuse;
use crate::child::{as_user, directory_of_user, in_mount_namespace};

fn remove(path: &Path) -> std::io::Result<()> {
    remove_contents(File::open(path).unwrap().as_fd(), b"kept")
}

fn names(path: &Path) -> Vec<String> {
    let names = fs::read_dir(path).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A tree with files, directories that lock their owner out, and links to `outside`.
fn plant(root: &Path, outside: &Path) {
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    fs::create_dir_all(root.join("locked/inner")).unwrap();
    for file in [
        "kept",
        "x",
        "a/y",
        "a/b/c/z",
        "locked/f",
        "locked/inner/kept",
    ] {
        fs::write(root.join(file), "x").unwrap();
    }
    symlink(outside, root.join("a/link")).unwrap();
    symlink(outside.join("file"), root.join("file-link")).unwrap();
    symlink(outside, root.join("locked/inner/link")).unwrap();
    let _ = fs::hard_link(outside.join("file"), root.join("hard"));
    for (path, mode) in [
        ("locked/inner", 0),
        ("locked", 0),
        ("a/b", 0o600),
        ("a", 0o500),
    ] {
        set_mode(&root.join(path), mode);
    }
}

fn outside() -> tempfile::TempDir {
    let outside = tempfile::tempdir_in("/tmp").unwrap();
    fs::write(outside.path().join("file"), "mine").unwrap();
    set_mode(&outside.path().join("file"), 0o440);
    set_mode(outside.path(), 0o550);
    outside
}

fn removes_all(hide: &[(libc::c_long, Errno)]) {
    let place = directory_of_user();
    as_user(|| {
        let (root, outside) = (place.path(), outside());
        plant(root, outside.path());
        set_mode(root, 0o500);
        if !hide.is_empty() {
            refuse(hide);
        }
        remove(root).unwrap();
        assert_eq!(names(root), ["kept"]);
        assert_eq!(names(outside.path()), ["file"]);
        assert_eq!(fs::read(outside.path().join("file")).unwrap(), b"mine");
        assert_eq!(mode(outside.path()), 0o550);
        assert_eq!(mode(&outside.path().join("file")), 0o440);
        set_mode(outside.path(), 0o700);
    });
}

#[test]
fn everything_goes_whatever_the_modes_and_nothing_outside_changes() {
    removes_all(&[]);
}

#[test]
fn and_without_openat2() {
    removes_all(&[(libc::SYS_openat2, Errno::ENOSYS)]);
}

#[test]
fn a_directory_that_nobody_may_read_is_removed_from_its_descriptor() {
    let place = directory_of_user();
    as_user(|| {
        let root = place.path().join("root");
        fs::create_dir_all(root.join("x")).unwrap();
        let parent = File::open(place.path()).unwrap();
        let opened = open_place_below(parent.as_fd(), b"root").unwrap();
        set_mode(&root, 0);
        remove_contents(opened.as_fd(), b"kept").unwrap();
        assert!(names(&root).is_empty());
    });
}

#[test]
fn a_tree_deeper_than_a_path_can_be_is_removed() {
    let place = directory_of_user();
    as_user(|| {
        let mut at = File::open(place.path()).unwrap();
        for _ in 0..3000 {
            fuselage_linux::beneath::make_directory(at.as_fd(), b"directory").unwrap();
            let below = fuselage_linux::beneath::open_directory(at.as_fd(), b"directory");
            at = File::from(below.unwrap());
        }
        remove(place.path()).unwrap();
        assert!(names(place.path()).is_empty());
    });
}

/// The same file system, mounted again inside of the tree: no device number tells it.
fn leaves_mounts(hide: &[(libc::c_long, Errno)]) {
    in_mount_namespace(|| {
        let place = tempfile::tempdir_in("/tmp").unwrap();
        let (root, other) = (place.path().join("root"), place.path().join("other"));
        for directory in [
            &root.join("a/mounted"),
            &root.join("b/c"),
            &other.join("in"),
        ] {
            fs::create_dir_all(directory).unwrap();
        }
        for file in [
            root.join("a/x"),
            root.join("b/c/x"),
            other.join("file"),
            other.join("in/file"),
        ] {
            fs::write(file, "mine").unwrap();
        }
        let (flags, none) = (MsFlags::MS_BIND, None::<&str>);
        mount(Some(&other), &root.join("a/mounted"), none, flags, none).unwrap();
        if !hide.is_empty() {
            refuse(hide);
        }
        let error = remove(&root).unwrap_err();
        assert!(
            matches!(error.raw_os_error(), Some(libc::EXDEV | libc::EBUSY)),
            "{error}"
        );
        assert_eq!(names(&root), ["a"], "the rest is gone");
        assert_eq!(names(&root.join("a")), ["mounted"]);
        assert_eq!(names(&other), ["file", "in"]);
        assert_eq!(names(&other.join("in")), ["file"]);
        nix::mount::umount(&root.join("a/mounted")).unwrap();
        remove(&root).unwrap();
        assert!(names(&root).is_empty(), "the twin");
    });
}

#[test]
fn what_is_mounted_in_it_is_left_alone() {
    leaves_mounts(&[]);
}

#[test]
fn and_without_openat2_too() {
    leaves_mounts(&[(libc::SYS_openat2, Errno::ENOSYS)]);
}

#[test]
fn it_ends_while_somebody_makes_files_all_the_time() {
    let place = directory_of_user();
    as_user(|| {
        let root = place.path();
        let makers: Vec<_> = (0..3)
            .map(|maker| match fork().unwrap() {
                Forked::Child => loop {
                    for number in 0..u32::MAX {
                        let directory = root.join(format!("d{}", number % 3));
                        let _ = fs::create_dir(&directory);
                        let _ = fs::write(directory.join(format!("{maker}-{number}")), "x");
                    }
                },
                Forked::Parent(child) => child,
            })
            .collect();
        std::thread::sleep(Duration::from_millis(50));
        let begin = Instant::now();
        // It may also have been faster than they are.
        let _ = remove(root);
        assert!(begin.elapsed() < Duration::from_secs(30));
        for maker in makers {
            send_signal(maker, Signal::SIGKILL);
            wait_for(maker).unwrap();
        }
        remove(root).unwrap();
        assert!(names(root).is_empty());
    });
}

#[test]
fn a_place_below_is_no_link_and_no_file() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("d")).unwrap();
    fs::write(place.path().join("f"), "").unwrap();
    symlink("d", place.path().join("l")).unwrap();
    let parent = File::open(place.path()).unwrap();
    assert!(open_place_below(parent.as_fd(), b"d").is_ok());
    for name in [&b"f"[..], b"l", b"..", b"missing"] {
        assert!(open_place_below(parent.as_fd(), name).is_err());
    }
}
