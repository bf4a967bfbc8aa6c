//! Tools that pack zips, compared with unzip.

use std::path::Path;
use std::process::Command;

use crate::differential::compare::{assert_same, without_special_bits, without_times};
use crate::differential::random_tree::Holds;
use crate::differential::unzip::{Times, put_right, unzip};
use crate::differential::{extracted, run, source, trees};
use crate::place::{Place, Scratch, Seen, seen};

/// A tool that packs zips.
pub(crate) struct Zipper {
    /// The programs that it needs, each with its Debian package.
    pub(crate) programs: &'static [(&'static str, &'static str)],
    pub(crate) holds: Holds,
    /// What packs the working directory into `$ARCHIVE`, for sh; `OPTIONS` are those of a [`Way`].
    pub(crate) command: &'static str,
    pub(crate) ways: &'static [Way],
}

/// Options of a zipper.
pub(crate) struct Way {
    pub(crate) options: &'static str,
    pub(crate) times: Times,
    /// Where unzip does not know the method: other options, which change nothing else.
    pub(crate) for_unzip: Option<&'static str>,
    /// Whether directories have entries of their own.
    pub(crate) directories: bool,
}

pub(crate) const fn way(options: &'static str, times: Times) -> Way {
    Way {
        options,
        times,
        for_unzip: None,
        directories: true,
    }
}

impl Zipper {
    /// Does the work of the test with that name.
    pub(crate) fn compare(&self, test: &str) {
        if !are_there(self.programs) || !is_in(ZONE, test) {
            return;
        }
        for number in 0..trees(self.ways.len()) {
            self.compare_tree(number, &self.ways[number % self.ways.len()]);
        }
    }

    fn compare_tree(&self, number: usize, way: &Way) {
        let command = self.command.replace("OPTIONS", way.options);
        let what = format!("tree {number} of `{command}`");
        let place = Place::new();
        let source = source(number, &self.holds);
        pack(source.path(), &command, &place.archive());
        let packed = without_special_bits(seen(source.path()));
        let mut found = extracted(&place, number, &what);

        let theirs = Scratch::new();
        match way.for_unzip {
            None => unzip(&place.archive(), theirs.path()),
            Some(options) => {
                let archive = Scratch::new();
                let path = archive.path().join("archive");
                let command = self.command.replace("OPTIONS", options);
                pack(source.path(), &command, &path);
                unzip(&path, theirs.path());
            }
        }
        let mut expected = without_special_bits(seen(theirs.path()));
        put_right(&mut expected, &packed, way.times);
        if way.directories {
            assert_same(&without_times(&expected), &without_times(&packed), &what);
        } else {
            // Made when they are met, by both.
            found = without_times_of_directories(found);
            expected = without_times_of_directories(expected);
        }
        assert_same(&found, &expected, &what);
    }
}

/// Where the tests of zips are: far from UTC, and without summer time, at whose end an hour comes
/// twice, so that a time without a zone may be either.
const ZONE: &str = "NPT-5:45";

/// Whether this process is in `zone`; else the test with that name has been run in another one,
/// which is: the zone is one of a whole process.
fn is_in(zone: &str, test: &str) -> bool {
    if std::env::var_os("TZ").is_some_and(|value| value == zone) {
        return true;
    }
    let said = run(Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("TZ", zone));
    assert!(said.contains(" 1 passed;"), "there is no test {test}");
    false
}

/// Their modes are those of any new directory.
fn without_times_of_directories(mut seen: Seen) -> Seen {
    for (mode, seconds, _) in seen.values_mut() {
        if *mode & 0o170_000 == 0o040_000 {
            (*mode, *seconds) = (0o040_755, 0);
        }
    }
    seen
}

/// Runs `command`, which packs the directory `source` into `archive`.
fn pack(source: &Path, command: &str, archive: &Path) {
    // Tools add what is missing of it.
    let with_extension = archive.with_extension("zip");
    run(Command::new("sh")
        .args(["-c", command])
        .current_dir(source)
        .env("ARCHIVE", &with_extension)
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONPATH", MODULES)
        .env("PYTHONDONTWRITEBYTECODE", "1"));
    std::fs::rename(with_extension, archive).unwrap();
}

/// Where `zipfile_pack.py` is.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/archive/differential");

/// Whether all programs are there, given with their Debian packages; says which is not.
fn are_there(programs: &[(&str, &str)]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_missing = |(program, _): &&(&str, &str)| {
        !std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let Some((program, package)) = programs.iter().find(is_missing) else {
        return true;
    };
    fuselage_testing::skip(&format!("{program} is missing (Debian package {package})"))
}
