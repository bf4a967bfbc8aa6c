//! Making a mount point where the user may not, by covering its ancestor.

use std::ffi::{CStr, OsStr};
use std::fs::{self, Permissions};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use fuselage_linux::mirror::mirror;
use fuselage_linux::mount::bind_read_only_at;
use fuselage_linux::namespaces::enter_user_namespace;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

use crate::call_filter::{NEW_CALLS, refuse};
use crate::child::{give_to_user, in_mount_namespace, in_user_namespace};
use crate::mount::{mount_line, mount_table, o_path, small_tmpfs};

fn mirror_at(ancestor: &Path, new: &str) {
    let parent = mirror(o_path(ancestor).as_fd(), ancestor, Path::new(new)).unwrap();
    // What is returned is where the new name is now.
    let new = ancestor.join(new);
    let expected = fs::metadata(new.parent().unwrap()).unwrap();
    let found = nix::sys::stat::fstat(&parent).unwrap();
    assert_eq!(
        (found.st_dev, found.st_ino),
        (expected.dev(), expected.ino())
    );
}

/// As user, as user with the old calls only, as root, as root with the old calls only.
fn everywhere(test: impl Fn() + Copy) {
    in_user_namespace(test);
    in_user_namespace(|| {
        refuse(&NEW_CALLS);
        test();
    });
    in_mount_namespace(test);
    in_mount_namespace(|| {
        refuse(&NEW_CALLS);
        test();
    });
}

const ODD: [&[u8]; 4] = [b"a b", b"line\nbreak", b"back\\040slash", b"\xff,:"];

/// A directory like those of a host, which the user may read and not write, and what is in it.
fn host_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let path = directory.path();
    for name in ODD {
        fs::create_dir(path.join(OsStr::from_bytes(name))).unwrap();
        fs::write(path.join(OsStr::from_bytes(name)).join("inside"), name).unwrap();
    }
    fs::write(path.join("file"), "content").unwrap();
    fs::write(path.join("secret"), "root's").unwrap();
    fs::set_permissions(path.join("secret"), Permissions::from_mode(0o600)).unwrap();
    symlink("file", path.join("link")).unwrap();
    symlink("../nowhere/".repeat(40), path.join("dangling")).unwrap();
    nix::unistd::mkfifo(&path.join("fifo"), Mode::S_IRWXU).unwrap();
    drop(UnixListener::bind(path.join("socket")).unwrap());
    fs::create_dir(path.join("of user")).unwrap();
    give_to_user(&path.join("of user"));
    fs::create_dir(path.join("closed")).unwrap();
    fs::set_permissions(path.join("closed"), Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    directory
}

fn names(path: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().as_bytes().to_vec())
        .collect();
    names.sort();
    names
}

#[test]
fn every_kind_of_entry_stays_and_the_new_directory_is_there() {
    let host = host_directory();
    let path = host.path();
    let mut expected = names(path);
    expected.push(b"new".to_vec());
    expected.sort();
    everywhere(|| {
        let before = fs::metadata(path.join("secret")).unwrap();
        mirror_at(path, "new/in/new");
        assert_eq!(names(path), expected);
        assert!(path.join("new/in/new").is_dir());
        for name in ODD {
            let name = OsStr::from_bytes(name);
            assert_eq!(
                fs::read(path.join(name).join("inside")).unwrap(),
                name.as_bytes()
            );
        }
        assert_eq!(fs::read_to_string(path.join("link")).unwrap(), "content");
        let dangling = fs::read_link(path.join("dangling")).unwrap();
        assert_eq!(dangling.as_os_str(), "../nowhere/".repeat(40).as_str());
        let kind = |name| fs::symlink_metadata(path.join(name)).unwrap().file_type();
        assert!(kind("fifo").is_fifo() && kind("socket").is_socket());
        let secret = fs::metadata(path.join("secret")).unwrap();
        assert_eq!((secret.ino(), secret.mode()), (before.ino(), before.mode()));
        let user = nix::unistd::geteuid();
        if !user.is_root() && before.uid() != user.as_raw() {
            assert!(fs::read(path.join("secret")).is_err());
            assert!(fs::read_dir(path.join("closed")).is_err());
        }
    });
    assert!(!path.join("new").exists(), "it reached the host");
}

#[test]
fn what_was_writable_below_still_is_and_reaches_the_host() {
    let host = host_directory();
    let path = host.path();
    everywhere(|| {
        mirror_at(path, "new");
        fs::write(path.join("of user/written"), "x").unwrap();
        for name in ["new/file", "file2"] {
            let error = fs::write(path.join(name), "x").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::EROFS as i32), "{name}");
        }
        let line = mount_line(path);
        assert!(
            line.contains(" ro,nosuid,nodev") && line.contains(" fuselage-mirror "),
            "{line}"
        );
    });
    assert!(path.join("of user/written").exists());
}

