//! What is being built, until it is whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use fuselage_archive::{Digest, digest};
use fuselage_linux::entry_facts::move_entry;
use fuselage_linux::file_lock::lock_with_others;
use fuselage_linux::host_facts::boot_id;
use fuselage_linux::own_directory::{open_place_at, set_mode};
use fuselage_linux::own_file::{make_file, open_file_to_read, rename, status};
use fuselage_linux::process::{self, Pid};
use fuselage_linux::{open, remove_tree};

use crate::cache::build::BuildLock;
use crate::cache::entry::Entry;
use crate::cache::listing::now;
use crate::cache::name::{EntryName, Kind};
use crate::cache::open::{Cache, error};
use crate::cache::sentinel::{FORMAT, Sentinel, identity};
use crate::error::StoreError;
use crate::living_directory::{LivingDirectory, sweep_all};
use crate::locate::OWNERS;

/// The directory of what is being built.
pub(crate) const STAGING: &str = "staging";
const TREE: &str = "tree";
const LIST: &str = "list";
const ARCHIVE: &str = "archive";
const SENTINEL: &str = "sentinel";
/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;
/// A directory in which an entry is built. It is removed when this is dropped.
#[derive(Debug)]
pub struct Staging<'a> {
    cache: &'a Cache,
    own: LivingDirectory,
    /// A copy in a forked process removes nothing.
    maker: Pid,
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
    /// Makes a directory to build in, and removes those whose builders were killed.
    ///
    /// # Errors
    /// The cache cannot be written.
    pub fn stage(&self) -> Result<Staging<'_>, StoreError> {
        let all = self.own_directory(STAGING)?;
        sweep_all(&all);
        let at = self.path.join(STAGING);
        let maker = process::own_pid();
        let own = LivingDirectory::make(all, &at, &format!("{maker}.0"))
            .map_err(|reason| error(&at, reason))?;
        Ok(Staging {
            cache: self,
            own,
            maker,
        })
    }
}

impl Staging<'_> {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.own.path()
    }

    /// Itself (`O_PATH`).
    pub fn directory(&self) -> BorrowedFd<'_> {
        self.own.directory()
    }

    /// Makes the root directory of the tree, empty, and opens it (`O_PATH`).
    ///
    /// # Errors
    /// What mkdirat(2) and openat(2) say.
    pub fn make_tree(&self) -> io::Result<OwnedFd> {
        open::make_directory_at(self.directory(), Path::new(TREE))?;
        let tree = open_place_at(self.directory(), OsStr::new(TREE))?;
        // The umask may have taken rights from its owner.
        set_mode(&tree, OWNERS)?;
        Ok(tree)
    }

    /// Makes the file for the list of the tree's files.
    ///
    /// # Errors
    /// What openat(2) says.
    pub fn make_list(&self) -> io::Result<File> {
        make_file(self.directory(), LIST, self.cache.file_mode())
    }

    /// Makes the file for a copy of the archive, which becomes the data of an image.
    ///
    /// # Errors
    /// What openat(2) says.
    pub fn make_snapshot(&self) -> io::Result<Snapshot> {
        Ok(Snapshot {
            writer: make_file(self.directory(), ARCHIVE, self.cache.file_mode())?,
            reader: open_file_to_read(self.directory(), ARCHIVE)?,
        })
    }

    /// Makes an entry of what was built: puts away what stands under its name, renames list and data,
    /// and the sentinel last.
    ///
    /// # Errors
    /// Nothing was built; a run is starting with what is there; a call failed. What was renamed by then
    /// is removed, or else a leaving.
    pub fn publish(self, lock: &BuildLock<'_>, new: NewEntry) -> io::Result<Entry> {
        let name = lock.name();
        self.cache.put_away(&name)?;
        let published = self.publish_data(&name, new);
        if published.is_err() {
            // It may be large, and no sentinel says that it may be used.
            for name in [name.list(), name.to_string()] {
                let _ = remove_tree::remove_entry(self.cache.directory(), name.as_bytes());
            }
        }
        published
    }

    fn publish_data(&self, name: &EntryName, new: NewEntry) -> io::Result<Entry> {
        let list = match name.kind {
            Kind::Tree => Some(self.publish_list(name)?),
            Kind::Image => None,
        };
        let data = self.move_data(name)?;
        // Only now: renaming has changed its ctime.
        let identity = identity(&status(&data)?);
        let sentinel = Sentinel {
            format: FORMAT,
            kind: name.kind,
            source: new.source,
            archive_format: new.archive_format,
            archive_bytes: new.archive_bytes,
            entries: new.entries,
            bytes: new.bytes,
            created: u64::try_from(now() / SECOND).unwrap_or(0),
            boot: boot_id(),
            synced: false,
            data: identity,
            list,
            closed: new.closed,
        };
        self.publish_sentinel(name, sentinel, data)
    }

    /// Renames the list, and returns its digest.
    fn publish_list(&self, name: &EntryName) -> io::Result<Digest> {
        let list = open_file_to_read(self.directory(), LIST)?;
        let digest = digest(list.as_fd(), 0, None).map_err(io::Error::other)?;
        rename(self.directory(), LIST, self.cache.directory(), &name.list())?;
        Ok(digest)
    }

    fn move_data(&self, name: &EntryName) -> io::Result<OwnedFd> {
        let (to, text) = (self.cache.directory(), name.to_string());
        let built = match name.kind {
            Kind::Tree => TREE,
            Kind::Image => ARCHIVE,
        };
        let from = (self.directory(), built.as_bytes());
        if !move_entry(from, (to, text.as_bytes()))? {
            return Err(io::ErrorKind::NotFound.into());
        }
        match name.kind {
            Kind::Tree => {
                let tree = open_place_at(to, OsStr::new(&text))?;
                self.cache.open_to_readers(&tree)?;
                Ok(tree)
            }
            Kind::Image => Ok(open_file_to_read(to, &text)?.into()),
        }
    }

    /// Writes the sentinel where nobody sees it, and renames it.
    pub(crate) fn publish_sentinel(
        &self,
        name: &EntryName,
        sentinel: Sentinel,
        data: OwnedFd,
    ) -> io::Result<Entry> {
        let mut file = make_file(self.directory(), SENTINEL, self.cache.file_mode())?;
        file.write_all(&sentinel.encode()?)?;
        // Before it has its name, so that nobody takes it away in between.
        if !lock_with_others(&file)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let to = self.cache.directory();
        rename(self.directory(), SENTINEL, to, &name.sentinel())?;
        Ok(Entry {
            sentinel,
            lock: file,
            data,
            path: self.cache.path.join(name.to_string()),
        })
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if self.maker == process::own_pid() {
            // What stays is a leaving, which goes with the next build or prune.
            let _ = self.own.erase();
        }
    }
}
