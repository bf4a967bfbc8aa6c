//! The sentinel of an entry: what says that it is whole, and what is known of it.

use fuselage_archive::Digest;
use fuselage_linux::own_file::Status;
use serde::{Deserialize, Serialize};

use crate::cache::name::Kind;

/// The number of the format of the cache. It is part of every name: another format finds nothing of
/// this one.
pub const FORMAT: u32 = 1;

/// The most bytes of a sentinel.
pub(crate) const LONGEST: u64 = 64 << 10;

/// What a sentinel says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sentinel {
    /// [`FORMAT`].
    pub format: u32,
    /// What is kept.
    pub kind: Kind,
    /// The file name of the archive that it was made of, for people.
    pub source: String,
    /// The format of that archive.
    pub archive_format: String,
    /// Bytes of the decoded archive.
    pub archive_bytes: u64,
    /// Entries of the tree; of an image 1.
    pub entries: u64,
    /// Bytes of the files of the tree, or of the image.
    pub bytes: u64,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// During which run of the host it was made.
    pub boot: String,
    /// Whether all of it is on the disk. Until then it is good for that run of the host alone.
    pub synced: bool,
    /// The identity of the data ([`identity`]) when this was written.
    pub data: String,
    /// The digest of the list of files; of an image nothing.
    pub list: Option<Digest>,
    /// Whether nobody but the owner may write to anything in it.
    pub closed: bool,
}

const UNSYNCED: &[u8] = b"\"synced\":false";
/// As long, so that it can be written in place.
const SYNCED: &[u8] = b"\"synced\":true ";

impl Sentinel {
    /// As it is written.
    pub(crate) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// What was written, unless it is garbage.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// Where in a written sentinel it says that not all is on the disk, and what is to be there once it
/// is.
pub(crate) fn mark(bytes: &[u8]) -> Option<(u64, &'static [u8])> {
    // The keys come in a fixed order, and text before it has its quotes escaped.
    let at = bytes
        .windows(UNSYNCED.len())
        .position(|window| window == UNSYNCED)?;
    Some((at as u64, SYNCED))
}

/// Which tree or image it is, as it is, over starts of the host; of a tree its root directory. A copy
/// has another one, and so has a tree in whose root something was made or removed.
pub(crate) fn identity(data: &Status) -> String {
    let Status {
        inode,
        size,
        modified,
        changed,
        is_directory,
        ..
    } = data;
    match is_directory {
        // The size of a directory means nothing.
        true => format!("{inode}:{modified}:{changed}"),
        false => format!("{inode}:{size}:{modified}:{changed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sentinel(source: &str) -> Sentinel {
        Sentinel {
            format: FORMAT,
            kind: Kind::Tree,
            source: source.to_owned(),
            archive_format: "zip".to_owned(),
            archive_bytes: 1,
            entries: 2,
            bytes: 3,
            created: 4,
            boot: "b".to_owned(),
            synced: false,
            data: "1:2:3".to_owned(),
            list: Some(Digest::of(b"")),
            closed: false,
        }
    }

    #[test]
    fn it_is_marked_in_place() {
        for source in ["a.zip", r#"","synced":false"#, "x\\"] {
            let before = sentinel(source);
            let mut bytes = before.encode().unwrap();
            let (at, marked) = mark(&bytes).unwrap();
            let at = at as usize;
            bytes[at..at + marked.len()].copy_from_slice(marked);
            let synced = true;
            assert_eq!(
                Sentinel::decode(&bytes),
                Some(Sentinel { synced, ..before })
            );
            assert_eq!(mark(&bytes), None);
        }
    }

    #[test]
    fn garbage_is_none() {
        let whole = sentinel("a").encode().unwrap();
        assert!(Sentinel::decode(&whole).is_some(), "the twin");
        assert_eq!(Sentinel::decode(&whole[..whole.len() - 1]), None);
        for garbage in [&b""[..], b"{}", b"\0\0\0", b"[1]"] {
            assert_eq!(Sentinel::decode(garbage), None);
        }
    }
}
