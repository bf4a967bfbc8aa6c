use std::io::Write;

use proptest::prelude::*;

use super::*;

fn time() -> impl Strategy<Value = Time> {
    (any::<i64>(), 0..1_000_000_000u32).prop_map(|(seconds, nanoseconds)| Time {
        seconds,
        nanoseconds,
    })
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("ends or parts a name", |byte| !matches!(byte, 0 | b'/'));
    prop::collection::vec(byte, 1..20).prop_filter("stands for a directory", |name| {
        !matches!(&**name, b"." | b"..")
    })
}

/// What a list has of one entry, with the bytes that it refers to.
fn written() -> impl Strategy<Value = Vec<u8>> {
    let target = prop::collection::vec(1..=u8::MAX, 1..40);
    let mode = 0..=0o7777u32;
    (
        1..=u32::MAX,
        name(),
        target,
        mode,
        time(),
        any::<[u64; 2]>(),
        0..6u8,
    )
        .prop_map(|(depth, name, target, mode, time, [size, same], kind)| {
            let entry = match kind {
                0 | 1 => Entry::Directory {
                    mode,
                    time: (kind == 0).then_some(time),
                },
                2 | 3 => Entry::File {
                    mode,
                    time,
                    size,
                    digest: Digest::of(&target),
                    same: (kind == 2).then_some(same),
                },
                _ => Entry::Symlink {
                    time,
                    target: &target,
                },
            };
            let name = &name;
            let mut text = Vec::new();
            let record = Record { depth, name, entry };
            record.write(&mut text);
            assert_eq!(Record::parse(&text[..text.len() - 1]), Some(record));
            text
        })
}

fn read_all(bytes: &[u8]) -> Result<usize, crate::ArchiveError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let mut reader = ListReader::new(&file)?;
    let mut count = 0;
    while reader.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

proptest! {
    #[test]
    fn what_was_written_is_read(records in prop::collection::vec(written(), 0..20)) {
        let list = [&b"fuselage list 1\0"[..], &records.concat()].concat();
        prop_assert_eq!(read_all(&list).unwrap(), records.len());
    }

    #[test]
    fn whatever_is_read_says_it_in_one_way(text in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Some(record) = Record::parse(&text) {
            let mut again = Vec::new();
            record.write(&mut again);
            prop_assert_eq!(&again[..again.len() - 1], &text[..]);
        }
    }

    #[test]
    fn a_changed_record_is_another_one_or_none(
        record in written(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut text = record[..record.len() - 1].to_vec();
        let at = at.index(text.len());
        prop_assume!(text[at] != byte);
        let before = Record::parse(&record[..record.len() - 1]).unwrap();
        text[at] = byte;
        prop_assert_ne!(Record::parse(&text), Some(before));
    }
}

#[test]
fn only_what_is_written_is_a_record() {
    let digest = Digest::of(b"");
    let file = |depth: &str, rest: &str| format!("f {depth} 644 5.000000006 7 {digest} {rest}");
    for good in [
        "d 0 755 - ",
        "d 1 755 - a b",
        "d 1 2755 -5.000000001 a",
        "l 1 5.000000000 a//b c",
        &file("1", "- a"),
        &file("9", "0 \n"),
    ] {
        assert!(Record::parse(good.as_bytes()).is_some(), "{good:?}");
    }
    for bad in [
        "",
        "d",
        "d 1 755 -",
        "d 1 755 - ",
        "d 0 755 - a",
        "d 1 755 - a/b",
        "d 1 755 - .",
        "d 1 755 - ..",
        "d 01 755 - a",
        "d +1 755 - a",
        "d 1 0755 - a",
        "d 1 10000 - a",
        "d 1 798 - a",
        "d 4294967296 755 - a",
        "d 1 755 5 a",
        "d 1 755 5.0 a",
        "d 1 755 5.1000000000 a",
        "d 1  755 - a",
        "l 1 5.000000000 a",
        "l 1 5.000000000 a/",
        "l 1 - a/b",
        "x 1 755 - a",
        &file("0", "- a"),
        &file("1", "-1 a"),
        &file("1", "- "),
        &file("1", "- a").to_uppercase(),
        &format!("d 1 755 - {}", "n".repeat(256)),
        &format!("l 1 5.000000000 a/{}", "t".repeat(4096)),
    ] {
        assert_eq!(Record::parse(bad.as_bytes()), None, "{bad:?}");
    }
}

#[test]
fn what_is_no_list_says_which_record_is_wrong() {
    let wrong = |bytes: &[u8]| read_all(bytes).unwrap_err().to_string();
    for bytes in [
        &b""[..],
        b"fuselage list 2\0",
        b"fuselage list 1",
        b"\0",
        &[b'x'; 100_000],
    ] {
        let told = wrong(bytes);
        assert!(told.contains("of the list of files"), "{told}");
    }
    let told = wrong(b"fuselage list 1\0d 0 755 - \0d 1 755 - a");
    assert_eq!(told, "record 3 of the list of files has no end");
    let told = wrong(b"fuselage list 1\0d 0 755 - \0\0");
    assert_eq!(told, "record 3 of the list of files is no entry of a tree");
    assert_eq!(read_all(b"fuselage list 1\0d 0 755 - \0").unwrap(), 1);
}
