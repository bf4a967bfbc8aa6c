//! A zip whose entries lie in each other.

use crate::hostile::bombs::first;
use crate::zip_builder::{Entry, deflate, file, zip};

/// Entries of a bomb of David Fifield ("A better zip bomb", 2019): each has the header and the
/// content of the next one in it, so that with one body they need room for one.
pub(crate) fn quoted_entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![file("f09", &[0; 200_000])];
    for number in (0..9).rev() {
        let next = &entries[0];
        let packed = packed(next);
        let header = header_of(next);
        let length = header.len() as u16;
        let quote = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
        let content = [&header, &next.content[..]].concat();
        entries.insert(
            0,
            Entry {
                packed: Some([quote, header, packed].concat()),
                ..file(&format!("f{number:02}"), &content)
            },
        );
    }
    entries
}

fn packed(entry: &Entry) -> Vec<u8> {
    let packed = entry.packed.clone();
    packed.unwrap_or_else(|| deflate(&entry.content))
}

fn header_of(entry: &Entry) -> Vec<u8> {
    let length = 30 + entry.name.len() + entry.extra.len();
    zip(std::slice::from_ref(entry))[..length].to_vec()
}

/// The zip in which each of those entries lies in the one before it.
pub(crate) fn overlapping(entries: &[Entry]) -> Vec<u8> {
    let whole = zip(entries);
    let central = first(&whole, b"PK\x01\x02");
    let mut bytes = [header_of(&entries[0]), packed(&entries[0])].concat();
    let body = bytes.len();
    bytes.extend(&whole[central..]);
    let (mut at, mut offset) = (body, 0u32);
    for entry in entries {
        bytes[at + 42..at + 46].copy_from_slice(&offset.to_le_bytes());
        at += 46 + entry.name.len() + entry.extra.len();
        // Behind the header and the five bytes that quote the next one.
        offset += header_of(entry).len() as u32 + 5;
    }
    let end = bytes.len() - 22;
    bytes[end + 16..end + 20].copy_from_slice(&(body as u32).to_le_bytes());
    bytes
}
