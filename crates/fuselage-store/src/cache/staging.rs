//! What is being built, until it is whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fuselage_archive::digest;
use fuselage_linux::file_lock::{has_name, lock, lock_with_others, open_lock};
use fuselage_linux::host_facts::boot_id;
use fuselage_linux::own_directory::{open_place_at, set_mode};
use fuselage_linux::own_file::{make_file, open_file, open_file_to_read, rename, status, unlink};
use fuselage_linux::{open, process, remove_tree};

use crate::cache::build::BuildLock;
use crate::cache::entry::Entry;
use crate::cache::name::{EntryName, Kind};
use crate::cache::open::{Cache, error};
use crate::cache::sentinel::{FORMAT, Sentinel, identity};
use crate::error::{Reason, StoreError};
use crate::locate::{OWNERS, call};

/// The directory of what is being built.
pub(crate) const STAGING: &str = "staging";
/// The directory of what was taken away and is not deleted yet.
pub(crate) const TRASH: &str = "trash";
/// Locked in the directory of each build, as long as its builder is alive.
pub(crate) const ALIVE: &str = ".lock";
const TREE: &str = "tree";
const LIST: &str = "list";
const ARCHIVE: &str = "archive";
const SENTINEL: &str = "sentinel";
/// Builds of one pid that may be there: leavings, those of other pid namespaces.
const ATTEMPTS: u32 = 1000;

/// A directory in which an entry is built. It is removed when this is dropped.
#[derive(Debug)]
pub struct Staging<'a> {
    cache: &'a Cache,
    all: OwnedFd,
    name: String,
    directory: OwnedFd,
    path: PathBuf,
    _alive: OwnedFd,
}

/// A file for a copy of an archive.
#[derive(Debug)]
pub struct Snapshot {
    /// To write it.
    pub writer: File,
    /// To read it.
    pub reader: File,
}

/// What is known of an entry when it is built.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The file name of the archive, for people.
    pub source: String,
    /// Its format.
    pub archive_format: String,
    /// Bytes of the decoded archive.
    pub archive_bytes: u64,
    /// Entries of the tree; of an image 1.
    pub entries: u64,
    /// Bytes of the files of the tree, or of the image.
    pub bytes: u64,
    /// Whether it is known that nobody but the owner may write to anything in it.
    pub closed: bool,
}

impl Cache {
    /// Makes a directory to build in.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn stage(&self) -> Result<Staging<'_>, StoreError> {
        let all = self.own_directory(STAGING)?;
        let path = self.path.join(STAGING);
        let failed = |path: &Path, what| {
            let path = path.to_owned();
            move |source| error(&path, call(what, &path)(source))
        };
        for attempt in 0..ATTEMPTS {
            let name = format!("{}.{attempt}", process::own_pid());
            let path = path.join(&name);
            match open::make_directory_at(all.as_fd(), Path::new(&name)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => return Err(failed(&path, "make the directory")(source)),
            }
            let claimed = claim(&all, &name).map_err(failed(&path, "lock"))?;
            if let Some((directory, alive)) = claimed {
                return Ok(Staging {
                    cache: self,
                    all,
                    name,
                    directory,
                    path,
                    _alive: alive,
                });
            }
        }
        Err(failed(&path, "make a directory in")(
            io::ErrorKind::AlreadyExists.into(),
        ))
    }

    /// Puts away what stands under the name of an entry, whatever it is: into the trash, since a run
    /// may still have it mounted.
    ///
    /// # Errors
    /// A run is starting with it; something is there that cannot be moved.
    pub(crate) fn put_away(&self, name: &EntryName) -> io::Result<()> {
        let sentinel = name.sentinel();
        match open_file(&self.directory, &sentinel) {
            Ok(file) => {
                if !lock(&file)? {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                // First: without it nobody uses the rest.
                unlink(&self.directory, &sentinel)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => self.throw_away(&sentinel)?,
        }
        self.throw_away(&name.list())?;
        self.throw_away(&name.to_string())
    }

    /// Moves an entry of the directory into the trash, if it is there.
    pub(crate) fn throw_away(&self, name: &str) -> io::Result<()> {
        if let Err(error) = self.renamed_into_trash(name)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        Ok(())
    }

    fn renamed_into_trash(&self, name: &str) -> io::Result<()> {
        let trash = self.own_directory(TRASH).map_err(io::Error::other)?;
        let now = now().as_nanos();
        rename(
            &self.directory,
            name,
            &trash,
            &format!("{name}.{now}.{}", process::own_pid()),
        )
    }
}

/// Locks a new directory; `None`: somebody took it for one whose builder is gone.
fn claim(all: &OwnedFd, name: &str) -> io::Result<Option<(OwnedFd, OwnedFd)>> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(error),
    };
    let directory = match open_place_at(all, OsStr::new(name)) {
        Ok(directory) => directory,
        Err(error) => return gone(error),
    };
    set_mode(&directory, OWNERS)?;
    match open_lock(directory.as_fd(), ALIVE.as_bytes()) {
        Ok(Some(alive)) => Ok((lock(&alive)? && has_name(&alive)?).then_some((directory, alive))),
        Ok(None) => Ok(None),
        Err(error) => gone(error),
    }
}

