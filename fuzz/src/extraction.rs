//! One extraction, and what must hold whatever came of it.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::OnceLock;

use fuselage_archive::{Extraction, Format, Limits, extract};
use rustix::fs::Mode;
use rustix::process::umask;
use tempfile::TempDir;

use crate::memory_file::with_file_of;
use crate::tree_on_disk::{read_tree, remove_tree};

/// Low enough that an input is done within a fraction of a second, high enough that every reader
/// comes to its end.
const LIMITS: Limits = Limits {
    entries: 2_000,
    bytes: 4 << 20,
    depth: 64,
    name_length: 4096,
    ratio: u32::MAX,
};

/// Where extractions are made: in memory where the system has such a place.
fn scene() -> &'static TempDir {
    static SCENE: OnceLock<TempDir> = OnceLock::new();
    SCENE.get_or_init(|| {
        // Modes are given when files are made.
        umask(Mode::empty());
        let memory = PathBuf::from("/dev/shm");
        match tempfile::tempdir_in(memory) {
            Ok(scene) => scene,
            Err(_) => tempfile::tempdir().expect("a directory for temporary files"),
        }
    })
}

/// Extracts `bytes` as the format that is called `format`.
///
/// # Panics
/// Something was made outside of the tree, or the tree is another one than the list of entries
/// announced.
pub fn extract_as(format: &str, bytes: &[u8]) {
    let format = Format::named(format).expect("a format by this name");
    let scene = scene().path();
    let tree = scene.join("tree");
    fs::create_dir(&tree).expect("a directory for the tree");
    let into = File::open(&tree).expect("the directory that was just made");
    let how = Extraction {
        limits: LIMITS,
        // Mostly one, with which an input does the same every time.
        jobs: if bytes.len() % 16 == 0 { 2 } else { 1 },
        space: None,
        progress: None,
    };
    let extracted = with_file_of(bytes, |file| extract(file, format, 0, into.as_fd(), &how));
    let beside: Vec<_> = fs::read_dir(scene)
        .expect("the scene can be read")
        .map(|entry| entry.expect("the scene can be read").file_name())
        .collect();
    assert_eq!(beside, ["tree"], "something was made beside the tree");
    if let Ok(extracted) = extracted {
        assert_eq!(read_tree(&tree), (extracted.entries, extracted.bytes));
    }
    remove_tree(&tree);
}
