//! What an extraction left.

use std::collections::HashSet;
use std::fs::{self, DirEntry, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Entries and bytes below a directory, as `Extracted` counts them: files and the targets of links,
/// of several names of one file the first.
///
/// # Panics
/// There is something that no archive may make.
pub(crate) fn read_tree(directory: &Path) -> (u64, u64) {
    let mut seen = HashSet::new();
    let mut left = vec![directory.to_owned()];
    let (mut entries, mut bytes) = (0, 0);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).expect("a directory of the tree") {
            let path = entry.expect("an entry of the tree").path();
            let facts = fs::symlink_metadata(&path).expect("an entry of the tree");
            entries += 1;
            let mode = facts.permissions().mode();
            assert_eq!(mode & 0o7000, 0, "{path:?} has the mode {mode:o}");
            if facts.is_dir() {
                unlock(&path);
                left.push(path);
                continue;
            }
            assert!(
                facts.is_file() || facts.is_symlink(),
                "{path:?} is {facts:?}"
            );
            if seen.insert(facts.ino()) {
                bytes += facts.len();
            }
        }
    }
    (entries, bytes)
}

/// Removes a directory and all below it, which may be locked.
///
/// # Panics
/// It cannot be removed.
pub(crate) fn remove_tree(directory: &Path) {
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        unlock(&directory);
        let entries = fs::read_dir(directory).expect("a directory of the tree");
        let entries = entries.map(|entry| entry.expect("an entry of the tree"));
        left.extend(entries.filter(is_directory).map(|entry| entry.path()));
    }
    fs::remove_dir_all(directory).expect("the tree can be removed");
}

fn is_directory(entry: &DirEntry) -> bool {
    entry.file_type().expect("an entry of the tree").is_dir()
}

/// Gives the owner of a directory all rights on it: archives take them away.
fn unlock(directory: &Path) {
    fs::set_permissions(directory, Permissions::from_mode(0o700)).expect("the tree is ours");
}
