//! tmpfs, read-only binds, and recognising a tmpfs of ours; each as user, root and old kernel.

use std::fs::{self, File, Permissions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use fuselage_linux::mount::{
    TmpfsOptions, bind_read_only, bind_read_only_at, is_own_tmpfs_root, mount_tmpfs, unmount,
};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;

use crate::call_filter::{NEW_CALLS, refuse};
use crate::child::{as_user, directory_of_user, in_mount_namespace, in_user_namespace};

pub(crate) fn o_path(path: &Path) -> OwnedFd {
    open(
        path,
        OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW,
        Mode::empty(),
    )
    .unwrap()
}

pub(crate) const SMALL: TmpfsOptions<'static> = TmpfsOptions {
    name: "fuselage test",
    size: 1 << 20,
    inodes: 64,
    mode: 0o700,
};

pub(crate) fn small_tmpfs(path: &Path) {
    mount_tmpfs(o_path(path).as_fd(), &SMALL).unwrap();
}

/// mountinfo; names in it need not be UTF-8.
pub(crate) fn mount_table() -> String {
    String::from_utf8_lossy(&fs::read("/proc/self/mountinfo").unwrap()).into_owned()
}

/// The line of the topmost mount at `path`.
pub(crate) fn mount_line(path: &Path) -> String {
    let table = mount_table();
    let path = path.to_str().unwrap().replace(' ', "\\040");
    let at = |line: &&str| line.split(' ').nth(4) == Some(&path);
    table
        .lines()
        .rfind(at)
        .unwrap_or_else(|| panic!("{path} in {table}"))
        .to_owned()
}

fn errno_of<T: std::fmt::Debug>(result: std::io::Result<T>) -> Errno {
    Errno::from_raw(result.unwrap_err().raw_os_error().unwrap())
}

/// The ways every mount must work.
fn everywhere(test: impl Fn(&Path) + Copy) {
    let directory = directory_of_user();
    let path = directory.path();
    in_user_namespace(|| test(path));
    in_user_namespace(|| {
        refuse(&NEW_CALLS);
        test(path);
    });
    in_user_namespace(|| {
        // A seccomp list older than the calls answers so. The standard library of this process has
        // called statx(2) already and would be surprised.
        let older = NEW_CALLS.map(|(call, _)| (call, Errno::EPERM));
        let rest = older
            .into_iter()
            .filter(|(call, _)| *call != libc::SYS_statx);
        refuse(&rest.collect::<Vec<_>>());
        test(path);
    });
    in_mount_namespace(|| test(path));
    in_mount_namespace(|| {
        refuse(&NEW_CALLS);
        test(path);
    });
    assert_eq!(
        fs::read_dir(path).unwrap().count(),
        0,
        "something reached the host"
    );
}

#[test]
fn a_tmpfs_is_private_limited_and_harmless() {
    everywhere(|path| {
        small_tmpfs(path);
        let line = mount_line(path);
        for part in [
            " rw,nosuid,nodev",
            " tmpfs fuselage\\040test ",
            "size=1024k",
            "nr_inodes=64",
        ] {
            assert!(line.contains(part), "{part:?} in {line}");
        }
        let status = fs::metadata(path).unwrap();
        assert_eq!(status.mode() & 0o7777, 0o700);
        assert_eq!(status.uid(), nix::unistd::geteuid().as_raw());
        let error = errno_of(fs::write(path.join("big"), vec![1; 2 << 20]));
        assert_eq!(error, Errno::ENOSPC);
        let made = (0..100).take_while(|n| fs::write(path.join(n.to_string()), "").is_ok());
        assert!(made.count() < 64);
    });
}

#[test]
fn zero_is_a_small_limit_and_not_none() {
    everywhere(|path| {
        mount_tmpfs(
            o_path(path).as_fd(),
            &TmpfsOptions {
                size: 0,
                inodes: 0,
                ..SMALL
            },
        )
        .unwrap();
        assert!(
            mount_line(path).contains("size=4k,nr_inodes=1"),
            "{}",
            mount_line(path)
        );
        assert_eq!(errno_of(fs::write(path.join("a"), "")), Errno::ENOSPC);
    });
}

#[test]
fn a_tmpfs_without_privilege_says_what_where_and_why() {
    let directory = directory_of_user();
    as_user(|| {
        if fuselage_linux::capabilities::has_sys_admin() {
            return;
        }
        let error = mount_tmpfs(o_path(directory.path()).as_fd(), &SMALL).unwrap_err();
        let path = directory.path().display();
        let text = format!("cannot mount a tmpfs at {path}: Operation not permitted (EPERM)");
        assert_eq!(error.to_string(), text);
    });
}

/// A tmpfs with `tree/file`, `tree/run`, and a second tmpfs with a file at `tree/below`.
fn make_tree(path: &Path) {
    small_tmpfs(path);
    fs::create_dir_all(path.join("tree/below")).unwrap();
    fs::write(path.join("tree/file"), "here").unwrap();
    small_tmpfs(&path.join("tree/below"));
    fs::write(path.join("tree/below/file"), "below").unwrap();
}

