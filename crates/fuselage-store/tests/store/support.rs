//! Directories that other users can reach, and what the tests of this crate need of the host.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fuselage_linux::process::ids;
pub(crate) use fuselage_testing::{USER, as_user, in_child, root_may_mount, skip_without_root};
use tempfile::TempDir;

/// An empty directory that everybody may enter and read.
pub(crate) fn open_tempdir() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    directory
}

/// Makes `path` a directory of `owner` with exactly this mode. Only root can make one of another.
pub(crate) fn make(path: &Path, owner: u32, mode: u32) {
    fs::create_dir(path).unwrap();
    if owner != ids()[0] {
        std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
    }
    set_mode(path, mode);
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Whether this is root, which being another user needs; says why a test is left out.
pub(crate) fn is_root() -> bool {
    ids()[1] == 0 || skip_without_root("only root can become another user")
}

/// Whether another user can be had, and a user namespace for it; says why a test is left out.
pub(crate) fn user_namespaces_work() -> bool {
    is_root() && fuselage_testing::user_namespaces_work()
}

/// Runs `test` in children, as the ordinary user and, where this is root, as root, each with an empty
/// directory of its own.
pub(crate) fn in_private_directory(test: impl Fn(&Path)) {
    for user in [USER, ids()[0]] {
        let outside = open_tempdir();
        let place = outside.path().join("place");
        match ids()[1] {
            0 => make(&place, user, 0o700),
            _ => fs::create_dir(&place).unwrap(),
        }
        match user {
            USER => as_user(USER, || test(&place)),
            _ => in_child(|| test(&place)),
        }
    }
}
