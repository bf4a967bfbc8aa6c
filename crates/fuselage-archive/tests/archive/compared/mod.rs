//! Trees that are written with a list of their files, and compared with it.

mod changes;
mod formats;
mod garbage;
mod random;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use fuselage_archive::{ArchiveError, Change, Difference, Format, Listed, compare};

use crate::place::{LIMITS, Place};

/// An extracted tree with its list.
struct Compared {
    place: Place,
    list: File,
}

impl Compared {
    fn of(format: &'static str, archive: &[u8], jobs: usize) -> Self {
        let place = Place::of(format);
        fs::write(place.archive(), archive).unwrap();
        let file = File::open(place.archive()).unwrap();
        let format = Format::named(format).unwrap();
        let listed = Listed::read(&file, 0, format, &LIMITS).unwrap();
        let into = File::open(place.root()).unwrap();
        let list = tempfile::tempfile().unwrap();
        listed
            .write_with_list(into.as_fd(), jobs, None, list.as_fd())
            .unwrap();
        Self { place, list }
    }

    fn path(&self, of: &str) -> PathBuf {
        self.place.root().join(of)
    }

    /// The list, which is text where all names are.
    fn text(&self) -> String {
        let mut text = vec![0; self.list.metadata().unwrap().len() as usize];
        self.list.read_exact_at(&mut text, 0).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn compare(&self, jobs: usize, most: usize) -> Result<Vec<Difference>, ArchiveError> {
        let root = File::open(self.place.root()).unwrap();
        compare(root.as_fd(), self.list.as_fd(), jobs, None, most)
    }

    /// Path and change of each, which do not depend on the number of threads.
    fn differences(&self) -> Vec<(String, Change)> {
        let [one, three] = [1, 3].map(|jobs| self.compare(jobs, 1000).unwrap());
        assert_eq!(one, three);
        one.into_iter()
            .map(|difference| (difference.path, difference.change))
            .collect()
    }
}
