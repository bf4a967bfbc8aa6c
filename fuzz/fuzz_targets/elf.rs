//! A file with an ELF header: where it ends, and what is found behind it.
#![no_main]

use fuselage_archive::{detect, detect_bytes, elf_end};
use fuselage_fuzz::memory_file::with_file_of;
use libfuzzer_sys::fuzz_target;

/// Little endian, as squashfs 4.0 has it.
const SQUASHFS: &[u8] = b"hsqs";
const ALIGNMENT: u64 = 4096;

fuzz_target!(|bytes: &[u8]| {
    let found = detect_bytes(bytes);
    let by_file = with_file_of(bytes, |file| detect(file)).expect("a file in memory can be read");
    assert_eq!(found, by_file);
    assert_eq!(found.length, bytes.len() as u64);
    if found.offset == 0 {
        return;
    }
    let end = elf_end(bytes).expect("only an image behind an ELF file has an offset");
    assert!([Some(end), end.checked_next_multiple_of(ALIGNMENT)].contains(&Some(found.offset)));
    assert!(bytes[found.offset as usize..].starts_with(SQUASHFS));
});
