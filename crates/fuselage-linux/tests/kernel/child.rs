//! Children in namespaces, and directories of the ordinary user.

use std::path::Path;

use fuselage_linux::namespaces::{enter_mount_namespace, enter_user_namespace};
pub(crate) use fuselage_testing::{
    USER, become_user, in_child, root_may_mount, skip, user_namespaces_work,
};
use nix::unistd::{Gid, Uid, chown, geteuid};

/// As [`in_child`], as the ordinary user where the test process is root.
pub(crate) fn as_user(test: impl FnOnce()) {
    fuselage_testing::as_user(USER, test);
}

/// As [`as_user`], inside a user namespace and a mount namespace.
pub(crate) fn in_user_namespace(test: impl FnOnce()) {
    if user_namespaces_work() {
        as_user(|| {
            enter_user_namespace().unwrap();
            test();
        });
    }
}

/// As [`in_child`], as root inside a mount namespace.
pub(crate) fn in_mount_namespace(test: impl FnOnce()) {
    if root_may_mount() {
        in_child(|| {
            enter_mount_namespace().unwrap();
            test();
        });
    }
}

/// A new directory that the ordinary user may write.
pub(crate) fn directory_of_user() -> tempfile::TempDir {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    give_to_user(directory.path());
    directory
}

/// Makes the ordinary user the owner, where this is root.
pub(crate) fn give_to_user(path: &Path) {
    if geteuid().is_root() {
        chown(path, Some(Uid::from_raw(USER)), Some(Gid::from_raw(USER))).unwrap();
    }
}