impl Staging<'_> {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Itself (`O_PATH`).
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Makes the root directory of the tree, empty, and opens it (`O_PATH`).
    ///
    /// # Errors
    /// What mkdirat(2) and openat(2) say.
    pub fn make_tree(&self) -> io::Result<OwnedFd> {
        open::make_directory_at(self.directory.as_fd(), Path::new(TREE))?;
        open_place_at(&self.directory, OsStr::new(TREE))
    }

    /// Makes the file for the list of the tree's files.
    ///
    /// # Errors
    /// What openat(2) says.
    pub fn make_list(&self) -> io::Result<File> {
        make_file(&self.directory, LIST, self.cache.file_mode())
    }

    /// Makes the file for a copy of the archive, which becomes the data of an image.
    ///
    /// # Errors
    /// What openat(2) says.
    pub fn make_snapshot(&self) -> io::Result<Snapshot> {
        Ok(Snapshot {
            writer: make_file(&self.directory, ARCHIVE, self.cache.file_mode())?,
            reader: open_file_to_read(&self.directory, ARCHIVE)?,
        })
    }

    /// Makes an entry of what was built: puts away what stands under its name, renames list and data,
    /// and the sentinel last.
    ///
    /// # Errors
    /// Nothing was built; a run is starting with what is there; a call failed. What was renamed by then
    /// is a leaving.
    pub fn publish(self, lock: &BuildLock<'_>, new: NewEntry) -> io::Result<Entry> {
        let (name, cache) = (lock.name(), self.cache);
        let to = &cache.directory;
        cache.put_away(&name)?;
        let list = match name.kind {
            Kind::Tree => {
                let list = open_file_to_read(&self.directory, LIST)?;
                let digest = digest(list.as_fd(), 0, None).map_err(io::Error::other)?;
                rename(&self.directory, LIST, to, &name.list())?;
                Some(digest)
            }
            Kind::Image => None,
        };
        let text = name.to_string();
        let built = match name.kind {
            Kind::Tree => TREE,
            Kind::Image => ARCHIVE,
        };
        rename(&self.directory, built, to, &text)?;
        let data = match name.kind {
            Kind::Tree => open_place_at(to, OsStr::new(&text))?,
            Kind::Image => open_file_to_read(to, &text)?.into(),
        };
        let sentinel = Sentinel {
            format: FORMAT,
            kind: name.kind,
            source: new.source,
            archive_format: new.archive_format,
            archive_bytes: new.archive_bytes,
            entries: new.entries,
            bytes: new.bytes,
            created: now().as_secs(),
            boot: boot_id(),
            synced: false,
            data: identity(&status(&data)?),
            list,
            closed: new.closed,
        };
        let mut file = make_file(&self.directory, SENTINEL, cache.file_mode())?;
        file.write_all(&sentinel.encode()?)?;
        // Before it has its name, so that nobody takes it away in between.
        if !lock_with_others(&file)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        rename(&self.directory, SENTINEL, to, &name.sentinel())?;
        Ok(Entry {
            sentinel,
            lock: file,
            data,
            path: cache.path.join(text),
        })
    }

    /// The error of something that was done to a file in it.
    pub fn failed(&self, what: &'static str, source: io::Error) -> StoreError {
        let reason: Reason = call(what, &self.path)(source);
        error(&self.path, reason)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What stays is a leaving, which goes with the next prune.
        let _ = remove_tree::remove_contents(self.directory.as_fd(), ALIVE.as_bytes());
        let _ = remove_tree::remove_entry(self.directory.as_fd(), ALIVE.as_bytes());
        let _ = remove_tree::remove_directory(self.all.as_fd(), self.name.as_bytes());
    }
}

fn now() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