#[test]
fn mode_and_for_root_owner_are_as_they_were() {
    let host = host_directory();
    let path = host.path();
    fs::set_permissions(path, Permissions::from_mode(0o1775)).unwrap();
    nix::unistd::chown(path, Some(77.into()), Some(78.into())).ok();
    everywhere(|| {
        let before = fs::metadata(path).unwrap();
        mirror_at(path, "new");
        let after = fs::metadata(path).unwrap();
        assert_eq!(before.mode(), after.mode());
        if nix::unistd::geteuid().is_root() {
            assert_eq!((before.uid(), before.gid()), (after.uid(), after.gid()));
        }
    });
}

#[test]
fn a_umask_does_not_close_the_new_directory() {
    let host = host_directory();
    everywhere(|| {
        nix::sys::stat::umask(Mode::from_bits_truncate(0o777));
        mirror_at(host.path(), "new/new");
        for directory in ["new", "new/new"] {
            let mode = fs::metadata(host.path().join(directory)).unwrap().mode();
            assert_eq!(mode & 0o7777, 0o755, "{directory}");
        }
    });
}

#[test]
fn mounts_below_stay_with_what_is_in_them() {
    let host = host_directory();
    let path = host.path();
    in_mount_namespace(|| {
        for place in ["a b", "of user"] {
            small_tmpfs(&path.join(place));
            fs::write(path.join(place).join("mounted"), "here").unwrap();
            fs::set_permissions(path.join(place), Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir(path.join("of user/deep")).unwrap();
        let read_only = MsFlags::MS_RDONLY;
        mount(
            Some("x"),
            &path.join("of user/deep"),
            Some("tmpfs"),
            read_only,
            None::<&CStr>,
        )
        .unwrap();
        // For the user these are locked: only all of them together can be attached elsewhere.
        everywhere(|| {
            mirror_at(path, "new");
            for place in ["a b", "of user"] {
                let content = fs::read_to_string(path.join(place).join("mounted")).unwrap();
                assert_eq!(content, "here");
            }
            let line = mount_line(&path.join("of user/deep"));
            assert!(line.contains(" ro,"), "{line}");
        });
    });
}

#[test]
fn something_can_be_mounted_on_the_new_directory() {
    let host = host_directory();
    let path = host.path();
    everywhere(|| {
        mirror_at(path, "new");
        let (source, target) = (o_path(&path.join("a b")), o_path(&path.join("new")));
        bind_read_only_at(source.as_fd(), target.as_fd()).unwrap();
        assert_eq!(fs::read(path.join("new/inside")).unwrap(), b"a b");
    });
}

#[test]
fn a_mirror_can_be_mirrored_again() {
    let host = host_directory();
    let path = host.path();
    everywhere(|| {
        mirror_at(path, "new");
        mirror_at(path, "newer");
        mirror_at(&path.join("new"), "inner");
        assert!(path.join("new/inner").is_dir() && path.join("newer").is_dir());
        assert_eq!(fs::read_to_string(path.join("link")).unwrap(), "content");
    });
}

#[test]
fn the_root_directory_can_be_mirrored() {
    const NEW: &str = "fuselage-test-new";
    let mut expected = names(Path::new("/"));
    expected.push(NEW.as_bytes().to_vec());
    expected.sort();
    everywhere(|| {
        mirror_at(Path::new("/"), NEW);
        assert_eq!(names(Path::new("/")), expected);
        assert!(Path::new("/").join(NEW).is_dir());
        assert!(
            fs::read_to_string("/proc/self/status")
                .unwrap()
                .starts_with("Name:")
        );
        let line = mount_line(Path::new("/"));
        assert!(
            line.contains(" ro,") && line.contains("fuselage-mirror"),
            "{line}"
        );
        // A plain chroot(2) would forbid what comes next, and its mirror.
        enter_user_namespace().unwrap();
        mirror_at(Path::new("/"), "fuselage-test-newer");
        assert!(Path::new("/fuselage-test-newer").is_dir());
        enter_user_namespace().unwrap();
    });
    assert!(!Path::new("/").join(NEW).exists(), "it reached the host");
}

#[test]
fn names_that_are_not_plain_are_refused_before_anything_is_done() {
    let host = host_directory();
    let path = host.path();
    everywhere(|| {
        for new in ["", ".", "..", "a/../b", "/a", "../a"] {
            let error = mirror(o_path(path).as_fd(), path, Path::new(new)).unwrap_err();
            assert_eq!(error.errno, Errno::EINVAL, "{new:?}");
        }
        let table = mount_table();
        assert!(!table.contains("fuselage-mirror"));
    });
}

#[test]
fn an_existing_name_and_a_closed_directory_are_errors_that_name_them() {
    let host = host_directory();
    let path = host.path();
    everywhere(|| {
        let error = mirror(o_path(path).as_fd(), path, Path::new("file/new")).unwrap_err();
        assert_eq!(error.errno, Errno::EEXIST);
        assert!(error.to_string().contains("file/new"), "{error}");
    });
    in_user_namespace(|| {
        let closed = path.join("closed");
        if fs::metadata(&closed).unwrap().uid() == nix::unistd::geteuid().as_raw() {
            return eprintln!("skipped: only root can make a directory that is closed to the user");
        }
        let error = mirror(o_path(&closed).as_fd(), &closed, Path::new("new")).unwrap_err();
        assert_eq!(error.errno, Errno::EACCES);
        assert!(error.to_string().contains("/closed"), "{error}");
    });
}
