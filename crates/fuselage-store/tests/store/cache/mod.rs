//! The cache: entries that are built, found, and not found when something is wrong with them.

mod building;
mod entries;
mod foreign;
mod indexed;
mod other;
mod planted;
mod sealed;
mod trouble;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fuselage_archive::Digest;
use fuselage_store::cache::{Cache, Entry, EntryName, Found, Kind, NewEntry};
use fuselage_store::open_home;

pub(super) fn name() -> EntryName {
    EntryName {
        digest: Digest::of(b"archive"),
        kind: Kind::Tree,
    }
}

pub(super) fn new_entry() -> NewEntry {
    NewEntry {
        source: "a.zip".to_owned(),
        archive_format: "zip".to_owned(),
        archive_bytes: 7,
        entries: 2,
        bytes: 3,
        closed: false,
    }
}

pub(super) fn cache(place: &Path) -> Cache {
    open_home(&place.join("home"))
        .unwrap()
        .make_cache()
        .unwrap()
}

pub(super) fn build(cache: &Cache, content: &str) -> Entry {
    let lock = cache.try_build(name()).unwrap().unwrap();
    let staging = cache.stage().unwrap();
    staging.make_tree().unwrap();
    fs::write(staging.path().join("tree/file"), content).unwrap();
    staging.make_list().unwrap().write_all(b"list").unwrap();
    staging.publish(&lock, new_entry()).unwrap()
}

pub(super) fn entry(found: Found) -> Entry {
    match found {
        Found::Entry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

pub(super) fn why(found: Found) -> &'static str {
    match found {
        Found::Nothing(why) | Found::Doubtful(why) => why,
        Found::Entry(entry) => panic!("{entry:?}"),
    }
}

pub(super) fn path(cache: &Cache, end: &str) -> PathBuf {
    cache.path().join(format!("{}{end}", name()))
}

pub(super) fn content(entry: &Entry) -> String {
    fs::read_to_string(entry.path().join("file")).unwrap()
}

/// How many entries a directory has.
fn count(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

/// All of an error in one line.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = vec![error.to_string()];
    words.extend(fuselage_linux::causes::causes(error));
    words.join(": ")
}
