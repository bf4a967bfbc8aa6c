//! What is in a cache directory and is no entry: of builders that died, of evictions, of entries that
//! are gone.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fuselage_linux::entry_facts::entry_facts;
use fuselage_linux::file_lock::is_locked;
use fuselage_linux::own_directory::open_place_at;
use fuselage_linux::own_file::open_file_to_read;
use serde::Deserialize;

use super::file_name::is_hexadecimal;
use super::index::INDEX;
use super::listing::{Use, texts};
use super::staging::STAGING;
use super::trash::{self, TRASH};
use crate::living_directory::LOCK;

/// Digits of the name of an index file.
const INDEX_DIGITS: usize = 32;
/// Bytes of an index file that are read.
const INDEX_FILE: u64 = 1 << 16;

/// Something that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Its path below the cache directory.
    pub name: String,
    /// What it is.
    pub kind: LeavingKind,
    /// Nanoseconds since the epoch: when it was evicted, of trash; else when it was changed.
    pub changed: i128,
    /// Whether somebody has it mounted.
    pub in_use: Use,
    /// Its builder lives.
    pub is_alive: bool,
    /// What it was like, for a decision.
    pub token: String,
}

/// The kinds of leavings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeavingKind {
    /// A tree or an image without sentinel.
    Data,
    /// A list without sentinel.
    List,
    /// What is or was being built.
    Staging,
    /// Evicted and not deleted yet.
    Trash,
    /// The lock of builders.
    Lock,
    /// A note on a file, with a digest that no entry has.
    Index,
    /// Anything else.
    Temporary,
}

/// Looks at something directly in the cache directory; `None`: it is gone, or cannot be looked at.
pub(super) fn look(
    cache: BorrowedFd<'_>,
    name: &str,
    kind: LeavingKind,
    in_use: Use,
) -> Option<Leaving> {
    let is_alive = kind == LeavingKind::Lock && holds(cache, name);
    in_directory(cache, "", name, kind, in_use, is_alive)
}

/// Notes of digests that no entry has, and anything that is no note.
pub(super) fn of_index(cache: BorrowedFd<'_>, digests: &HashSet<&str>) -> Vec<Leaving> {
    each(cache, INDEX, |index, name| {
        let is_note = name.len() == INDEX_DIGITS && is_hexadecimal(name);
        let kind = match is_note {
            true if noted(index, name).is_some_and(|digest| digests.contains(digest.as_str())) => {
                return None;
            }
            true => LeavingKind::Index,
            false => LeavingKind::Temporary,
        };
        in_directory(index, INDEX, name, kind, Use::No, false)
    })
}

pub(super) fn of_staging(cache: BorrowedFd<'_>) -> Vec<Leaving> {
    each(cache, STAGING, |staging, name| {
        let is_alive = open_place_at(staging, OsStr::new(name))
            .is_ok_and(|directory| holds(directory.as_fd(), LOCK));
        // What is mounted is an entry: a builder mounts nothing.
        in_directory(
            staging,
            STAGING,
            name,
            LeavingKind::Staging,
            Use::No,
            is_alive,
        )
    })
}

pub(super) fn of_trash(cache: BorrowedFd<'_>, in_use: impl Fn(&str) -> Use) -> Vec<Leaving> {
    each(cache, TRASH, |trash, name| {
        let kind = LeavingKind::Trash;
        let mut leaving = in_directory(trash, TRASH, name, kind, in_use(name), false)?;
        if let Some(times) = trash::times(name) {
            leaving.changed = times.evicted;
        }
        Some(leaving)
    })
}

/// Opens a directory of the cache (`O_PATH`); `None`: it is not there.
pub(super) fn subdirectory(cache: BorrowedFd<'_>, name: &str) -> Option<OwnedFd> {
    open_place_at(cache, OsStr::new(name)).ok()
}

fn each(
    cache: BorrowedFd<'_>,
    directory: &str,
    look: impl Fn(BorrowedFd<'_>, &str) -> Option<Leaving>,
) -> Vec<Leaving> {
    let Some(open) = subdirectory(cache, directory) else {
        return Vec::new();
    };
    let names = texts(open.as_fd()).unwrap_or_default();
    let leavings = names.iter().filter_map(|name| look(open.as_fd(), name));
    leavings.collect()
}

fn in_directory(
    parent: BorrowedFd<'_>,
    directory: &str,
    name: &str,
    kind: LeavingKind,
    in_use: Use,
    is_alive: bool,
) -> Option<Leaving> {
    let facts = entry_facts(parent, name.as_bytes()).ok()??;
    Some(Leaving {
        name: match directory {
            "" => name.to_owned(),
            _ => format!("{directory}/{name}"),
        },
        kind,
        changed: facts.status.last_change(),
        in_use,
        is_alive,
        token: facts.identity,
    })
}

/// Whether somebody holds the lock of a file.
fn holds(directory: BorrowedFd<'_>, name: &str) -> bool {
    open_file_to_read(directory, name).is_ok_and(|file| is_locked(file).unwrap_or(true))
}

/// The digest in an index file.
fn noted(index: BorrowedFd<'_>, name: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Note {
        digest: String,
    }
    let file = open_file_to_read(index, name).ok()?;
    let mut text = Vec::new();
    file.take(INDEX_FILE).read_to_end(&mut text).ok()?;
    let note: Note = serde_json::from_slice(&text).ok()?;
    Some(note.digest)
}
