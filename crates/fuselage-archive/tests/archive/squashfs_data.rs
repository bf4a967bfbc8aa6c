//! Content of files in images that lie: where it is, how long, and who shares it.

use std::os::unix::fs::MetadataExt;

use fuselage_archive::Limits;

use crate::place::{LIMITS, Place};
use crate::squashfs_builder::{BLOCK_SIZE, Entry, FileFields, Image, NO_FRAGMENT, STORED};
use crate::squashfs_hostile::{accepted, one, refusal, refused};

#[test]
fn data_lies_within_the_image_and_has_the_length_that_is_said() {
    let with = |change: fn(&mut FileFields)| {
        let mut image = Image::new();
        image.data.extend([b'x'; 6000]);
        let mut fields = FileFields {
            start: 96,
            size: 6000,
            fragment: NO_FRAGMENT,
            offset: 0,
            blocks: vec![4096 | STORED, 1904 | STORED],
        };
        change(&mut fields);
        let entry = image.file_of("f", &fields);
        image.with_root(&[entry])
    };
    let place = accepted(&with(|_| {}));
    assert_eq!(place.tree()[&b"f"[..]].2, [b'x'; 6000]);
    for image in [
        with(|fields| fields.start = u64::MAX),
        with(|fields| fields.start = 1 << 40),
        with(|fields| fields.blocks[0] = 4097 | STORED),
        with(|fields| fields.blocks[0] = STORED - 1),
        with(|fields| fields.blocks[0] = u32::MAX),
        with(|fields| fields.blocks[0] = STORED),
        with(|fields| fields.blocks[0] = 4095 | STORED),
        with(|fields| fields.blocks[1] = 1903 | STORED),
        with(|fields| fields.blocks[1] = 1905 | STORED),
        with(|fields| fields.blocks[1] = 1904),
        // Compressed to more than it was: work that no limit counts.
        with(|fields| {
            fields.size = 4097;
            fields.blocks[1] = 2;
        }),
        with(|fields| fields.size = 5999),
        with(|fields| fields.size = 6001),
    ] {
        refused("DAMAGED", "`f`", &image);
    }
    let endless = with(|fields| {
        fields.size = 50 << 20;
        fields.blocks.clear();
    });
    assert_eq!(refusal(&endless).code(), "ERR_ARCHIVE_DAMAGED");
}

#[test]
fn fragments_lie_within_their_block_and_their_table() {
    let with = |change: fn(&mut Image, &mut FileFields)| {
        let mut image = Image::new();
        let fragment = image.fragment(&[b'x'; 100]);
        let mut fields = FileFields {
            start: 0,
            size: 60,
            fragment,
            offset: 40,
            blocks: Vec::new(),
        };
        change(&mut image, &mut fields);
        let entry = image.file_of("f", &fields);
        image.with_root(&[entry])
    };
    let place = accepted(&with(|_, _| {}));
    assert_eq!(place.tree()[&b"f"[..]].2, [b'x'; 60]);
    for (named, image) in [
        ("no fragment block 1", with(|_, fields| fields.fragment = 1)),
        (
            "no fragment block 4294967294",
            with(|_, fields| fields.fragment = u32::MAX - 1),
        ),
        ("`f`", with(|_, fields| fields.offset = 41)),
        ("`f`", with(|_, fields| fields.offset = 4096)),
        ("`f`", with(|_, fields| fields.offset = u32::MAX)),
        ("`f`", with(|image, _| image.fragments[0].1 = 99 | STORED)),
        (
            "block 0",
            with(|image, _| image.fragments[0].1 = 4097 | STORED),
        ),
        ("block 0", with(|image, _| image.fragments[0].1 = 0)),
        ("block 0", with(|image, _| image.fragments[0].1 = u32::MAX)),
        ("block 0", with(|image, _| image.fragments[0].0 = 1 << 40)),
        ("block 0", with(|image, _| image.fragments[0].0 = u64::MAX)),
    ] {
        refused("DAMAGED", named, &image);
    }
}

#[test]
fn fragment_blocks_share_no_bytes() {
    let with = |change: fn(&mut Image)| {
        let mut image = Image::new();
        let mut entries = Vec::new();
        for name in ["a", "b", "c"] {
            let fields = FileFields {
                start: 0,
                size: 60,
                fragment: image.fragment(&[b'x'; 100]),
                offset: 40,
                blocks: Vec::new(),
            };
            entries.push(image.file_of(name, &fields));
        }
        change(&mut image);
        image.with_root(&entries)
    };
    for same in [
        |_: &mut Image| {},
        |image: &mut Image| image.fragments[1] = image.fragments[0],
    ] {
        assert_eq!(accepted(&with(same)).tree()[&b"b"[..]].2, [b'x'; 60]);
    }
    for shifted in [
        |image: &mut Image| image.fragments[1].0 -= 1,
        |image: &mut Image| image.fragments[1].0 += 1,
        |image: &mut Image| image.fragments[0].1 += 1,
        |image: &mut Image| image.fragments[2].0 = image.fragments[0].0 + 7,
    ] {
        refused("DAMAGED", "share bytes", &with(shifted));
    }
}

#[test]
fn holes_count_for_the_limit_of_bytes_and_for_nothing_else() {
    let holes = |size: u64, blocks: usize| {
        one(|image| image.file_of("holes", &FileFields::holes(size, blocks)))
    };
    refused("LIMIT", "bytes", &holes(8 << 60, 0));
    refused("LIMIT", "bytes", &holes(u64::MAX, 0));
    refused("LIMIT", "bytes", &holes(LIMITS.bytes + 1, 0));
    let size = LIMITS.bytes - 5;
    let blocks = size.div_ceil(BLOCK_SIZE.into()) as usize;
    // Far more than the ratio allows data to be, and than there is room for.
    let limits = Limits { ratio: 1, ..LIMITS };
    let space = fuselage_archive::Space {
        storage: fuselage_archive::Storage::Tmpfs,
        bytes: 4096,
        inodes: 10,
        control_group: None,
    };
    let place = Place::of("squashfs");
    let extracted = place
        .extract_with(&holes(size, blocks), limits, 2, Some(space))
        .unwrap();
    assert_eq!(extracted.bytes, size);
    let facts = place.root().join("holes").metadata().unwrap();
    assert_eq!((facts.len(), facts.blocks()), (size, 0));
}

#[test]
fn what_files_share_counts_for_each_of_them() {
    // A bomb: many files in one fragment block.
    let shared = |files: usize| {
        let mut image = Image::new();
        let fragment = image.fragment(&[0; 4095]);
        let fields = FileFields {
            start: 0,
            size: 4095,
            fragment,
            offset: 0,
            blocks: Vec::new(),
        };
        let entries: Vec<Entry> = (0..files)
            .map(|number| image.file_of(&format!("f{number:04}"), &fields))
            .collect();
        image.with_root(&entries)
    };
    let image = shared(300);
    let place = Place::of("squashfs");
    let limits = Limits {
        ratio: 30,
        ..LIMITS
    };
    let error = place.extract_with(&image, limits, 2, None).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_LIMIT");
    assert!(place.tree().is_empty());
    assert_eq!(accepted(&image).tree().len(), 300);
}
