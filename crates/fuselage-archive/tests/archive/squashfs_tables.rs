//! Superblocks and tables of images that lie, and images that were cut off.

use crate::place::Place;
use crate::squashfs_builder::{Entry, FILE, Image, field, listing_of, set};
use crate::squashfs_hostile::{accepted, one, refusal, refused, whole};

#[test]
fn the_superblock_is_checked_field_by_field() {
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = whole();
        set(&mut bytes, at, with);
        bytes
    };
    for (code, named, at, with) in [
        (
            "UNSUPPORTED",
            "version 3.1",
            field::MAJOR,
            &[3, 0, 1, 0][..],
        ),
        ("UNSUPPORTED", "version 4.1", field::MINOR, &[1, 0]),
        ("UNSUPPORTED", "big-endian", 0, b"sqsh"),
        ("UNSUPPORTED", "by lzma,", field::COMPRESSOR, &[2, 0]),
        ("UNSUPPORTED", "by lzo,", field::COMPRESSOR, &[3, 0]),
        ("DAMAGED", "number 9", field::COMPRESSOR, &[9, 0]),
        ("DAMAGED", "not a squashfs", 0, b"hsqx"),
        ("DAMAGED", "4097", field::BLOCK_SIZE, &4097u32.to_le_bytes()),
        ("DAMAGED", "2^13", field::BLOCK_LOG, &[13, 0]),
        ("DAMAGED", "2^400", field::BLOCK_LOG, &400u16.to_le_bytes()),
        ("DAMAGED", "of 0 bytes", field::BLOCK_SIZE, &[0; 4]),
        ("DAMAGED", "cut off", field::BYTES_USED, &[0xff; 8]),
        ("DAMAGED", "outside", field::BYTES_USED, &[0; 8]),
        ("DAMAGED", "inode table", field::ROOT, &[0xff; 8]),
        ("DAMAGED", "inode table", field::INODE_TABLE, &[0xff; 8]),
        (
            "DAMAGED",
            "inode table",
            field::INODE_TABLE,
            &[95, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "DAMAGED",
            "directory table",
            field::DIRECTORY_TABLE,
            &[0xff; 8],
        ),
        (
            "DAMAGED",
            "directory table",
            field::DIRECTORY_TABLE,
            &[0; 8],
        ),
        (
            "DAMAGED",
            "directory table",
            field::DIRECTORY_TABLE,
            &[96, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            "DAMAGED",
            "fragment table",
            field::FRAGMENT_TABLE,
            &[0x7f; 8],
        ),
        ("DAMAGED", "fragment table", field::FRAGMENTS, &[0xff; 4]),
        (
            "DAMAGED",
            "no fragment block",
            field::FRAGMENT_TABLE,
            &[0xff; 8],
        ),
        ("DAMAGED", "no fragment block", field::FRAGMENTS, &[0; 4]),
        ("DAMAGED", "id table", field::ID_TABLE, &[0x7f; 8]),
        ("DAMAGED", "xattr table", field::XATTR_TABLE, &[0x7f; 8]),
        ("DAMAGED", "export table", field::EXPORT_TABLE, &[0x7f; 8]),
    ] {
        refused(code, named, &patched(at, with));
    }
    // What is not looked at: ids and xattrs may be missing.
    for at in [field::ID_TABLE, field::XATTR_TABLE, field::EXPORT_TABLE] {
        accepted(&patched(at, &[0xff; 8]));
    }
    // The root is a directory.
    let mut image = Image::new();
    let file = image.file("", b"x");
    refused("DAMAGED", "root", &image.finish(file.inode));
}

#[test]
fn the_position_of_the_fragment_tables_blocks_is_checked() {
    let bytes = whole();
    let table = position(&bytes, field::FRAGMENT_TABLE) as usize;
    for wrong in [0, 95, bytes.len() as u64, 1 << 40, u64::MAX] {
        let mut bytes = bytes.clone();
        set(&mut bytes, table, &wrong.to_le_bytes());
        assert_eq!(refusal(&bytes).code(), "ERR_ARCHIVE_DAMAGED", "{wrong}");
    }
}

fn position(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn metadata_blocks_are_checked() {
    let bytes = whole();
    for table in [field::INODE_TABLE, field::DIRECTORY_TABLE] {
        let at = position(&bytes, table) as usize;
        // Stored and empty, stored and too long, compressed and empty, compressed and nonsense.
        for header in [0x8000u16, 0xffff, 0, 0x20, 0x7fff] {
            let mut bytes = bytes.clone();
            set(&mut bytes, at, &header.to_le_bytes());
            let error = refusal(&bytes);
            assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{header:x}: {error}");
        }
    }
}

#[test]
fn listings_are_checked() {
    let listed = |bytes: &[u8], length: Option<u32>| {
        one(|image| {
            let start = image.listed();
            image.list_raw(bytes);
            image.directory_of("d", start, length.unwrap_or(bytes.len() as u32))
        })
    };
    let empty = listed(b"", None);
    assert_eq!(accepted(&empty).tree().len(), 1);
    // The whole path of the directory is named.
    let name = |length: u16| {
        let mut bytes = listing_of(&Entry {
            name: Vec::new(),
            inode: 0,
            number: 1,
            kind: FILE,
        });
        set(&mut bytes, 18, &(length - 1).to_le_bytes());
        bytes.resize(20 + usize::from(length), b'n');
        bytes
    };
    let below = |bytes: &[u8]| {
        one(|image| {
            let start = image.listed();
            image.list_raw(bytes);
            let inner = image.directory_of("d", start, bytes.len() as u32);
            image.directory("a", &[inner])
        })
    };
    let long = format!("`a/d/{}` has a component of 256", "n".repeat(256));
    for (code, what, bytes) in [
        (
            "DAMAGED",
            "`a/d` has a listing that ends within",
            vec![0; 5],
        ),
        ("DAMAGED", "`a/d` has a run of more than", vec![1; 12]),
        ("DAMAGED", "`a/d` has a name of more than", name(257)),
        ("LIMIT", &*long, name(256)),
        // Its inode is that of its directory.
        ("HOSTILE", "`a/d/n` is a directory that is", name(1)),
    ] {
        refused(code, what, &below(&bytes));
    }
    accepted(&below(b""));
    let mut image = Image::new();
    let start = image.listed();
    image.list_raw(&[0; 5]);
    let root = image.directory_of("", start, 5);
    let what = "the root of the image has a listing that ends within";
    refused("DAMAGED", what, &image.finish(root.inode));
    refused("DAMAGED", "within an entry", &listed(&[0; 5], None));
    refused("DAMAGED", "within an entry", &listed(&[0; 12], None));
    refused("DAMAGED", "within an entry", &listed(&[0; 20], None));
    let run = [256u32.to_le_bytes(), [0; 4], [0; 4]].concat();
    refused("DAMAGED", "256 entries", &listed(&run, None));
    let run = [u32::MAX.to_le_bytes(), [0; 4], [0; 4]].concat();
    refused("DAMAGED", "256 entries", &listed(&run, None));
    // Says that it has 4 GiB.
    let endless = listed(&[0; 12], Some(u32::MAX - 3));
    assert_eq!(refusal(&endless).code(), "ERR_ARCHIVE_DAMAGED");
    let far = one(|image| image.directory_of("d", 1 << 30, 100));
    refused("DAMAGED", "directory table", &far);
}

#[test]
fn an_image_that_was_cut_off_says_so_wherever() {
    let bytes = whole();
    let place = Place::of("squashfs");
    for length in 0..bytes.len() {
        let error = place.extract(&bytes[..length]).expect_err("it is cut off");
        assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{length}: {error}");
    }
    assert!(place.tree().is_empty());
    // What follows it does no harm.
    for more in [1, 4096] {
        let longer = [&bytes[..], &vec![0xee; more]].concat();
        assert_eq!(accepted(&longer).tree(), accepted(&bytes).tree());
    }
}

#[test]
fn an_image_that_says_to_be_shorter_than_its_tables_is_refused() {
    let mut bytes = whole();
    let place = Place::of("squashfs");
    // The table itself, which comes last, is not read.
    for length in 0..position(&bytes, field::ID_TABLE) {
        set(&mut bytes, field::BYTES_USED, &length.to_le_bytes());
        let error = place.extract(&bytes).expect_err("tables lie outside");
        assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{length}: {error}");
    }
    assert!(place.tree().is_empty());
}
