//! A directory to extract into, with something beside it that must stay as it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fuselage_archive::{
    ArchiveError, Encoding, Extracted, Extraction, Format, Limits, Listed, Space, decode, detect,
    detect_decoded, extract,
};

pub(crate) const LIMITS: Limits = Limits {
    entries: 10_000,
    bytes: 64 << 20,
    depth: 64,
    name_length: 4095,
    ratio: 2000,
};

/// A directory that goes away, whatever the modes of what was made in it.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What modes lock must not outlive the test where that is not root's.
        unlock(self.path());
        flatten(self.path());
    }
}

pub(crate) struct Place {
    directory: Scratch,
    format: &'static str,
}

/// What a path is: type and permission bits, modification time, content or target.
pub(crate) type Seen = BTreeMap<Vec<u8>, (u32, i64, Vec<u8>)>;

impl Place {
    /// For zips.
    pub(crate) fn new() -> Self {
        Self::of("zip")
    }

    /// For archives of the format with that name.
    pub(crate) fn of(format: &'static str) -> Self {
        // As the callers of `extract` do.
        fuselage_linux::open::replace_umask(0);
        let directory = Scratch::new();
        fs::create_dir(directory.path().join("root")).unwrap();
        fs::create_dir(directory.path().join("outside")).unwrap();
        let outside = directory.path().join("outside");
        fs::write(outside.join("precious"), "as it was").unwrap();
        fs::create_dir(outside.join("closed")).unwrap();
        fs::write(outside.join("closed/secret"), "as it was").unwrap();
        std::os::unix::fs::symlink("closed/secret", outside.join("link")).unwrap();
        fs::set_permissions(outside.join("closed"), PermissionsExt::from_mode(0o500)).unwrap();
        Self { directory, format }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Everything but what is in the root, and the archive; and what attacks on absolute paths
    /// would make.
    pub(crate) fn outside(&self) -> Seen {
        let mut seen = seen(&self.directory.path().join("outside"));
        for entry in fs::read_dir(self.directory.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().mode();
            seen.insert(entry.file_name().as_bytes().to_vec(), (mode, 0, Vec::new()));
        }
        seen.remove(&b"archive"[..]);
        for made in ["/fuselage-hostile", "fuselage-hostile"] {
            if fs::symlink_metadata(made).is_ok() {
                seen.insert(made.into(), (0, 0, Vec::new()));
            }
        }
        seen
    }

    pub(crate) fn extract(&self, archive: &[u8]) -> Result<Extracted, ArchiveError> {
        self.extract_with(archive, LIMITS, 2, None)
    }

    /// Extracts `archive` with limits of its own.
    pub(crate) fn extract_with(
        &self,
        archive: &[u8],
        limits: Limits,
        jobs: usize,
        space: Option<Space>,
    ) -> Result<Extracted, ArchiveError> {
        fs::write(self.archive(), archive).unwrap();
        self.extract_there(limits, jobs, space)
    }

    /// Where the archive is written.
    pub(crate) fn archive(&self) -> PathBuf {
        self.directory.path().join("archive")
    }

    /// Extracts what was written there.
    pub(crate) fn extract_there(
        &self,
        limits: Limits,
        jobs: usize,
        space: Option<Space>,
    ) -> Result<Extracted, ArchiveError> {
        let archive = File::open(self.archive()).unwrap();
        let into = File::open(self.root()).unwrap();
        let how = Extraction {
            limits,
            jobs,
            space,
            progress: None,
        };
        extract(
            archive.as_fd(),
            Format::named(self.format).unwrap(),
            0,
            into.as_fd(),
            &how,
        )
    }

    /// Extracts whatever detection takes `file` for, decoded where it is a text.
    pub(crate) fn extract_detected(
        &self,
        file: &[u8],
        limits: Limits,
    ) -> Result<Extracted, ArchiveError> {
        fs::write(self.archive(), file).unwrap();
        let mut archive = File::open(self.archive()).unwrap();
        let mut found = detect(archive.as_fd()).unwrap();
        if found.encoding == Encoding::Base64 {
            let decoded = tempfile::tempfile().unwrap();
            decode(archive.as_fd(), decoded.as_fd(), None, None)?;
            found = detect_decoded(decoded.as_fd()).unwrap();
            archive = decoded;
        }
        let Some(format) = found.format else {
            return Err(ArchiveError::unrecognised(found));
        };
        assert_eq!(format.name(), self.format);
        let how = Extraction {
            limits,
            jobs: 2,
            space: None,
            progress: None,
        };
        let into = File::open(self.root()).unwrap();
        extract(archive.as_fd(), format, found.offset, into.as_fd(), &how)
    }

    /// The number of entries that its list has; nothing is extracted.
    pub(crate) fn listed(&self, archive: &[u8], limits: &Limits) -> Result<u64, ArchiveError> {
        fs::write(self.archive(), archive).unwrap();
        let file = File::open(self.archive()).unwrap();
        let format = Format::named(self.format).unwrap();
        Listed::read(&file, 0, format, limits).map(|listed| listed.needs().entries)
    }

    pub(crate) fn tree(&self) -> Seen {
        seen(&self.root())
    }
}

/// Moves what is in directories below `root` to the root: what removes a directory holds a
/// descriptor for each level, or takes time that grows with their square.
fn flatten(root: &Path) {
    let mut open: Vec<PathBuf> = directories(root).collect();
    let mut number = 0;
    while let Some(directory) = open.pop() {
        for inner in directories(&directory) {
            number += 1;
            let moved = root.join(format!("flattened-{number}"));
            if fs::rename(inner, &moved).is_ok() {
                open.push(moved);
            }
        }
    }
}

fn directories(of: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.map(|entry| entry.path())
}

fn unlock(directory: &Path) {
    let _ = fs::set_permissions(directory, PermissionsExt::from_mode(0o700));
    for inner in directories(directory) {
        unlock(&inner);
    }
}

/// Everything below `root`, which no symbolic link is followed out of.
pub(crate) fn seen(root: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            let facts = fs::symlink_metadata(&path).unwrap();
            let content = if facts.is_symlink() {
                fs::read_link(&path)
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec()
            } else if facts.is_file() {
                fs::read(&path).unwrap_or_default()
            } else {
                open.push(path.clone());
                Vec::new()
            };
            let name = path
                .strip_prefix(root)
                .unwrap()
                .as_os_str()
                .as_bytes()
                .to_vec();
            seen.insert(name, (facts.mode(), facts.mtime(), content));
        }
    }
    seen
}
