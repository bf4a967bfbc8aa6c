//! Overlays, as a user and as root.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use fuselage_linux::mount::bind_read_only_at;
use fuselage_linux::overlay::{Attributes, Layers, mount_overlay};
use nix::errno::Errno;

use crate::child::{directory_of_user, in_mount_namespace, in_user_namespace};
use crate::mount::{mount_line, o_path, small_tmpfs};

/// A tree on a disk, bound read-only, and an overlay over it whose layer is on a tmpfs.
fn overlay(on: &Path, attributes: Attributes) {
    let tree = on.join("tree");
    if !tree.exists() {
        fs::create_dir_all(tree.join("a/b")).unwrap();
        fs::write(tree.join("a/b/file"), "lower").unwrap();
        fs::write(tree.join("gone"), "lower").unwrap();
        symlink("a/b/file", tree.join("link")).unwrap();
        fs::set_permissions(&tree, fs::Permissions::from_mode(0o751)).unwrap();
        fs::create_dir(on.join("run")).unwrap();
    }
    let run = on.join("run");
    small_tmpfs(&run);
    for name in ["lower", "upper", "work", "merged"] {
        fs::create_dir(run.join(name)).unwrap();
    }
    let place = |name: &str| o_path(&run.join(name));
    bind_read_only_at(o_path(&tree).as_fd(), place("lower").as_fd()).unwrap();
    let (lower, upper, work) = (place("lower"), place("upper"), place("work"));
    let layers = Layers {
        lower: lower.as_fd(),
        upper: upper.as_fd(),
        work: work.as_fd(),
    };
    mount_overlay(&layers, attributes, place("merged").as_fd()).unwrap();
}

fn is_a_private_writable_copy(on: &Path, attributes: Attributes) {
    overlay(on, attributes);
    let merged = on.join("run/merged");
    let line = mount_line(&merged);
    assert!(line.contains(" rw,nosuid,nodev"), "{line}");
    let (root, lower) = (
        merged.metadata().unwrap(),
        on.join("tree").metadata().unwrap(),
    );
    assert_eq!(root.mode() & 0o7777, 0o751);
    assert_eq!(
        (root.mtime(), root.mtime_nsec()),
        (lower.mtime(), lower.mtime_nsec())
    );
    assert_eq!(fs::read_to_string(merged.join("link")).unwrap(), "lower");
    // Copied up, replaced, removed and made again, new: what an installer does.
    fs::write(merged.join("a/b/file"), "upper").unwrap();
    fs::remove_file(merged.join("gone")).unwrap();
    fs::remove_dir_all(merged.join("a")).unwrap();
    fs::create_dir(merged.join("a")).unwrap();
    assert_eq!(fs::read_dir(merged.join("a")).unwrap().count(), 0);
    fs::write(merged.join("new"), "upper").unwrap();
    assert!(!merged.join("gone").exists());
    let tree = on.join("tree");
    assert_eq!(fs::read_to_string(tree.join("a/b/file")).unwrap(), "lower");
    assert!(tree.join("gone").exists() && !tree.join("new").exists());
    // JavaScript's numbers hold no more.
    assert!(merged.join("new").metadata().unwrap().ino() < 1 << 53);
}

#[test]
fn an_overlay_is_a_private_writable_copy() {
    let directory = directory_of_user();
    in_user_namespace(|| is_a_private_writable_copy(directory.path(), Attributes::User));
    let directory = directory_of_user();
    in_mount_namespace(|| is_a_private_writable_copy(directory.path(), Attributes::Trusted));
}

#[test]
fn a_directory_of_the_tree_can_be_renamed_by_root_alone() {
    let rename = |on: &Path| fs::rename(on.join("run/merged/a/b"), on.join("run/merged/c"));
    let directory = directory_of_user();
    in_user_namespace(|| {
        overlay(directory.path(), Attributes::User);
        let error = rename(directory.path()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::EXDEV as i32));
    });
    let directory = directory_of_user();
    in_mount_namespace(|| {
        overlay(directory.path(), Attributes::Trusted);
        rename(directory.path()).unwrap();
        assert!(directory.path().join("run/merged/c/file").exists());
    });
}

#[test]
fn what_the_layer_or_the_user_cannot_have_is_an_error() {
    let directory = directory_of_user();
    in_user_namespace(|| {
        overlay(directory.path(), Attributes::User);
        let place = |name: &str| o_path(&directory.path().join("run").join(name));
        let (lower, work) = (place("lower"), place("work"));
        fs::create_dir(directory.path().join("run/target")).unwrap();
        let mount = |upper: &Path, attributes| {
            let upper = o_path(upper);
            let layers = Layers {
                lower: lower.as_fd(),
                upper: upper.as_fd(),
                work: work.as_fd(),
            };
            mount_overlay(&layers, attributes, place("target").as_fd())
        };
        let upper = directory.path().join("run/upper");
        let error = mount(&upper, Attributes::Trusted).unwrap_err();
        assert_eq!(error.errno, Errno::EPERM, "{error}");
        // proc(5) takes no attributes, nor a mode.
        assert!(mount(Path::new("/proc/self/fdinfo"), Attributes::User).is_err());
    });
}
