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
use crate::cache::read::read;
use crate::cache::sentinel::{FORMAT, LONGEST, Sentinel, identity, mark};

/// What a cache has under a name.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one of it for each tree, for an instant"
)]
pub enum Found {
    /// It can be used.
    Entry(Entry),
    /// It was made by a run of fuselage and is not known to be whole: it was copied, or the host was
    /// started again before it was on the disk. Why, in words.
    Doubtful(&'static str),
    /// Nothing that means anything. Why, in words.
    Nothing(&'static str),
}

/// An entry that was looked at and not used.
#[derive(Debug)]
pub struct Examined {
    /// Itself, locked.
    pub entry: Entry,
    /// Why it is not known to be whole, in words; `None`: it can be used.
    pub doubt: Option<&'static str>,
    /// That of its data when it was looked at.
    pub(crate) identity: String,
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
        let bytes = read(&self.lock, LONGEST)?;
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
    ///
    /// Where the file system has no locks nothing is found, and [`Cache::try_build`] has the error.
    pub fn find(&self, name: &EntryName) -> Found {
        match self.examine(name) {
            Err(why) => Found::Nothing(why),
            Ok(Examined {
                doubt: Some(why), ..
            }) => Found::Doubtful(why),
            Ok(Examined { entry, .. }) => {
                if !self.is_other() {
                    // It goes sooner where that fails, and is used all the same.
                    let _ = touch(&entry.lock);
                }
                Found::Entry(entry)
            }
        }
    }

    /// As [`Cache::find`], and an entry that is not known to be whole as well, to compare it with its
    /// list and to [seal](Cache::seal) it. Its last use stays as it was.
    ///
    /// # Errors
    /// Why there is nothing that means anything, in words.
    pub fn examine(&self, name: &EntryName) -> Result<Examined, &'static str> {
        let lock = self.open_sentinel(name)?;
        let sentinel = self.read_sentinel(&lock, name)?;
        let data = self.open_data(name)?;
        let found = status(&data).map_err(|_| "its data cannot be read")?;
        let is_of_kind = match name.kind {
            Kind::Tree => found.is_directory,
            Kind::Image => found.is_file,
        };
        if !is_of_kind {
            return Err("its data is of another kind");
        }
        if !self.trusts(&found) {
            return Err("its data is somebody else's");
        }
        let doubt = self.doubt(name, &sentinel, &found);
        let entry = Entry {
            sentinel,
            lock,
            data,
            path: self.path.join(name.to_string()),
        };
        Ok(Examined {
            entry,
            doubt,
            identity: identity(&found),
        })
    }

    /// Opens the list of the files of a tree.
    ///
    /// # Errors
    /// What openat(2) says; `EACCES`: it is somebody else's, or no file.
    pub fn open_list(&self, name: &EntryName) -> io::Result<File> {
        let list = open_file_to_read(&self.directory, &name.list())?;
        let found = status(&list)?;
        match found.is_file && self.trusts(&found) {
            true => Ok(list),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    /// Opens and locks a sentinel that has its name.
    fn open_sentinel(&self, name: &EntryName) -> Result<File, &'static str> {
        let opened = match self.is_other() {
            true => open_file_to_read(&self.directory, &name.sentinel()),
            false => open_file(&self.directory, &name.sentinel()),
        };
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "it is not there",
            _ => "it cannot be read",
        })?;
        // Who takes it away has it locked alone, and has removed its name when the lock is free.
        match lock_with_others(&file) {
            Ok(true) => Ok(file),
            Ok(false) => Err("it is being taken away"),
            // Nobody can take it away in the same way there either.
            Err(_) if self.is_other() => Ok(file),
            Err(_) => Err("it cannot be locked"),
        }
    }

    fn read_sentinel(&self, file: &File, name: &EntryName) -> Result<Sentinel, &'static str> {
        let found = status(file).map_err(|_| "it cannot be read")?;
        if found.names == 0 {
            return Err("it was taken away");
        }
        if !found.is_file || found.size > LONGEST {
            return Err("its sentinel is damaged");
        }
        if !self.trusts(&found) {
            return Err("its sentinel is somebody else's");
        }
        let bytes = read(file, LONGEST).map_err(|_| "it cannot be read")?;
        let sentinel = Sentinel::decode(&bytes).ok_or("its sentinel is damaged")?;
        match sentinel.format == FORMAT && sentinel.kind == name.kind {
            true => Ok(sentinel),
            false => Err("its sentinel is that of something else"),
        }
    }

    pub(crate) fn open_data(&self, name: &EntryName) -> Result<OwnedFd, &'static str> {
        let text = name.to_string();
        let data = match name.kind {
            Kind::Tree => open_place_at(&self.directory, OsStr::new(&text)),
            Kind::Image => open_file_to_read(&self.directory, &text).map(OwnedFd::from),
        };
        data.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "its data is gone",
            io::ErrorKind::NotADirectory => "its data is of another kind",
            _ => "its data cannot be read",
        })
    }

    fn is_other(&self) -> bool {
        matches!(self.ownership, Ownership::Other { .. })
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

    fn doubt(&self, name: &EntryName, sentinel: &Sentinel, data: &Status) -> Option<&'static str> {
        if let Ownership::Other { closed } = self.ownership {
            // Who may write there has put it there whole; copies have other inodes.
            if !sentinel.synced || !(closed || sentinel.closed) {
                return Some("it was not made for others (`fuselage cache add --to`)");
            }
            let has_list = sentinel.list.is_none() || self.open_list(name).is_ok();
            return (!has_list).then_some("its list is gone, or somebody else's");
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
