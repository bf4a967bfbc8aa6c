//! A directory to extract into, with something beside it that must stay as it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fuselage_archive::{ArchiveError, Extracted, Extraction, Format, Limits, Space, extract};

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
        fs::write(directory.path().join("outside/precious"), "as it was").unwrap();
        Self { directory, format }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Everything but the root and the archive.
    pub(crate) fn outside(&self) -> Seen {
        let mut seen = seen(&self.directory.path().join("outside"));
        for entry in fs::read_dir(self.directory.path()).unwrap() {
            seen.insert(
                entry.unwrap().file_name().as_bytes().to_vec(),
                (0, 0, Vec::new()),
            );
        }
        seen.remove(&b"archive"[..]);
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

    pub(crate) fn tree(&self) -> Seen {
        seen(&self.root())
    }
}

fn unlock(directory: &Path) {
    let _ = fs::set_permissions(directory, PermissionsExt::from_mode(0o700));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            unlock(&entry.path());
        }
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
