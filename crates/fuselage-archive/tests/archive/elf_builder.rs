//! Makes ELF files field by field (elf(5)), of both classes and byte orders.

/// What a made file has; everything that is not set is as a linker writes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elf {
    pub(crate) wide: bool,
    pub(crate) big_endian: bool,
    /// Counts stand in the first section in place of the header (`PN_XNUM`, `e_shnum` 0).
    pub(crate) extended: bool,
    /// The section table stands at the end; without: right behind the program headers.
    pub(crate) table_last: bool,
    /// No section table at all.
    pub(crate) stripped: bool,
}

pub(crate) const LITTLE_64: Elf = Elf {
    wide: true,
    big_endian: false,
    extended: false,
    table_last: true,
    stripped: false,
};

/// Every combination.
pub(crate) fn kinds() -> Vec<Elf> {
    (0..32u8)
        .map(|bits| Elf {
            wide: bits & 1 != 0,
            big_endian: bits & 2 != 0,
            extended: bits & 4 != 0,
            table_last: bits & 8 != 0,
            stripped: bits & 16 != 0,
        })
        // Without a section there is no place for the counts.
        .filter(|elf| !(elf.extended && elf.stripped))
        .collect()
}

struct Fields {
    bytes: Vec<u8>,
    elf: Elf,
}

impl Fields {
    fn put(&mut self, width: usize, value: u64) {
        let bytes = value.to_le_bytes();
        match self.elf.big_endian {
            true => self.bytes.extend(bytes[..width].iter().rev()),
            false => self.bytes.extend(&bytes[..width]),
        }
    }

    fn half(&mut self, value: u64) {
        self.put(2, value);
    }

    fn word(&mut self, value: u64) {
        self.put(4, value);
    }

    /// An address or offset.
    fn wide(&mut self, value: u64) {
        self.put(if self.elf.wide { 8 } else { 4 }, value);
    }
}

/// An ELF file of `code` bytes of code, whose last byte belongs to it: one loaded segment, a note
/// that is not loaded, sections of which one has no bytes in the file.
pub(crate) fn elf(kind: Elf, code: usize) -> Vec<u8> {
    let (header, segment, section) = if kind.wide {
        (64, 56, 64)
    } else {
        (52, 32, 40)
    };
    let (segments, sections) = (2, if kind.stripped { 0 } else { 3 });
    let tables = sections * section;
    let first = header + segments * segment;
    let (table, code_at) = if kind.table_last {
        (first + code, first)
    } else {
        (first, first + tables)
    };
    let mut fields = Fields {
        bytes: b"\x7fELF".to_vec(),
        elf: kind,
    };
    fields.bytes.push(if kind.wide { 2 } else { 1 });
    fields.bytes.push(if kind.big_endian { 2 } else { 1 });
    fields.bytes.push(1);
    fields.bytes.resize(16, 0);
    fields.half(2);
    fields.half(62);
    fields.word(1);
    fields.wide(0x400_000);
    fields.wide(header as u64);
    fields.wide(if kind.stripped { 0 } else { table as u64 });
    fields.word(0);
    fields.half(header as u64);
    fields.half(segment as u64);
    fields.half(if kind.extended {
        0xffff
    } else {
        segments as u64
    });
    fields.half(section as u64);
    fields.half(if kind.extended { 0 } else { sections as u64 });
    fields.half(0);
    assert_eq!(fields.bytes.len(), header);
    put_segment(&mut fields, 1, code_at, code);
    // PT_NOTE: what is not loaded does not count.
    put_segment(&mut fields, 4, code_at, code + 5000);
    let put_sections = |fields: &mut Fields| {
        if kind.stripped {
            return;
        }
        let (many, more) = match kind.extended {
            true => (sections as u64, segments as u64),
            false => (0, 0),
        };
        put_section(fields, 0, 0, many, more);
        put_section(fields, 1, code_at as u64, code as u64, 0);
        // SHT_NOBITS: has a size and no bytes.
        put_section(fields, 8, code_at as u64, 70_000, 0);
    };
    if !kind.table_last {
        put_sections(&mut fields);
    }
    fields.bytes.resize(fields.bytes.len() + code, 0x90);
    if kind.table_last {
        put_sections(&mut fields);
    }
    fields.bytes
}

fn put_segment(fields: &mut Fields, kind: u64, offset: usize, length: usize) {
    let (offset, length) = (offset as u64, length as u64);
    fields.word(kind);
    if fields.elf.wide {
        fields.word(5);
    }
    for value in [offset, 0x400_000, 0x400_000, length, length + 9999] {
        fields.wide(value);
    }
    if !fields.elf.wide {
        fields.word(5);
    }
    fields.wide(4096);
}

fn put_section(fields: &mut Fields, kind: u64, offset: u64, size: u64, info: u64) {
    fields.word(1);
    fields.word(kind);
    for value in [0, 0, offset, size] {
        fields.wide(value);
    }
    fields.word(0);
    fields.word(info);
    fields.wide(1);
    fields.wide(0);
}
