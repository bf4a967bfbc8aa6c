//! A list of files that is compared with a tree: refused, or no more differences than asked for.
#![no_main]

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::OnceLock;

use fuselage_archive::compare;
use fuselage_fuzz::memory_file::with_file_of;
use libfuzzer_sys::fuzz_target;

const MOST: usize = 5;
/// How a list begins, so that an input need not find that.
const BEGIN: &[u8] = b"fuselage list 1\0d 0 755 - \0";

/// A file, a directory with a link in it, and an empty directory.
fn tree() -> &'static File {
    static TREE: OnceLock<File> = OnceLock::new();
    TREE.get_or_init(|| {
        let root = tempfile::tempdir().expect("a directory").keep();
        std::fs::write(root.join("a"), "four").expect("a file");
        std::fs::create_dir_all(root.join("b/c")).expect("directories");
        std::os::unix::fs::symlink("../a", root.join("b/l")).expect("a link");
        File::open(root).expect("the directory opens")
    })
}

fuzz_target!(|input: &[u8]| {
    for list in [input, &[BEGIN, input].concat()] {
        with_file_of(list, |list| {
            if let Ok(found) = compare(tree().as_fd(), list, 1, None, MOST) {
                assert!(found.len() <= MOST);
            }
        });
    }
});
