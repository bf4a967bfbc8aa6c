//! Putting away what stands under the name of an entry, so that another one can take its place.

use std::io;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fuselage_linux::file_lock::lock;
use fuselage_linux::own_file::{open_file, status, unlink};

use crate::cache::listing::now;
use crate::cache::name::EntryName;
use crate::cache::open::Cache;
use crate::cache::trash::Trash;

/// How long runs that look at an entry just now, or start with it, are waited for.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(5);

impl Cache {
    /// Puts away whatever stands under the name of an entry: into the trash, since a run may have it
    /// mounted. The caller has the right to build it.
    ///
    /// # Errors
    /// `EWOULDBLOCK`: a run is starting with it. Something is there that cannot be moved.
    pub(crate) fn put_away(&self, name: &EntryName) -> io::Result<()> {
        let sentinel = name.sentinel();
        let mut last_use = now();
        let trash = match open_file(&self.directory, &sentinel) {
            Ok(file) => {
                let end = Instant::now() + PATIENCE;
                while !lock(&file)? {
                    if Instant::now() > end {
                        let why = "a run is starting with the entry that is to be replaced";
                        return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
                    }
                    sleep(PAUSE);
                }
                last_use = status(&file)?.modified;
                // First: without it nobody uses the rest.
                unlink(&self.directory, &sentinel)?;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(sentinel),
        };
        let names = trash.into_iter().chain([name.list(), name.to_string()]);
        self.throw_away(names, last_use)
    }

    /// Moves what is there of `names` into the trash, which is made only for something.
    fn throw_away(&self, names: impl Iterator<Item = String>, last_use: i128) -> io::Result<()> {
        let mut trash = None;
        for name in names {
            if !self.has(&name)? {
                continue;
            }
            let trash: &Trash = match &mut trash {
                Some(trash) => trash,
                none => none.insert(Trash::open(self)?),
            };
            trash.take(self.directory.as_fd(), &name, last_use)?;
        }
        Ok(())
    }
}
