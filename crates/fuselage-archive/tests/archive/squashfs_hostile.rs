//! squashfs images that no honest tool makes: each is refused by name, nothing outside is touched,
//! and its harmless twin comes out.

use std::os::unix::fs::MetadataExt;

use fuselage_archive::{ArchiveError, Limits};

use crate::place::{LIMITS, Place};
use crate::squashfs_builder::{
    BLOCK_DEVICE, BLOCK_SIZE, CHARACTER_DEVICE, DIRECTORY, Entry, FIFO, FILE, FileFields, Image,
    NO_FRAGMENT, SOCKET, STORED, SYMLINK, field, listing_of, set,
};

fn refusal(image: &[u8]) -> ArchiveError {
    let place = Place::of("squashfs");
    let outside = place.outside();
    let error = place.extract(image).expect_err("it is hostile");
    assert_eq!(place.outside(), outside);
    error
}

fn refused(code: &str, named: &str, image: &[u8]) {
    let error = refusal(image);
    assert_eq!(
        error.code(),
        format!("ERR_ARCHIVE_{code}"),
        "{named}: {error}"
    );
    assert!(error.to_string().contains(named), "{named}: {error}");
}

fn accepted(image: &[u8]) -> Place {
    let place = Place::of("squashfs");
    place.extract(image).unwrap();
    place
}

/// An image with one entry in its root.
fn one(make: impl FnOnce(&mut Image) -> Entry) -> Vec<u8> {
    let mut image = Image::new();
    let entry = make(&mut image);
    image.with_root(&[entry])
}

/// An image with everything in it that an image can have.
fn whole() -> Vec<u8> {
    whole_with(b"content")
}

fn whole_with(content: &[u8]) -> Vec<u8> {
    let mut image = Image::new();
    let file = image.file("file", content);
    let tail = image.file_in_fragment("tail", b"in a fragment");
    let link = image.symlink("link", b"file");
    let inner = image.file("inner", b"below");
    let directory = image.directory("directory", &[inner]);
    let again = Entry {
        name: b"again".to_vec(),
        ..file.clone()
    };
    image.with_root(&[again, directory, file, link, tail])
}

#[test]
fn an_honest_image_of_the_builder_comes_out() {
    let place = accepted(&whole_with(&[b'f'; 9000]));
    let tree = place.tree();
    assert_eq!(tree[&b"file"[..]].2, [b'f'; 9000]);
    assert_eq!(tree[&b"tail"[..]].2, b"in a fragment");
    assert_eq!(tree[&b"link"[..]].2, b"file");
    assert_eq!(tree[&b"directory/inner"[..]].2, b"below");
    let inode = |name| place.root().join(name).metadata().unwrap().ino();
    assert_eq!(inode("file"), inode("again"));
    assert_eq!(tree.len(), 6);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["../out", "..", ".", "/etc/x", "a/b", "a\0b"] {
        refused("HOSTILE", name, &one(|image| image.file(name, b"x")));
        refused("HOSTILE", name, &one(|image| image.directory(name, &[])));
        refused("HOSTILE", name, &one(|image| image.symlink(name, b"x")));
    }
    let long = "n".repeat(256);
    refused("LIMIT", &long, &one(|image| image.file(&long, b"x")));
    let longer = "n".repeat(300);
    refused("DAMAGED", "256", &one(|image| image.file(&longer, b"x")));
    let whole = "n".repeat(255);
    for name in ["..out", "...", "a\\b", "a\nb", &whole] {
        accepted(&one(|image| image.file(name, b"x")));
    }
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let pair = |first: &str, second: &str| {
        let mut image = Image::new();
        let precious = image.file("precious", b"gone");
        let entries = [
            image.symlink(first, b"../outside"),
            image.directory(second, &[precious]),
        ];
        image.with_root(&entries)
    };
    refused("HOSTILE", "twice", &pair("l", "l"));
    assert_eq!(accepted(&pair("l", "L")).tree().len(), 3);
    let mut image = Image::new();
    let entries = [image.file("f", b"1"), image.file("f", b"2")];
    refused("HOSTILE", "twice", &image.with_root(&entries));
    // The same inode, too.
    let mut image = Image::new();
    let entry = image.file("f", b"1");
    refused(
        "HOSTILE",
        "twice",
        &image.with_root(&[entry.clone(), entry]),
    );
}

#[test]
fn a_directory_is_met_once() {
    // Holds itself.
    let mut image = Image::new();
    let (inode, number) = image.next();
    let itself = Entry {
        name: b"loop".to_vec(),
        inode,
        number,
        kind: DIRECTORY,
    };
    let directory = image.directory("loop", &[itself]);
    refused("HOSTILE", "loop/loop", &image.with_root(&[directory]));
    // Holds the root.
    let image = Image::new();
    let (inode, number) = image.next();
    let root = Entry {
        name: b"root".to_vec(),
        inode,
        number,
        kind: DIRECTORY,
    };
    refused("HOSTILE", "root", &image.with_root(&[root]));
    // Two names.
    let twice = |second: &str| {
        let mut image = Image::new();
        let directory = image.directory("a", &[]);
        let other = match second {
            "b" => Entry {
                name: b"b".to_vec(),
                ..directory.clone()
            },
            _ => image.directory("c", &[]),
        };
        image.with_root(&[directory, other])
    };
    refused("HOSTILE", "`b`", &twice("b"));
    accepted(&twice("c"));
    // A loop through a listing: two inodes with one listing, in which both are.
    let mut image = Image::new();
    let (start, mut entries) = (image.listed(), Vec::new());
    let length = 2 * listing_of(&fake("a")).len() as u32;
    for name in ["a", "b"] {
        entries.push(image.directory_of(name, start, length));
    }
    for entry in &entries {
        image.list_raw(&listing_of(entry));
    }
    let bytes = image.clone().with_root(&entries[..1]);
    refused("HOSTILE", "a/a", &bytes);
}

