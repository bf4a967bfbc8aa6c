//! Random trees: as they were written nothing is different, and a change of one entry is found.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use fuselage_archive::Change;

use crate::compared::Compared;
use crate::differential::random_names::Names;
use crate::differential::random_tree::Holds;
use crate::differential::source;
use crate::mutations::{Random, more};
use crate::place::seen;
use crate::squashfs_tools::{image_of, tools};

const HOLDS: Holds = Holds {
    names: Names::Bytes,
    // Before and after what file systems with small inodes can hold.
    seconds: (0, u32::MAX as i64),
    longest_target: 4000,
};

#[test]
fn one_change_of_a_random_tree_is_found() {
    if !tools("gzip") {
        return;
    }
    for number in 0..more(24) {
        let made = source(number as usize, &HOLDS);
        let options = [
            "-b 4K",
            "-b 128K -no-fragments",
            "-b 1M -always-use-fragments",
        ];
        let image = image_of(made.path(), options[number as usize % 3]);
        let tree = Compared::of("squashfs", &image, 1 + number as usize % 3);
        assert_eq!(tree.differences(), [], "tree {number}");
        let entries: Vec<_> = seen(&tree.place.root()).into_iter().collect();
        if entries.is_empty() {
            continue;
        }
        let mut random = Random::of(number.into());
        let (name, (mode, _, content)) = &entries[random.below(entries.len())];
        let path = tree.place.root().join(OsStr::from_bytes(name));
        let name = String::from_utf8_lossy(name).into_owned();
        let is_link = mode & 0o170_000 == 0o120_000;
        // Whoever is not root may change the mode alone, of what modes lock.
        let is_root = fs::metadata(tree.place.root()).unwrap().uid() == 0;
        if !is_root && is_link {
            continue;
        }
        let expected = match random.below(if is_root { 3 } else { 1 }) {
            0 if !is_link => {
                let (expected, found) = (mode & 0o7777, (mode & 0o7777) ^ 0o020);
                fs::set_permissions(&path, PermissionsExt::from_mode(found)).unwrap();
                Change::Mode { expected, found }
            }
            1 if mode & 0o170_000 == 0o100_000 && !content.is_empty() => {
                let mut content = content.clone();
                let at = random.below(content.len());
                content[at] ^= 1 << random.below(8);
                fs::write(&path, content).unwrap();
                Change::Content
            }
            _ => {
                match path.symlink_metadata().unwrap().is_dir() {
                    true => fs::remove_dir_all(&path).unwrap(),
                    false => fs::remove_file(&path).unwrap(),
                }
                Change::Missing
            }
        };
        let found = tree.differences();
        let what = format!("tree {number}: {name}: {found:?}");
        assert!(found.contains(&(name, expected)), "{what}");
        // Other names of a file are the same file; a directory around it has another time.
        let others = found.iter().filter(|(_, change)| *change != Change::Time);
        assert!(
            others.into_iter().all(|(_, change)| *change == expected),
            "{what}"
        );
    }
}
