//! Makes zips that no honest tool would make, field by field (APPNOTE 6.3.10).

use libdeflater::{CompressionLvl, Compressor};

/// One entry; everything that is not set is what an honest tool writes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
    /// Type and permission bits of Unix; `None`: made by MS-DOS.
    pub(crate) mode: Option<u32>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) extra: Vec<u8>,
    /// In place of the right ones.
    pub(crate) crc: Option<u32>,
    pub(crate) size: Option<u64>,
    pub(crate) local_name: Option<Vec<u8>>,
    /// Already compressed content.
    pub(crate) packed: Option<Vec<u8>>,
    pub(crate) zip64: bool,
}

pub(crate) fn entry(name: &str, content: &[u8], mode: u32) -> Entry {
    Entry {
        name: name.into(),
        content: content.into(),
        mode: Some(mode),
        method: 8,
        flags: 0,
        extra: unix_time(SECONDS),
        crc: None,
        size: None,
        local_name: None,
        packed: None,
        zip64: false,
    }
}

/// The extra field of a modification time in UTC (0x5455): that of MS-DOS has no zone.
pub(crate) fn unix_time(seconds: i64) -> Vec<u8> {
    [b"UT\x05\x00\x01", &(seconds as u32).to_le_bytes()[..]].concat()
}

pub(crate) fn file(name: &str, content: &[u8]) -> Entry {
    entry(name, content, 0o100_644)
}

pub(crate) fn link(name: &str, target: &str) -> Entry {
    entry(name, target.as_bytes(), 0o120_777)
}

pub(crate) fn directory(name: &str, mode: u32) -> Entry {
    Entry {
        method: 0,
        ..entry(&format!("{name}/"), b"", 0o040_000 | mode)
    }
}

/// 2001-02-03 04:05:06.
pub(crate) const SECONDS: i64 = 981_173_106;
const CLOCK: u16 = (4 << 11) | (5 << 5) | 3;
const DATE: u16 = (21 << 9) | (2 << 5) | 3;

pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, b"", false)
}

/// A zip behind `prefix`; `absolute`: its offsets count the prefix.
pub(crate) fn zip_with(entries: &[Entry], prefix: &[u8], absolute: bool) -> Vec<u8> {
    let mut bytes = prefix.to_vec();
    let base = if absolute { 0 } else { prefix.len() };
    let mut central = Vec::new();
    for entry in entries {
        let offset = bytes.len() - base;
        let packed = entry.packed.clone().unwrap_or_else(|| match entry.method {
            8 => deflate(&entry.content),
            _ => entry.content.clone(),
        });
        let crc = entry
            .crc
            .unwrap_or_else(|| libdeflater::crc32(&entry.content));
        let size = entry.size.unwrap_or(entry.content.len() as u64);
        let described = entry.flags & 8 != 0;
        let stated = |number: u64| if entry.zip64 { u32::MAX } else { number as u32 };
        let common = |crc: u32, packed: u32, size: u32, name: &[u8], extra: &[u8]| {
            let mut fields = Vec::new();
            for number in [20, entry.flags, entry.method, CLOCK, DATE] {
                fields.extend(number.to_le_bytes());
            }
            for number in [crc, packed, size] {
                fields.extend(number.to_le_bytes());
            }
            fields.extend((name.len() as u16).to_le_bytes());
            fields.extend((extra.len() as u16).to_le_bytes());
            fields
        };
        let mut extra = entry.extra.clone();
        if entry.zip64 {
            extra.extend([1, 0, 16, 0]);
            extra.extend(size.to_le_bytes());
            extra.extend((packed.len() as u64).to_le_bytes());
        }
        let local_name = entry.local_name.as_ref().unwrap_or(&entry.name);
        bytes.extend(b"PK\x03\x04");
        let local = if described {
            [0, 0, 0]
        } else {
            [crc, stated(packed.len() as u64), stated(size)]
        };
        bytes.extend(common(local[0], local[1], local[2], local_name, &extra));
        bytes.extend(local_name);
        bytes.extend(&extra);
        bytes.extend(&packed);
        if described {
            bytes.extend(b"PK\x07\x08");
            for number in [crc, packed.len() as u32, size as u32] {
                bytes.extend(number.to_le_bytes());
            }
        }
        central.extend(b"PK\x01\x02");
        central.extend([20, if entry.mode.is_some() { 3 } else { 0 }]);
        central.extend(common(
            crc,
            stated(packed.len() as u64),
            stated(size),
            &entry.name,
            &extra,
        ));
        central.extend([0; 6]);
        central.extend((entry.mode.unwrap_or(0) << 16).to_le_bytes());
        central.extend((offset as u32).to_le_bytes());
        central.extend(&entry.name);
        central.extend(&extra);
    }
    let offset = bytes.len() - base;
    bytes.extend(&central);
    let Ok(count) = u16::try_from(entries.len()) else {
        let length = central.len() as u64;
        let at = bytes.len() as u64 - base as u64;
        bytes.extend(end64(entries.len() as u64, length, offset as u64, at));
        return bytes;
    };
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((central.len() as u32).to_le_bytes());
    bytes.extend((offset as u32).to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// The three records at the end of a zip64 (APPNOTE 4.3.14 to 4.3.16), the first of them at `at`.
pub(crate) fn end64(entries: u64, length: u64, offset: u64, at: u64) -> Vec<u8> {
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.extend(44u64.to_le_bytes());
    bytes.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [entries, entries, length, offset] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(at.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([0xff; 12]);
    bytes.extend([0, 0]);
    bytes
}

pub(crate) fn deflate(content: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut packed = vec![0; compressor.deflate_compress_bound(content.len())];
    let length = compressor.deflate_compress(content, &mut packed).unwrap();
    packed.truncate(length);
    packed
}