fn fake(name: &str) -> Entry {
    Entry {
        name: name.into(),
        inode: 0,
        number: 99,
        kind: FILE,
    }
}

#[test]
fn special_files_are_refused() {
    for (kind, what) in [
        (FIFO, "is a FIFO"),
        (SOCKET, "is a socket"),
        (BLOCK_DEVICE, "is a device"),
        (CHARACTER_DEVICE, "is a device"),
    ] {
        let error = refusal(&one(|image| image.special("s", kind)));
        assert_eq!(error.to_string(), format!("the entry `s` {what}"));
        assert_eq!(error.code(), "ERR_ARCHIVE_HOSTILE");
    }
    refused("DAMAGED", "no type", &one(|image| image.special("s", 15)));
    refused("DAMAGED", "no type", &one(|image| image.special("s", 0)));
}

#[test]
fn targets_of_links_have_one_to_4095_bytes_and_no_nul() {
    let long = vec![b't'; 4096];
    refused("DAMAGED", "`l`", &one(|image| image.symlink("l", b"")));
    refused("DAMAGED", "`l`", &one(|image| image.symlink("l", &long)));
    refused("HOSTILE", "NUL", &one(|image| image.symlink("l", b"a\0b")));
    let place = accepted(&one(|image| image.symlink("l", &long[1..])));
    assert_eq!(place.tree()[&b"l"[..]].2, &long[1..]);
    // A length that the table does not have.
    let endless = one(|image| {
        let body = [1u32.to_le_bytes(), 4000u32.to_le_bytes()].concat();
        image.inode(b"l", SYMLINK, 0o777, &body)
    });
    refused("DAMAGED", "inode table", &endless);
}

#[test]
fn what_an_entry_says_of_its_inode_is_true() {
    let entry = |change: fn(&mut Entry)| {
        one(|image| {
            let mut entry = image.file("f", b"x");
            change(&mut entry);
            entry
        })
    };
    accepted(&entry(|_| {}));
    refused("DAMAGED", "`f`", &entry(|entry| entry.kind = SYMLINK));
    refused("DAMAGED", "`f`", &entry(|entry| entry.kind = DIRECTORY));
    refused("DAMAGED", "`f`", &entry(|entry| entry.number = 77));
    refused("DAMAGED", "inode table", &entry(|entry| entry.inode = 8000));
    refused(
        "DAMAGED",
        "inode table",
        &entry(|entry| entry.inode = 0xffff),
    );
    refused(
        "DAMAGED",
        "inode table",
        &entry(|entry| entry.inode = 1 << 20),
    );
    refused(
        "DAMAGED",
        "inode table",
        &entry(|entry| entry.inode = u64::MAX),
    );
    // Another inode by the same number.
    let mut image = Image::new();
    let first = image.file("first", b"1");
    let second = Entry {
        number: first.number,
        ..image.file("second", b"2")
    };
    let bytes = image.with_root(&[first, second]);
    refused("DAMAGED", "inode number of `first`", &bytes);
}

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
fn depth_is_limited_and_memory_with_it() {
    let deep = |levels: usize| {
        let mut image = Image::new();
        let mut inner = image.file("f", b"x");
        for _ in 0..levels {
            inner = image.directory("d", &[inner]);
        }
        image.with_root(&[inner])
    };
    refused("LIMIT", "levels", &deep(4000));
    refused("LIMIT", "levels", &deep(LIMITS.depth as usize));
    assert_eq!(accepted(&deep(63)).tree().len(), 64);
}

#[test]
fn entries_are_counted_before_they_are_kept() {
    // Many names of one file, in a listing that is read again for each of many directories.
    let mut image = Image::new();
    let file = image.file("f", b"x");
    let names: Vec<Entry> = (0..1000)
        .map(|number| Entry {
            name: format!("f{number:04}").into_bytes(),
            ..file.clone()
        })
        .collect();
    let start = image.listed();
    let mut length = 0;
    for entry in &names {
        let listing = listing_of(entry);
        length += listing.len() as u32;
        image.list_raw(&listing);
    }
    let directories: Vec<Entry> = (0..20)
        .map(|number| image.directory_of(&format!("d{number:02}"), start, length))
        .collect();
    let few = image.clone().with_root(&directories[..9]);
    refused("LIMIT", "10001 entries", &image.with_root(&directories));
    assert_eq!(accepted(&few).tree().len(), 9 * 1001);
}

#[test]
fn holes_count_for_the_limit_of_bytes_and_for_nothing_else() {
    let holes = |size: u64, blocks: usize| {
        one(|image| {
            let fields = FileFields {
                start: 0,
                size,
                fragment: NO_FRAGMENT,
                offset: 0,
                blocks: vec![0; blocks],
            };
            image.file_of("holes", &fields)
        })
    };
    refused("LIMIT", "bytes", &holes(8 << 60, 0));
    refused("LIMIT", "bytes", &holes(u64::MAX, 0));
    refused("LIMIT", "bytes", &holes(LIMITS.bytes + 1, 0));
    let size = LIMITS.bytes - 5;
    let blocks = size.div_ceil(BLOCK_SIZE.into()) as usize;
    // Far more than the ratio allows data to be, and than there is room for.
    let limits = Limits { ratio: 1, ..LIMITS };
    let space = fuselage_archive::Space {
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
