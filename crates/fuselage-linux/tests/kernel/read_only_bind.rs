//! What a read-only bind keeps, reaches and shuts out; by the calls of Linux 5.12 and without.

use std::ffi::CStr;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use fuselage_linux::mount::{bind_read_only, bind_read_only_at, unmount};
use fuselage_linux::process::{ExitKind, Forked, exit_now, fork, wait_for};
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};

use crate::call_filter::{NEW_CALLS, refuse};
use crate::child::{directory_of_user, in_mount_namespace, in_user_namespace};
use crate::mount::{mount_line, mount_table, o_path, small_tmpfs};

/// `MS_NOSYMFOLLOW` (Linux 5.10), which libc does not have.
const NO_SYMLINKS: MsFlags = MsFlags::from_bits_retain(0x100);

/// As the user and as root, by the new calls and by the old ones.
fn everywhere(test: impl Fn() + Copy) {
    for calls in [&[][..], &NEW_CALLS] {
        in_user_namespace(|| {
            refuse(calls);
            test();
        });
        in_mount_namespace(|| {
            refuse(calls);
            test();
        });
    }
}

fn tmpfs(path: &Path, flags: MsFlags) {
    let options = Some("mode=0777,size=1m");
    mount(Some("x"), path, Some("tmpfs"), flags, options).unwrap();
}

/// Options of the topmost mount at `path` alone, in order.
fn options(path: &Path) -> Vec<String> {
    let line = mount_line(path);
    let mut options: Vec<String> = line
        .split(' ')
        .nth(5)
        .unwrap()
        .split(',')
        .map(str::to_owned)
        .collect();
    options.sort();
    options
}

/// Every set of flags that a mount can have besides, with one of access times each.
const FLAGS: [MsFlags; 8] = [
    MsFlags::empty(),
    MsFlags::MS_NOATIME,
    MsFlags::MS_STRICTATIME,
    MsFlags::MS_NODIRATIME,
    MsFlags::MS_NODIRATIME.union(MsFlags::MS_STRICTATIME),
    MsFlags::MS_NOEXEC,
    NO_SYMLINKS,
    NO_SYMLINKS
        .union(MsFlags::MS_NOEXEC)
        .union(MsFlags::MS_NOATIME),
];

/// Makes `path/tree` and `path/tree/below`, mounts with the flags, and returns their options.
fn make_tree(path: &Path, flags: MsFlags) -> [Vec<String>; 2] {
    let tree = path.join("tree");
    fs::create_dir_all(&tree).unwrap();
    tmpfs(&tree, flags);
    fs::create_dir(tree.join("below")).unwrap();
    tmpfs(&tree.join("below"), flags);
    [options(&tree), options(&tree.join("below"))]
}

fn read_only(mut options: Vec<String>) -> Vec<String> {
    options.retain(|option| option != "rw");
    for added in ["ro", "nosuid", "nodev"] {
        if !options.iter().any(|option| option == added) {
            options.push(added.to_owned());
        }
    }
    options.sort();
    options
}

#[test]
fn every_flag_of_every_mount_is_kept() {
    let directory = directory_of_user();
    everywhere(|| {
        let path = directory.path();
        small_tmpfs(path);
        for flags in FLAGS {
            let before = make_tree(path, flags).map(read_only);
            let (tree, view) = (path.join("tree"), path.join("view"));
            fs::create_dir_all(&view).unwrap();
            bind_read_only_at(o_path(&tree).as_fd(), o_path(&view).as_fd()).unwrap();
            assert_eq!([&view, &view.join("below")].map(|at| options(at)), before);
            bind_read_only(o_path(&tree).as_fd()).unwrap();
            assert_eq!([&tree, &tree.join("below")].map(|at| options(at)), before);
            for mounted in [&view, &tree, &tree] {
                unmount(mounted, true).unwrap();
            }
        }
    });
}

#[test]
fn every_flag_that_the_host_has_locked_is_kept() {
    let directory = directory_of_user();
    let path = directory.path();
    for flags in FLAGS {
        in_mount_namespace(|| {
            let before = make_tree(path, flags).map(read_only);
            let tree = path.join("tree");
            for calls in [&[][..], &NEW_CALLS] {
                in_user_namespace(|| {
                    // The twin: they are locked for this user.
                    if flags.contains(MsFlags::MS_NOATIME) {
                        let atime =
                            MsFlags::MS_STRICTATIME | MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
                        let none = None::<&CStr>;
                        let taken_away = mount(none, &tree, none, atime, none);
                        assert_eq!(taken_away, Err(Errno::EPERM));
                    }
                    refuse(calls);
                    bind_read_only(o_path(&tree).as_fd()).unwrap();
                    assert_eq!([&tree, &tree.join("below")].map(|at| options(at)), before);
                });
            }
        });
    }
}

/// Names as mountinfo has to write them with backslashes, or that look like what it adds to a name.
const ODD: [&str; 7] = [
    "a b",
    "line\nbreak",
    "tab\there",
    "back\\040slash",
    "# comment",
    "gone (deleted)",
    "gone\\040(deleted)",
];

