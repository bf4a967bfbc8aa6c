//! ELF files, and archives behind them.

use std::io::Write;
use std::os::fd::AsFd;

use fuselage_archive::{Format, detect, detect_bytes, elf_end};

use crate::elf_builder::{Elf, LITTLE_64, elf, kinds};
use crate::mutations::{Random, ZIP_HEADERS, more, mutate};
use crate::place::Place;
use crate::zip_builder::{file, zip, zip_with};

#[test]
fn the_end_is_behind_tables_segments_and_sections_of_every_class_and_byte_order() {
    for kind in kinds() {
        for code in [1, 333, 40_000] {
            let bytes = elf(kind, code);
            assert_eq!(elf_end(&bytes), Some(bytes.len() as u64), "{kind:?} {code}");
        }
    }
}

#[test]
fn the_end_of_a_real_program_is_the_end_of_its_file() {
    let program = std::fs::read("/proc/self/exe").unwrap();
    let end = elf_end(&program).unwrap();
    // A linker may pad behind the last table.
    assert!((program.len() as u64).abs_diff(end) < 16, "{end}");
}

#[test]
fn what_is_no_elf_file_has_no_end() {
    let good = elf(LITTLE_64, 100);
    assert_eq!(elf_end(b""), None);
    assert_eq!(elf_end(&good[..60]), None);
    for (at, value) in [(3, b'G'), (4, 3), (5, 0), (54, 8), (58, 1)] {
        let mut bytes = good.clone();
        bytes[at] = value;
        assert_eq!(elf_end(&bytes), None, "byte {at}");
    }
}

#[test]
fn absurd_tables_lie_behind_every_file_and_cost_nothing() {
    let mut bytes = elf(LITTLE_64, 100);
    bytes[40..48].fill(0xff);
    assert_eq!(elf_end(&bytes), Some(u64::MAX));
    let mut bytes = elf(LITTLE_64, 100);
    bytes[60..62].fill(0xff);
    assert!(elf_end(&bytes).is_some_and(|end| end > bytes.len() as u64));
    // A segment that says it ends beyond what a number can hold.
    let mut bytes = elf(LITTLE_64, 100);
    bytes[64 + 32..64 + 40].fill(0xff);
    assert_eq!(elf_end(&bytes), Some(u64::MAX));
}

#[test]
fn a_program_alone_is_no_archive() {
    for kind in kinds() {
        let found = detect_bytes(&elf(kind, 3000));
        assert_eq!((found.format, found.offset), (None, 0));
        assert!(found.looks_like.contains("ELF program"), "{found:?}");
    }
}

#[test]
fn a_zip_behind_a_program_is_found_by_its_end() {
    let entries = [file("a", b"alpha")];
    for counted in [false, true] {
        let bytes = zip_with(&entries, &elf(LITTLE_64, 5000), counted);
        let found = detect_bytes(&bytes);
        assert_eq!((found.format, found.offset), (Format::named("zip"), 0));
        assert_eq!(found.looks_like, "a zip archive behind an ELF program");
        let place = Place::new();
        place.extract(&bytes).unwrap();
        assert_eq!(place.tree()[&b"a"[..]].2, b"alpha");
    }
    assert_eq!(detect_bytes(&zip(&entries)).offset, 0);
}

/// Many sections, an image's head at both places, and a tail: the most that is read.
#[test]
fn detection_of_a_huge_program_reads_little() {
    let mut bytes = elf(
        Elf {
            table_last: false,
            ..LITTLE_64
        },
        100,
    );
    bytes[60..62].copy_from_slice(&40_000u16.to_le_bytes());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    file.set_len(1 << 40).unwrap();
    let before = crate::formats::bytes_read();
    assert_eq!(detect(file.as_fd()).unwrap().format, None);
    let read = crate::formats::bytes_read() - before;
    assert!(
        read <= 65_536 + 4096,
        "64 KiB, and /proc/thread-self/io itself: {read}"
    );
}

#[test]
fn mutated_programs_panic_nowhere() {
    let mut random = Random(0xe1f0_5eed_0000_0001);
    let mut ends = 0;
    let count = more(5000);
    for number in 0..count {
        let kinds = kinds();
        let kind = kinds[number as usize % kinds.len()];
        let mut bytes = elf(kind, 200);
        if number % 2 == 0 {
            bytes = zip_with(&[file("a", b"alpha")], &bytes, true);
        }
        mutate(&mut bytes, &ZIP_HEADERS, &mut random);
        // Where it hurts most.
        let at = random.below(200.min(bytes.len()));
        bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
        ends += u32::from(elf_end(&bytes).is_some());
        let found = detect_bytes(&bytes);
        assert!(found.offset < bytes.len() as u64, "{number} {found:?}");
    }
    assert!(ends * 2 >= count, "{ends} of {count} are still ELF files");
}

/// Tests of images behind programs: they need a format that is one.
mod images {
    use super::*;

    /// The beginning of a squashfs superblock (version 4, gzip, blocks of 4 KiB): enough to be
    /// recognised, and the image is as long as it says.
    fn squashfs() -> Vec<u8> {
        let mut image = vec![0; 4096];
        image[..4].copy_from_slice(b"hsqs");
        image[12..16].copy_from_slice(&4096u32.to_le_bytes());
        image[20..22].copy_from_slice(&1u16.to_le_bytes());
        image[22..24].copy_from_slice(&12u16.to_le_bytes());
        image[28..30].copy_from_slice(&4u16.to_le_bytes());
        image[40..48].copy_from_slice(&4096u64.to_le_bytes());
        image
    }

    fn behind(program: &[u8], offset: usize) -> Vec<u8> {
        let mut bytes = program.to_vec();
        bytes.resize(offset, 0);
        bytes.extend(squashfs());
        bytes
    }

    #[test]
    fn an_image_is_found_right_behind_every_kind_of_program_and_at_the_next_page() {
        for kind in kinds() {
            for code in [1, 333, 5000] {
                let program = elf(kind, code);
                let end = program.len();
                for offset in [end, end.next_multiple_of(4096)] {
                    let found = detect_bytes(&behind(&program, offset));
                    let named = found.format.map(|format| format.name());
                    assert_eq!(named, Some("squashfs"), "{kind:?} {code} {found:?}");
                    assert_eq!(found.offset, offset as u64);
                    let words = format!("at byte {offset} behind an ELF program");
                    assert!(found.looks_like.ends_with(&words), "{found:?}");
                }
                // Anywhere else it is none.
                let found = detect_bytes(&behind(&program, end.next_multiple_of(4096) + 8));
                assert_eq!(found.format, None, "{kind:?} {code}");
            }
        }
    }

    #[test]
    fn an_image_behind_the_other_byte_order_of_squashfs_is_none() {
        let program = elf(LITTLE_64, 100);
        let mut bytes = behind(&program, program.len());
        bytes[program.len()..program.len() + 4].copy_from_slice(b"sqsh");
        assert_eq!(detect_bytes(&bytes).format, None);
    }
}
