//! What an extraction left.

use std::collections::HashSet;
use std::fs;
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
