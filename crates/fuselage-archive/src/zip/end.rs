//! The end of a zip, where the central directory is found.

use crate::error::ArchiveError;
use crate::source::Source;
use crate::zip::fields::Fields;

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64: &[u8] = b"PK\x06\x06";
const END64_LENGTH: u64 = 56;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LENGTH: u64 = 20;
const LONGEST_COMMENT: usize = 0xffff;
const CENTRAL: &[u8] = b"PK\x01\x02";

/// Where the central directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Central {
    /// Where its first byte is in the file.
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) entries: u64,
    /// Bytes before the archive, which its own offsets do not count.
    pub(crate) base: u64,
}

/// Whether the last bytes of a file of `length` bytes end as a zip does, with a central directory
/// that fits into the file.
pub(crate) fn ends_like_zip(tail: &[u8], length: u64) -> bool {
    find_end(tail).is_some_and(|at| {
        let mut fields = Fields(&tail[at + 12..]);
        let (Ok(size), Ok(offset)) = (fields.u32(), fields.u32()) else {
            return false;
        };
        let end = length - (tail.len() - at) as u64;
        let is_zip64 = size == u32::MAX || offset == u32::MAX;
        if is_zip64 {
            let locator = at.checked_sub(LOCATOR_LENGTH as usize);
            return locator.is_some_and(|at| tail[at..].starts_with(LOCATOR));
        }
        let begins = at.checked_sub(size as usize).map(|begin| &tail[begin..]);
        u64::from(size) + u64::from(offset) <= end
            && (size == 0 || begins.is_none_or(|bytes| bytes.starts_with(CENTRAL)))
    })
}

/// The last end record whose comment reaches the end of the file exactly.
fn find_end(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(END_LENGTH)?;
    (0..=last).rev().find(|at| {
        tail[*at..].starts_with(END) && {
            let comment = u16::from_le_bytes([tail[at + 20], tail[at + 21]]);
            at + END_LENGTH + usize::from(comment) == tail.len()
        }
    })
}

/// Reads where the central directory is.
pub(crate) fn read_end(source: &Source<'_>) -> Result<Central, ArchiveError> {
    let length = source.length();
    let damaged = |what: &str| ArchiveError::Damaged {
        entry: None,
        what: what.to_owned(),
    };
    let size = (END_LENGTH + LONGEST_COMMENT).min(usize::try_from(length).unwrap_or(usize::MAX));
    let mut tail = vec![0; size];
    source.read_exact_at(&mut tail, length - size as u64)?;
    let at = find_end(&tail)
        .ok_or_else(|| damaged("the end of the archive is missing: it was cut off"))?;
    let end = length - (size - at) as u64;
    let mut fields = Fields(&tail[at + 4..]);
    let (disk, central_disk, here) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let mut central = Central {
        entries: fields.u16()?.into(),
        length: fields.u32()?.into(),
        offset: fields.u32()?.into(),
        base: 0,
    };
    let zip64 = read_end64(source, end)?;
    let end = match zip64 {
        Some((values, at)) => {
            central = values;
            at
        }
        None => end,
    };
    let split_over_disks =
        zip64.is_none() && (disk != 0 || central_disk != 0 || u64::from(here) != central.entries);
    if split_over_disks {
        let what = "the archive is one of several parts";
        return Err(ArchiveError::Unsupported {
            entry: None,
            what: what.to_owned(),
        });
    }
    // The central directory ends where its end record begins; what is missing to its own offset
    // lies before the archive.
    let begin = end
        .checked_sub(central.length)
        .ok_or_else(|| damaged("the central directory is longer than the file"))?;
    central.base = begin
        .checked_sub(central.offset)
        .ok_or_else(|| damaged("the central directory is not where the archive says"))?;
    central.offset = begin;
    Ok(central)
}

/// The values of the zip64 end record before `end`, and where it is, if there is one.
fn read_end64(source: &Source<'_>, end: u64) -> Result<Option<(Central, u64)>, ArchiveError> {
    let Some(at) = end.checked_sub(LOCATOR_LENGTH) else {
        return Ok(None);
    };
    let mut locator = [0; LOCATOR_LENGTH as usize];
    source.read_exact_at(&mut locator, at)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    let mut fields = Fields(&locator[8..]);
    let named = fields.u64()?;
    // Where the locator says, or, with something before the archive, right before the locator.
    for position in [Some(named), at.checked_sub(END64_LENGTH)]
        .into_iter()
        .flatten()
    {
        let mut record = [0; END64_LENGTH as usize];
        if position
            .checked_add(END64_LENGTH)
            .is_none_or(|behind| behind > at)
        {
            continue;
        }
        source.read_exact_at(&mut record, position)?;
        if record.starts_with(END64) {
            let mut fields = Fields(&record[32..]);
            let (entries, length, offset) = (fields.u64()?, fields.u64()?, fields.u64()?);
            return Ok(Some((
                Central {
                    offset,
                    length,
                    entries,
                    base: 0,
                },
                position,
            )));
        }
    }
    let what = "the zip64 end record is not where the archive says".to_owned();
    Err(ArchiveError::Damaged { entry: None, what })
}
