//! Digests of archives by what their files are like, so that a start need not read them.

use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fuselage_archive::Digest;
use fuselage_linux::host_facts::boot_id;
use fuselage_linux::own_file::{
    is_settled, keeps_inode_numbers, make_file, open_file_to_read, rename, status, unlink,
};
use fuselage_linux::process;
use serde::{Deserialize, Serialize};

use crate::cache::open::Cache;

/// The directory of the index.
pub(crate) const INDEX: &str = "index";
/// Digits of the digest of a path that make the name of its file: each file has the whole path in it,
/// so that two of one name do no harm.
const NAME: usize = 32;
/// The most bytes of a file of the index: a path is one of `PATH_MAX` bytes, as base64.
const LONGEST: u64 = 16 << 10;

/// What a file of the index says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Indexed {
    #[serde(flatten)]
    file: Facts,
    /// Of the decoded archive in the file.
    pub(crate) digest: Digest,
}

/// Which file was read, so that it is known again as long as it is not changed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    /// Absolute; base64, since it need not be UTF-8.
    path: String,
    inode: u64,
    size: u64,
    modified: String,
    changed: String,
    /// Where inode numbers do not last: the device and the run of the host.
    volatile: Option<(u64, String)>,
}

impl Facts {
    fn of(path: &Path, file: BorrowedFd<'_>) -> io::Result<Self> {
        let found = status(file)?;
        let volatile = match keeps_inode_numbers(file)? {
            true => None,
            false => Some((found.device, boot_id())),
        };
        Ok(Self {
            path: STANDARD.encode(path.as_os_str().as_bytes()),
            inode: found.inode,
            size: found.size,
            modified: found.modified.to_string(),
            changed: found.changed.to_string(),
            volatile,
        })
    }
}

impl Cache {
    /// The digest of the archive in `file`, which was opened at the absolute `path`, if it was noted
    /// and the file has not changed since.
    ///
    /// What is stored through a mapping of the file that exists already may show only when the kernel
    /// writes it back (mmap(2)).
    pub fn indexed(&self, path: &Path, file: BorrowedFd<'_>) -> Option<Digest> {
        let name = format!("{INDEX}/{}", name(path));
        let noted = open_file_to_read(&self.directory, &name).ok()?;
        let mut bytes = Vec::with_capacity(1024);
        noted.take(LONGEST).read_to_end(&mut bytes).ok()?;
        let noted: Indexed = serde_json::from_slice(&bytes).ok()?;
        let facts = Facts::of(path, file).ok()?;
        (facts == noted.file).then_some(noted.digest)
    }

    /// Notes the digest of an archive that was read from `begun` on; whether it was noted: a file that
    /// changed less than two seconds before may change again without that being seen.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn index(
        &self,
        path: &Path,
        file: BorrowedFd<'_>,
        begun: SystemTime,
        digest: &Digest,
    ) -> io::Result<bool> {
        if !is_settled(file, begun)? {
            return Ok(false);
        }
        let noted = Indexed {
            file: Facts::of(path, file)?,
            digest: *digest,
        };
        let directory = self.own_directory(INDEX).map_err(io::Error::other)?;
        let new = format!("new.{}", process::own_pid());
        unlink(&directory, &new)?;
        let bytes = serde_json::to_vec(&noted)?;
        make_file(&directory, &new, self.file_mode())?.write_all(&bytes)?;
        rename(&directory, &new, &directory, &name(path))?;
        Ok(true)
    }
}

fn name(path: &Path) -> String {
    let mut digest = Digest::of(path.as_os_str().as_bytes()).to_string();
    digest.truncate(NAME);
    digest
}