#[test]
fn mounts_below_are_found_whatever_their_names_are() {
    let directory = directory_of_user();
    everywhere(|| {
        let path = directory.path();
        small_tmpfs(path);
        for name in ODD {
            let below = path.join("tree").join(name);
            fs::create_dir_all(&below).unwrap();
            small_tmpfs(&below);
            fs::create_dir(below.join(name)).unwrap();
            small_tmpfs(&below.join(name));
        }
        let tree = path.join("tree");
        fs::write(tree.join("a b/file"), "still writable").unwrap();
        bind_read_only(o_path(&tree).as_fd()).unwrap();
        for name in ODD {
            for at in [tree.join(name), tree.join(name).join(name)] {
                let error = fs::write(at.join("file"), "x").unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::EROFS), "{at:?}");
            }
        }
    });
}

#[test]
fn a_file_that_is_mounted_below_is_read_only_too() {
    let directory = directory_of_user();
    everywhere(|| {
        let path = directory.path();
        small_tmpfs(path);
        fs::create_dir(path.join("tree")).unwrap();
        let (source, below) = (path.join("source"), path.join("tree/file"));
        for file in [&source, &below] {
            fs::write(file, "content").unwrap();
        }
        let none = None::<&CStr>;
        mount(Some(&source), &below, none, MsFlags::MS_BIND, none).unwrap();
        bind_read_only(o_path(&path.join("tree")).as_fd()).unwrap();
        let error = fs::write(&below, "x").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EROFS));
        fs::write(&source, "still writable").unwrap();
    });
}

#[test]
fn what_is_covered_below_is_no_hindrance_and_what_covers_it_is_read_only() {
    let directory = directory_of_user();
    everywhere(|| {
        let path = directory.path();
        small_tmpfs(path);
        // At `way/in` is a mount, then another one over `way` that has no `in`, or a file there.
        for way in ["missing", "file"] {
            let way = path.join("tree").join(way);
            fs::create_dir_all(way.join("in")).unwrap();
            small_tmpfs(&way.join("in"));
            small_tmpfs(&way);
        }
        fs::write(path.join("tree/file/in"), "").unwrap();
        // At `same/in` is a directory in what covers it, which no mount is on.
        let same = path.join("tree/same");
        fs::create_dir_all(same.join("in")).unwrap();
        small_tmpfs(&same.join("in"));
        small_tmpfs(&same);
        fs::create_dir(same.join("in")).unwrap();
        // Three at one point.
        let stacked = path.join("tree/stacked");
        fs::create_dir(&stacked).unwrap();
        for number in 0..3 {
            small_tmpfs(&stacked);
            fs::write(stacked.join("number"), number.to_string()).unwrap();
        }
        let tree = path.join("tree");
        bind_read_only(o_path(&tree).as_fd()).unwrap();
        for at in ["", "missing", "file", "same", "same/in", "stacked"] {
            let error = fs::write(tree.join(at).join("new"), "x").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EROFS), "{at}");
        }
        let top = fs::read_to_string(stacked.join("number")).unwrap();
        assert_eq!(top, "2");
    });
}

/// Waits until a file is there.
fn await_file(path: &Path) {
    for _ in 0..2000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} did not come", path.display());
}

#[test]
fn what_the_host_mounts_below_later_does_not_arrive_writable() {
    let directory = directory_of_user();
    let path = directory.path();
    let (tree, view) = (path.join("tree"), path.join("view"));
    let later = tree.join("later");
    in_mount_namespace(|| {
        tmpfs(path, MsFlags::empty());
        let none = None::<&CStr>;
        mount(none, path, none, MsFlags::MS_SHARED, none).unwrap();
        for made in [&later, &view] {
            fs::create_dir_all(made).unwrap();
        }
        let as_seen_by_a_run = || {
            bind_read_only_at(o_path(&tree).as_fd(), o_path(&view).as_fd()).unwrap();
            fs::write(path.join("ready"), "").unwrap();
            // The twin: it arrives where it was mounted.
            await_file(&later.join("arrived"));
            assert!(!view.join("later/arrived").exists());
            let error = fs::write(view.join("later/new"), "x").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EROFS));
            let table = mount_table();
            assert!(!table.contains("view/later"), "{table}");
        };
        let beside_a_host_that_mounts = |run: &dyn Fn()| {
            match fork().unwrap() {
                Forked::Child => {
                    await_file(&path.join("ready"));
                    tmpfs(&later, MsFlags::empty());
                    fs::write(later.join("new"), "").unwrap();
                    fs::rename(later.join("new"), later.join("arrived")).unwrap();
                    exit_now(0)
                }
                Forked::Parent(host) => {
                    run();
                    assert_eq!(wait_for(host).unwrap(), ExitKind::Exited(0));
                }
            }
            unmount(&later, true).unwrap();
            fs::remove_file(path.join("ready")).unwrap();
        };
        for calls in [&[][..], &NEW_CALLS] {
            beside_a_host_that_mounts(&|| {
                in_user_namespace(|| {
                    refuse(calls);
                    as_seen_by_a_run();
                });
            });
            beside_a_host_that_mounts(&|| {
                in_mount_namespace(|| {
                    refuse(calls);
                    as_seen_by_a_run();
                });
            });
        }
    });
}
