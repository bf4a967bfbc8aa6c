//! The header before the data of an entry.

use crate::error::ArchiveError;
use crate::zip::central::Record;
use crate::zip::fields::Fields;

const SIGNATURE: &[u8] = b"PK\x03\x04";
/// Sizes and checksum stand behind the data.
const DATA_DESCRIPTOR: u16 = 1 << 3;

/// Where the data begins in `bytes`, which begin with the local header. The header must say what
/// the central directory says: tools that believe one and tools that believe the other would see
/// two archives.
pub(crate) fn data_offset(bytes: &[u8], record: &Record) -> Result<usize, ArchiveError> {
    let differs = |what: &str| {
        let what = format!("has another {what} in its local header than in the directory");
        ArchiveError::damaged(&record.name, what)
    };
    let mut fields = Fields(bytes);
    if fields.bytes(4)? != SIGNATURE {
        return Err(ArchiveError::damaged(
            &record.name,
            "has no local header where it should be",
        ));
    }
    fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?;
    let crc = fields.u32()?;
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let (name_length, extra_length) = (fields.u16()?, fields.u16()?);
    let name = fields.bytes(name_length.into())?;
    if method != record.method {
        return Err(differs("method"));
    }
    if (flags ^ record.flags) & 1 != 0 {
        return Err(differs("encryption"));
    }
    if name != record.name {
        return Err(differs("name"));
    }
    // With a data descriptor these are zero, with zip64 they stand elsewhere.
    let stated = |field: u32| flags & DATA_DESCRIPTOR == 0 && field != u32::MAX;
    if stated(compressed) && u64::from(compressed) != record.compressed {
        return Err(differs("length"));
    }
    if stated(size) && u64::from(size) != record.size {
        return Err(differs("size"));
    }
    if flags & DATA_DESCRIPTOR == 0 && crc != record.crc {
        return Err(differs("checksum"));
    }
    Ok(4 + 26 + name.len() + usize::from(extra_length))
}
