//! Compares two trees to the byte.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::place::{Seen, seen};

/// Makes sure that `found` is what was `expected` of `what`: names, types, modes, times, contents
/// and targets.
pub(crate) fn assert_same(found: &Seen, expected: &Seen, what: &str) {
    let without = |one: &Seen, other: &Seen| -> Vec<String> {
        one.keys()
            .filter(|name| !other.contains_key(*name))
            .map(|name| name.escape_ascii().to_string())
            .collect()
    };
    let (missing, more) = (without(expected, found), without(found, expected));
    assert!(
        missing.is_empty() && more.is_empty(),
        "{what}: missing: {missing:#?}, more: {more:#?}"
    );
    for (name, (mode, seconds, content)) in expected {
        let found = &found[name];
        let name = name.escape_ascii();
        assert!(
            (found.0, found.1) == (*mode, *seconds),
            "{what}: {name}: {:o} of {}, expected: {mode:o} of {seconds}",
            found.0,
            found.1
        );
        assert!(found.2 == *content, "{what}: the content of {name}");
    }
}

/// As an extraction has it: set-uid, set-gid and sticky bits are never restored.
pub(crate) fn without_special_bits(mut seen: Seen) -> Seen {
    seen.values_mut().for_each(|(mode, ..)| *mode &= !0o7000);
    seen
}

/// What no tool changes.
pub(crate) fn without_times(seen: &Seen) -> Seen {
    let entries = seen.iter();
    entries
        .map(|(name, (mode, _, content))| (name.clone(), (*mode, 0, content.clone())))
        .collect()
}

/// Makes sure that the same paths are names of one file in both trees, and that no file takes more
/// room in `ours`.
pub(crate) fn assert_same_files(ours: &Path, theirs: &Path, what: &str) {
    let (ours, theirs) = (files(ours), files(theirs));
    for (path, (name, room)) in &ours {
        let (their_name, their_room) = &theirs[path];
        let path = path.escape_ascii();
        assert!(name == their_name, "{what}: {path} is another file");
        // File systems count what they need themselves, too.
        let most = their_room + their_room / 8 + (64 << 10);
        assert!(
            *room <= most,
            "{what}: {path} takes {room} bytes, expected: {their_room}"
        );
    }
}

/// Of each path the first one that is the same file, and the bytes that it takes on the disk.
fn files(root: &Path) -> BTreeMap<Vec<u8>, (Vec<u8>, u64)> {
    let mut first = HashMap::new();
    let paths = seen(root).into_keys();
    let facts = paths.map(|path| {
        let facts = root.join(OsStr::from_bytes(&path)).symlink_metadata();
        let facts = facts.unwrap();
        let name = first.entry(facts.ino()).or_insert_with(|| path.clone());
        // In units of 512 bytes (stat(2)).
        let file = (name.clone(), facts.blocks() * 512);
        (path, file)
    });
    facts.collect()
}
