//! Makes a tree on disk.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use fuselage_linux::beneath;

use crate::differential::random_tree::{Node, What};

const PAGE: usize = 4096;

/// Makes `tree` in the empty directory `root`. Where an ordinary user does so, everything can be
/// read by its owner: no packer could read it else.
pub(crate) fn make_tree(root: &Path, tree: &[Node]) {
    let readable = match root.metadata().unwrap().uid() {
        0 => 0,
        _ => 0o500,
    };
    let at = |node: &Node| root.join(OsStr::from_bytes(&node.path));
    for node in tree {
        let path = at(node);
        match &node.what {
            What::Directory => fs::create_dir(path).unwrap(),
            What::File(content) => write_with_holes(&path, &content.bytes()),
            What::Symlink(target) => symlink(OsStr::from_bytes(target), path).unwrap(),
            What::HardLink(to) => fs::hard_link(at(&tree[*to]), path).unwrap(),
        }
    }
    // What is in a directory before the directory: each changes the time of the one above it.
    for node in tree.iter().rev() {
        let path = at(node);
        if matches!(node.what, What::Directory | What::File(_)) {
            let mode = PermissionsExt::from_mode(node.mode | readable);
            fs::set_permissions(&path, mode).unwrap();
        }
        if !matches!(node.what, What::HardLink(_)) {
            set_time(&path, node.seconds);
        }
    }
}

/// Pages of zeros are left out.
fn write_with_holes(path: &PathBuf, bytes: &[u8]) {
    let file = File::create_new(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    for (number, page) in bytes.chunks(PAGE).enumerate() {
        if page.iter().any(|byte| *byte != 0) {
            file.write_all_at(page, (number * PAGE) as u64).unwrap();
        }
    }
}

fn set_time(path: &Path, seconds: i64) {
    let parent = File::open(path.parent().unwrap()).unwrap();
    let name = path.file_name().unwrap().as_bytes();
    beneath::set_time(parent.as_fd(), name, seconds, 0).unwrap();
}
