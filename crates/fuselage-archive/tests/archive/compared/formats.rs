//! Files of every form have the digest of what is in the tree.

use std::fs;
use std::path::Path;

use fuselage_archive::Change;

use crate::compared::Compared;
use crate::contents::noise;
use crate::squashfs_builder::{BLOCK_SIZE, FileFields, Image, STORED};
use crate::squashfs_tools::{image_of, make_small_tree, tools};
use crate::zip_builder::{Entry, file, zip};

/// The digest that the list has of a file in the root.
fn listed(tree: &Compared, name: &str) -> String {
    let list = tree.text();
    let end = format!(" {name}");
    let record = list
        .split('\0')
        .find(|record| record.starts_with("f 1 ") && record.ends_with(&end))
        .unwrap();
    record.split(' ').nth(5).unwrap().to_owned()
}

fn digest(path: &Path) -> String {
    fuselage_archive::Digest::of(&fs::read(path).unwrap()).to_string()
}

#[test]
fn small_large_and_streamed_entries_of_a_zip() {
    let content = noise(5 << 20, 1);
    let with = |name: &str, method| Entry {
        method,
        ..file(name, &content)
    };
    let archive = zip(&[
        file("empty", b""),
        file("small", b"small"),
        with("inflated", 8),
        with("stored", 0),
    ]);
    for jobs in [1, 3] {
        let tree = Compared::of("zip", &archive, jobs);
        assert_eq!(tree.differences(), []);
        for name in ["empty", "small", "inflated", "stored"] {
            assert_eq!(listed(&tree, name), digest(&tree.path(name)), "{name}");
        }
    }
}

#[test]
fn files_that_several_threads_write_and_holes() {
    // Parts end where so much is packed.
    let content = noise(9 << 20, 1);
    let mut image = Image::new();
    let large = image.file("large", &content);
    let start = image.data.len() as u64;
    image.data.extend(&content[..2 * BLOCK_SIZE as usize]);
    let block = BLOCK_SIZE | STORED;
    let mut blocks = vec![0; 3000];
    blocks[1000] = block;
    blocks[2000] = block;
    let sparse = FileFields {
        start,
        blocks,
        ..FileFields::holes(3000 * u64::from(BLOCK_SIZE) - 5, 0)
    };
    let sparse = image.file_of("sparse", &sparse);
    let holes = image.file_of("z", &FileFields::holes(20_000, 5));
    let image = image.with_root(&[large, sparse, holes]);
    for jobs in [1, 2, 5] {
        let tree = Compared::of("squashfs", &image, jobs);
        for name in ["large", "sparse", "z"] {
            assert_eq!(listed(&tree, name), digest(&tree.path(name)), "{name}");
        }
        assert_eq!(tree.differences(), []);
    }
}

#[test]
fn files_with_several_names_are_one() {
    if !tools("gzip") {
        return;
    }
    let made = tempfile::tempdir().unwrap();
    make_small_tree(made.path());
    let tree = Compared::of("squashfs", &image_of(made.path(), ""), 2);
    assert_eq!(tree.differences(), []);
    // The same content, mode and time, in a file of its own.
    let (one, time) = (tree.path("tail"), fs::metadata(tree.path("tail")).unwrap());
    let content = fs::read(&one).unwrap();
    fs::remove_file(&one).unwrap();
    fs::write(&one, content).unwrap();
    fs::set_permissions(&one, time.permissions()).unwrap();
    let times = fs::FileTimes::new().set_modified(time.modified().unwrap());
    fs::File::open(&one).unwrap().set_times(times).unwrap();
    let mut found = tree.differences();
    found.retain(|(_, change)| *change != Change::Time);
    assert_eq!(found, [("tail".to_owned(), Change::Same)]);
}
