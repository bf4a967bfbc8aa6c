//! An entry that can be used: found, locked and checked.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use fuselage_linux::file_lock::lock_with_others;
use fuselage_linux::host_facts::boot_id;
use fuselage_linux::own_directory::open_place_at;
use fuselage_linux::own_file::{
    Status, open_file, open_file_to_read, set_modified, status, sync_content, sync_file_system,
    touch,
};

use crate::cache::name::{EntryName, Kind};
use crate::cache::open::{Cache, Ownership};
use crate::cache::sentinel::{FORMAT, LONGEST, Sentinel, identity, mark};

/// What a cache has under a name.
#[derive(Debug)]
pub enum Found {
    /// It can be used.
    Entry(Entry),
    /// It was made by a run of fuselage and is not known to be whole: it was copied, or the host was
    /// started again before it was on the disk. Why, in words.
    Doubtful(&'static str),
    /// Nothing that means anything. Why, in words.
    Nothing(&'static str),
}

/// An entry that nobody takes away as long as this, or a copy of its descriptors in a forked process,
/// exists.
#[derive(Debug)]
pub struct Entry {
    pub(crate) sentinel: Sentinel,
    /// The sentinel's file, locked together with others.
    pub(crate) lock: File,
    pub(crate) data: OwnedFd,
    pub(crate) path: PathBuf,
}

impl Entry {
    /// What is known of it.
    pub fn sentinel(&self) -> &Sentinel {
        &self.sentinel
    }

    /// The root directory of a tree (`O_PATH`), an image to read.
    pub fn data(&self) -> BorrowedFd<'_> {
        self.data.as_fd()
    }

    /// Where that is.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The descriptor by which it is in use.
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// Writes it to the disk and says so in its sentinel; it is good for later runs of the host then.
    /// `cache` is the directory that it is in.
    ///
    /// # Errors
    /// What syncfs(2), pwrite(2) and fdatasync(2) say: it stays as it was.
    pub fn mark_synced(&self, cache: BorrowedFd<'_>) -> io::Result<()> {
        let bytes = read(&self.lock)?;
        let Some((at, marked)) = mark(&bytes) else {
            return Ok(());
        };
        sync_file_system(cache)?;
        let before = status(&self.lock)?;
        if before.names == 0 {
            return Ok(());
        }
        self.lock.write_all_at(marked, at)?;
        set_modified(&self.lock, before.modified)?;
        sync_content(&self.lock)
    }
}

impl Cache {
    /// Finds an entry, locks it together with others, makes sure that it is what its sentinel says,
    /// and notes that it is used now. Nothing of this grows with what is in it.
    pub fn find(&self, name: &EntryName) -> Found {
        self.look(name)
            .unwrap_or(Found::Nothing("it cannot be read"))
    }

    fn look(&self, name: &EntryName) -> io::Result<Found> {
        let lock = match open_file(&self.directory, &name.sentinel()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Found::Nothing("it is not there"));
            }
            Err(error) => return Err(error),
        };
        // Who takes it away has it locked alone, and has removed its name when the lock is free.
        if !lock_with_others(&lock)? {
            return Ok(Found::Nothing("it is being taken away"));
        }
        let found = status(&lock)?;
        if found.names == 0 || !found.is_file {
            return Ok(Found::Nothing("it was taken away"));
        }
        if !self.trusts(&found) {
            return Ok(Found::Nothing("its sentinel is somebody else's"));
        }
        let Some(sentinel) = Sentinel::decode(&read(&lock)?) else {
            return Ok(Found::Nothing("its sentinel is damaged"));
        };
        if sentinel.format != FORMAT || sentinel.kind != name.kind {
            return Ok(Found::Nothing("its sentinel is that of something else"));
        }
        let text = name.to_string();
        let data = match name.kind {
            Kind::Tree => open_place_at(&self.directory, OsStr::new(&text)),
            Kind::Image => open_file_to_read(&self.directory, &text).map(OwnedFd::from),
        };
        let Ok(data) = data else {
            return Ok(Found::Nothing("its data is gone"));
        };
        let facts = status(&data)?;
        let is_of_kind = match name.kind {
            Kind::Tree => facts.is_directory,
            Kind::Image => facts.is_file,
        };
        if !is_of_kind || !self.trusts(&facts) {
            return Ok(Found::Nothing("its data is somebody else's"));
        }
        if let Some(why) = self.doubt(&sentinel, &facts) {
            return Ok(Found::Doubtful(why));
        }
        if !matches!(self.ownership, Ownership::Other { .. }) {
            // It goes sooner where that fails, and is used all the same.
            let _ = touch(&lock);
        }
        Ok(Found::Entry(Entry {
            sentinel,
            lock,
            data,
            path: self.path.join(text),
        }))
    }

    /// Whether what was found is of who may make entries, and nobody else's to change.
    fn trusts(&self, found: &Status) -> bool {
        const WRITABLE: u32 = 0o022;
        match self.ownership {
            Ownership::Own | Ownership::Shared => found.owner == self.user.uid,
            Ownership::Other { .. } => {
                let is_known = found.owner == 0 || found.owner == self.user.uid;
                is_known && Some(found.owner) != self.user.unmapped() && found.mode & WRITABLE == 0
            }
        }
    }

    fn doubt(&self, sentinel: &Sentinel, data: &Status) -> Option<&'static str> {
        if let Ownership::Other { closed } = self.ownership {
            // Who may write there has put it there whole; copies have other inodes.
            return match sentinel.synced && (closed || sentinel.closed) {
                true => None,
                false => Some("it was not made for others (`fuselage cache add --to`)"),
            };
        }
        if identity(data) != sentinel.data {
            return Some("it was copied or changed");
        }
        if !sentinel.synced && (sentinel.boot.is_empty() || sentinel.boot != boot_id()) {
            return Some("the host was started again before it was on the disk");
        }
        None
    }
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    // In one call for all that was ever written.
    let mut bytes = vec![0; 2048];
    let mut filled = 0;
    loop {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if filled < bytes.len() || filled as u64 >= LONGEST {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        bytes.resize(bytes.len() * 2, 0);
    }
}
