//! An entry of a cache as a listing shows it.

use std::io::Read;
use std::os::fd::BorrowedFd;

use fuselage_linux::entry_facts::{EntryFacts, entry_facts, open_facts};
use fuselage_linux::host_facts::boot_id;
use fuselage_linux::own_file::open_file_to_read;
use fuselage_linux::process;
use serde::Deserialize;

use super::FORMAT;
use super::file_name::AnyEntryName;
use super::listing::Use;
use super::sentinel::{LONGEST, identity};

/// What a cache entry is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntry {
    /// `<digest>-<format>`, of an image with `.sfs`.
    pub name: String,
    /// A decoded image, and no tree.
    pub is_image: bool,
    /// Of the decoded archive.
    pub digest: String,
    /// File name of the archive.
    pub source: String,
    /// Name of the archive's format.
    pub archive_format: String,
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of the unpacked tree.
    pub bytes: u64,
    /// Seconds since the epoch.
    pub created: i64,
    /// Nanoseconds since the epoch.
    pub last_use: i128,
    /// It is on the disk.
    pub synced: bool,
    /// Whether a run may use it.
    pub state: State,
    /// Whether somebody has it mounted.
    pub in_use: Use,
    /// What its sentinel was like, for a decision.
    pub token: String,
}

/// Whether a run may use an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It may.
    Valid,
    /// Only after it was compared with its list; why.
    Doubtful(String),
    /// Never; why.
    Invalid(String),
}

/// The fields of a sentinel. Those that only tell something may be missing.
#[derive(Default, Deserialize)]
struct Written {
    format: u32,
    kind: String,
    #[serde(default)]
    source: String,
    #[serde(default, rename = "archiveFormat")]
    archive_format: String,
    #[serde(default, rename = "archiveBytes")]
    archive_bytes: u64,
    #[serde(default)]
    entries: u64,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    boot: String,
    #[serde(default)]
    synced: bool,
    #[serde(default)]
    data: String,
}

/// Who looks, and when.
pub(super) struct Observer {
    user: u32,
    boot: String,
}

impl Observer {
    pub(super) fn current() -> Self {
        Self {
            user: process::ids()[0],
            boot: boot_id(),
        }
    }
}

impl ListedEntry {
    /// Looks at an entry; `None`: its sentinel is gone.
    pub(super) fn look(
        cache: BorrowedFd<'_>,
        name: AnyEntryName<'_>,
        observer: &Observer,
        in_use: Use,
    ) -> Option<Self> {
        let sentinel = name.sentinel();
        let facts = entry_facts(cache, sentinel.as_bytes()).ok()??;
        let (written, state) = match read(cache, &sentinel, &facts) {
            Ok(written) => {
                let state = judge(&written, cache, name, &facts, observer);
                (written, state)
            }
            Err(why) => (Written::default(), State::Invalid(why)),
        };
        Some(Self {
            name: name.whole.to_owned(),
            is_image: name.is_image,
            digest: name.digest.to_owned(),
            source: written.source,
            archive_format: written.archive_format,
            archive_bytes: written.archive_bytes,
            entries: written.entries,
            bytes: written.bytes,
            created: written.created,
            last_use: facts.status.modified,
            synced: written.synced,
            state,
            in_use,
            token: facts.identity,
        })
    }
}

fn read(cache: BorrowedFd<'_>, sentinel: &str, facts: &EntryFacts) -> Result<Written, String> {
    if !facts.status.is_file {
        return Err("its sentinel is no file".to_owned());
    }
    let unreadable = |error: std::io::Error| format!("its sentinel cannot be read: {error}");
    let file = open_file_to_read(cache, sentinel).map_err(unreadable)?;
    if open_facts(&file).map_err(unreadable)?.identity != facts.identity {
        return Err("its sentinel was changed just now".to_owned());
    }
    let mut text = Vec::new();
    file.take(LONGEST)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    serde_json::from_slice(&text).map_err(|error| format!("its sentinel is garbage: {error}"))
}

fn judge(
    written: &Written,
    cache: BorrowedFd<'_>,
    name: AnyEntryName<'_>,
    sentinel: &EntryFacts,
    observer: &Observer,
) -> State {
    let invalid = |why: &str| State::Invalid(why.to_owned());
    if written.format != FORMAT || name.format != FORMAT.to_string() {
        return invalid("it is of another version of fuselage");
    }
    let kind = if name.is_image { "image" } else { "tree" };
    if written.kind != kind {
        return invalid("its sentinel is of another kind of entry");
    }
    let data = match entry_facts(cache, name.whole.as_bytes()) {
        Ok(Some(data)) => data,
        Ok(None) => return invalid("its data is missing"),
        Err(error) => return State::Invalid(format!("its data cannot be looked at: {error}")),
    };
    let is_of_kind = match name.is_image {
        true => data.status.is_file,
        false => data.status.is_directory,
    };
    if !is_of_kind {
        return invalid("its data is of another kind of file");
    }
    if [sentinel.status.owner, data.status.owner] != [observer.user; 2] {
        return invalid("it belongs to another user");
    }
    if written.data != identity(&data.status) {
        return State::Doubtful("its data was changed, or copied from elsewhere".to_owned());
    }
    if !written.synced && (written.boot.is_empty() || written.boot != observer.boot) {
        return State::Doubtful("the host went down before it was on the disk".to_owned());
    }
    State::Valid
}
