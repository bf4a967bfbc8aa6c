//! The header before the data of an entry.

use std::fmt::Display;

use crate::error::{ArchiveError, shown};
use crate::zip::entries::Entry;
use crate::zip::fields::{Fields, extra};

const SIGNATURE: &[u8] = b"PK\x03\x04";
/// Bytes before the name, the signature among them.
pub(crate) const LOCAL_HEADER: usize = 30;
/// Sizes and checksum stand behind the data.
const DATA_DESCRIPTOR: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;

/// The extra field of zip64 (APPNOTE 4.5.3).
const ZIP64: u16 = 0x0001;

/// Where the data begins in `bytes`, which begin with the local header. The header must say what
/// the central directory says: tools that believe one and tools that believe the other would see
/// two archives. Its extra fields are compared where `bytes` reach that far.
pub(crate) fn data_offset(bytes: &[u8], entry: Entry<'_>) -> Result<usize, ArchiveError> {
    let record = entry.record;
    let mut fields = Fields(bytes);
    if fields.bytes(4)? != SIGNATURE {
        return Err(entry.damaged("has no local header where it should be"));
    }
    fields.u16()?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?;
    let crc = fields.u32()?;
    let (compressed, size) = (fields.u32()?, fields.u32()?);
    let (name_length, extra_length) = (fields.u16()?, fields.u16()?);
    let name = fields.bytes(name_length.into())?;
    let list = fields.bytes(extra_length.into()).ok();
    // Texts are made for what differs only: this is done for every entry.
    let differs =
        |what, local: &dyn Display, central: &dyn Display| Err(differ(entry, what, local, central));
    if !entry.is_named(name) {
        return differs("name", &shown(name), &shown(&entry.name()));
    }
    if method != record.method {
        return differs("compression method", &method, &record.method);
    }
    if (flags ^ record.flags) & ENCRYPTED != 0 {
        return differs("encryption", &encryption(flags), &encryption(record.flags));
    }
    // With a data descriptor these are zero and stand behind the data.
    if flags & DATA_DESCRIPTOR == 0 {
        if crc != record.crc {
            let (local, central) = (format!("{crc:08x}"), format!("{:08x}", record.crc));
            return differs("checksum", &local, &central);
        }
        let mut zip64 = list.and_then(|list| extra(list, ZIP64));
        for (what, stated, central) in [
            ("size", size, entry.size()),
            ("compressed size", compressed, record.compressed),
        ] {
            let local = match stated {
                u32::MAX if list.is_none() => continue,
                u32::MAX => zip64.as_mut().and_then(|fields| fields.u64().ok()),
                _ => None,
            };
            let local = local.unwrap_or(stated.into());
            if local != central {
                return differs(what, &local, &central);
            }
        }
    }
    Ok(LOCAL_HEADER + name.len() + usize::from(extra_length))
}

fn encryption(flags: u16) -> &'static str {
    match flags & ENCRYPTED {
        0 => "none",
        _ => "on",
    }
}

fn differ(
    entry: Entry<'_>,
    what: &str,
    local: &dyn Display,
    central: &dyn Display,
) -> ArchiveError {
    let what = format!(
        "has two values of its {what}: `{local}` in its local header, `{central}` in the central \
         directory"
    );
    entry.damaged(what)
}
