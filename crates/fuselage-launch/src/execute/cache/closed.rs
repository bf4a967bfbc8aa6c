//! Whether a tree that others may read is nobody else's to change.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const WRITABLE: u32 = 0o022;

/// Whether neither group nor others may write to anything in the tree at `path`, which its builder has
/// left.
///
/// # Errors
/// What reading its directories says.
pub(crate) fn is_closed(path: &Path) -> io::Result<bool> {
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        if is_open(&fs::symlink_metadata(&directory)?) {
            return Ok(false);
        }
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let found = entry.metadata()?;
            if found.is_dir() {
                directories.push(entry.path());
            } else if is_open(&found) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A symbolic link has all permission bits, which mean nothing.
fn is_open(found: &fs::Metadata) -> bool {
    !found.is_symlink() && found.mode() & WRITABLE != 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn one_entry_that_others_may_write_is_found_at_any_depth() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join("file"), "").unwrap();
        symlink("/", below.join("link")).unwrap();
        assert!(is_closed(directory.path()).unwrap());
        for path in [below.clone(), below.join("file")] {
            let before = path.metadata().unwrap().permissions();
            for mode in [0o720, 0o702] {
                fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
                assert!(!is_closed(directory.path()).unwrap(), "{path:?} {mode:o}");
            }
            fs::set_permissions(&path, before).unwrap();
        }
        assert!(is_closed(directory.path()).unwrap(), "the twin");
    }
}