fn assert_read_only(tree: &Path) {
    for directory in [tree.to_owned(), tree.join("below")] {
        let line = mount_line(&directory);
        assert!(line.contains(" ro,nosuid,nodev"), "{line}");
        assert_eq!(
            errno_of(fs::write(directory.join("file"), "x")),
            Errno::EROFS
        );
        assert_eq!(
            errno_of(fs::create_dir(directory.join("new"))),
            Errno::EROFS
        );
        assert_eq!(
            errno_of(fs::remove_file(directory.join("file"))),
            Errno::EROFS
        );
        let mode = Permissions::from_mode(0o777);
        assert_eq!(
            errno_of(fs::set_permissions(directory.join("file"), mode)),
            Errno::EROFS
        );
    }
    assert_eq!(fs::read_to_string(tree.join("file")).unwrap(), "here");
    assert_eq!(
        fs::read_to_string(tree.join("below/file")).unwrap(),
        "below"
    );
}

#[test]
fn a_tree_becomes_read_only_in_its_place_with_what_is_below() {
    everywhere(|path| {
        make_tree(path);
        let tree = path.join("tree");
        bind_read_only(o_path(&tree).as_fd()).unwrap();
        assert_read_only(&tree);
        fs::write(path.join("beside"), "still writable").unwrap();
    });
}

#[test]
fn a_tree_is_shown_elsewhere_read_only_and_stays_writable_where_it_is() {
    everywhere(|path| {
        make_tree(path);
        let (tree, view) = (path.join("tree"), path.join("view with\na line"));
        fs::create_dir(&view).unwrap();
        bind_read_only_at(o_path(&tree).as_fd(), o_path(&view).as_fd()).unwrap();
        assert_eq!(errno_of(fs::write(view.join("file"), "x")), Errno::EROFS);
        assert_eq!(
            errno_of(fs::write(view.join("below/file"), "x")),
            Errno::EROFS
        );
        fs::write(tree.join("file"), "new").unwrap();
        assert_eq!(fs::read_to_string(view.join("file")).unwrap(), "new");
    });
}

#[test]
fn a_single_file_can_be_bound_on_a_file_only() {
    everywhere(|path| {
        make_tree(path);
        fs::write(path.join("view"), "").unwrap();
        let source = o_path(&path.join("tree/file"));
        bind_read_only_at(source.as_fd(), o_path(&path.join("view")).as_fd()).unwrap();
        assert_eq!(fs::read_to_string(path.join("view")).unwrap(), "here");
        assert_eq!(errno_of(fs::write(path.join("view"), "x")), Errno::EROFS);
        let error = bind_read_only_at(source.as_fd(), o_path(&path.join("tree")).as_fd());
        // move_mount(2) answers the one, mount(2) the other.
        assert!(matches!(
            error.unwrap_err().errno,
            Errno::EINVAL | Errno::ENOTDIR
        ));
    });
}

#[test]
fn set_user_id_programs_and_devices_do_nothing_in_a_bound_tree() {
    let directory = directory_of_user();
    let path = directory.path();
    in_mount_namespace(|| {
        fs::create_dir(path.join("tree")).unwrap();
        // The twin: /dev/null is a device where it is.
        File::open("/dev/null").unwrap();
        let null = nix::sys::stat::makedev(1, 3);
        let kind = nix::sys::stat::SFlag::S_IFCHR;
        nix::sys::stat::mknod(&path.join("tree/null"), kind, Mode::S_IRWXU, null).unwrap();
        bind_read_only(o_path(&path.join("tree")).as_fd()).unwrap();
        assert_eq!(errno_of(File::open(path.join("tree/null"))), Errno::EACCES);
    });
}

#[test]
fn a_tmpfs_of_ours_is_recognised_and_others_are_not() {
    everywhere(|path| {
        let ours = |path: &Path| is_own_tmpfs_root(o_path(path).as_fd(), SMALL.name).unwrap();
        assert!(!ours(path), "a plain directory");
        small_tmpfs(path);
        assert!(ours(path));
        assert!(
            !is_own_tmpfs_root(o_path(path).as_fd(), "fuselage").unwrap(),
            "another name"
        );

        fs::create_dir(path.join("inner")).unwrap();
        fs::set_permissions(path.join("inner"), Permissions::from_mode(0o700)).unwrap();
        assert!(!ours(&path.join("inner")), "a directory in it");
        symlink("inner", path.join("link")).unwrap();
        assert!(!ours(&path.join("link")), "a symlink");
        bind_read_only(o_path(&path.join("inner")).as_fd()).unwrap();
        assert!(
            !ours(&path.join("inner")),
            "a directory in it that is the root of a mount"
        );

        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        assert!(!ours(path), "open to others");
    });
}

#[test]
fn a_tmpfs_of_another_user_is_not_ours() {
    let directory = directory_of_user();
    let path = directory.path();
    in_mount_namespace(|| {
        small_tmpfs(path);
        assert!(
            is_own_tmpfs_root(o_path(path).as_fd(), SMALL.name).unwrap(),
            "the twin"
        );
        let opened = o_path(path);
        in_user_namespace(|| {
            assert!(!is_own_tmpfs_root(opened.as_fd(), SMALL.name).unwrap());
        });
    });
}

#[test]
fn a_mount_can_be_taken_away_again() {
    everywhere(|path| {
        small_tmpfs(path);
        fs::write(path.join("a"), "").unwrap();
        let busy = File::open(path.join("a")).unwrap();
        assert_eq!(unmount(path, false).unwrap_err().errno, Errno::EBUSY);
        unmount(path, true).unwrap();
        drop(busy);
        assert!(!path.join("a").exists());
        assert_eq!(unmount(path, false).unwrap_err().errno, Errno::EINVAL);
    });
}
