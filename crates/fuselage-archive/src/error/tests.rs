use super::*;
use crate::detect::detect_bytes;

/// One of each kind; what the compiler asks for here is added to `every`, too.
fn number(error: &ArchiveError) -> usize {
    match error {
        ArchiveError::Damaged { .. } => 0,
        ArchiveError::Encrypted { .. } => 1,
        ArchiveError::Unsupported { .. } => 2,
        ArchiveError::Hostile { .. } => 3,
        ArchiveError::Limit { .. } => 4,
        ArchiveError::NoSpace { .. } => 5,
        ArchiveError::Write { .. } => 6,
        ArchiveError::Read { .. } => 7,
        ArchiveError::Text { .. } => 8,
        ArchiveError::NotDecoded { .. } => 9,
        ArchiveError::Unrecognised { .. } => 10,
        ArchiveError::NotCopied { .. } => 11,
    }
}

const EVERY_LIMIT: [Limited; 6] = [
    Limited::Entries,
    Limited::Bytes,
    Limited::Depth,
    Limited::NameLength,
    Limited::Ratio,
    Limited::Component,
];

fn every() -> Vec<ArchiveError> {
    let entry = || "a".to_owned();
    let what = || "is wrong".to_owned();
    let mut every = vec![
        ArchiveError::damaged(b"a", what()),
        ArchiveError::Encrypted { entry: entry() },
        ArchiveError::Unsupported {
            entry: None,
            what: what(),
        },
        ArchiveError::hostile(b"a", what()),
        ArchiveError::Read {
            source: io::ErrorKind::Other.into(),
        },
        ArchiveError::unrecognised(detect_bytes(b"")),
        ArchiveError::Text {
            line: 1,
            column: 2,
            what: what(),
        },
    ];
    for of in EVERY_LIMIT {
        every.push(ArchiveError::limit(of, b"a", 2, 1));
    }
    for limited_by in [
        LimitedBy::TmpfsBytes,
        LimitedBy::TmpfsInodes,
        LimitedBy::DiskBytes,
        LimitedBy::DiskInodes,
        LimitedBy::ControlGroup,
    ] {
        every.push(ArchiveError::NoSpace {
            needed: 2,
            left: 1,
            limited_by,
        });
    }
    for kind in [
        io::ErrorKind::StorageFull,
        io::ErrorKind::QuotaExceeded,
        io::ErrorKind::OutOfMemory,
        io::ErrorKind::InvalidInput,
    ] {
        every.push(ArchiveError::write(b"a", kind.into()));
        let source = kind.into();
        every.push(ArchiveError::NotDecoded { source });
        let source = kind.into();
        every.push(ArchiveError::NotCopied { source });
    }
    every
}

#[test]
fn every_error_has_a_code_and_a_way_out() {
    let mut seen = std::collections::BTreeSet::new();
    for error in every() {
        seen.insert(number(&error));
        assert!(error.code().starts_with("ERR_"), "{error:?}");
        let hints = error.hints();
        assert!(!hints.is_empty(), "{error:?}");
        assert!(hints.iter().all(|hint| !hint.is_empty()), "{error:?}");
    }
    assert_eq!(seen, (0..12).collect());
}

#[test]
fn a_limit_is_told_with_the_entry_and_the_option_that_raises_it() {
    for of in EVERY_LIMIT {
        let error = ArchiveError::limit(of, b"d/e", 77, 66);
        let (text, hint) = (error.to_string(), error.hints().concat());
        assert!(
            text.contains("`d/e`") && text.contains("77") && text.contains("66"),
            "{text}"
        );
        let named = of
            .option()
            .map(|name| format!("--limit {name}=NUMBER (it is 66)"));
        assert_eq!(
            named.is_some_and(|named| hint.contains(&named)),
            hint.contains("--limit"),
            "{hint}"
        );
        assert_eq!(hint.contains("--limit"), of != Limited::Component);
    }
}

#[test]
fn the_middle_of_a_very_long_name_is_left_out() {
    assert_eq!(shown(&[b'n'; 300]), "n".repeat(300));
    let long = shown(&[&[b'a'; 5000][..], &[b'z'; 5000]].concat());
    assert!(long.starts_with("aaa") && long.contains('…') && long.ends_with("zzz"));
    assert!(long.len() < 300);
    // In the middle of a character.
    assert!(shown("ä".repeat(400).as_bytes()).contains('\u{fffd}'));
}

#[test]
fn the_option_is_named_where_it_helps_and_nowhere_else() {
    assert!(room(LimitedBy::TmpfsBytes, 3 << 20, 1 << 20).contains("--tmpfs-size=4M"));
    assert!(room(LimitedBy::TmpfsInodes, 9, 8).contains("--tmpfs-size SIZE"));
    for disk in [LimitedBy::DiskBytes, LimitedBy::DiskInodes] {
        let disk = room(disk, 9, 8);
        assert!(disk.contains("FUSELAGE_HOME") && !disk.contains("--tmpfs-size"));
    }
    let group = room(LimitedBy::ControlGroup, 3 << 20, 1 << 20);
    assert!(
        group.contains("by 2 MiB") && !group.contains("--tmpfs-size"),
        "{group}"
    );
}

#[test]
fn an_entry_without_a_name_is_told_as_one() {
    let what = "is wrong";
    for (error, told) in [
        (ArchiveError::damaged(b"", what), what),
        (ArchiveError::hostile(b"", what), what),
        (
            ArchiveError::Encrypted {
                entry: String::new(),
            },
            "is encrypted",
        ),
    ] {
        assert_eq!(error.to_string(), format!("an entry without a name {told}"));
    }
    let error = ArchiveError::hostile(b"a", what);
    assert_eq!(error.to_string(), "the entry `a` is wrong");
}

#[test]
fn what_crosses_to_another_process_is_the_same_there() {
    const ENOSPC: i32 = 28;
    let numbered = || io::Error::from_raw_os_error(ENOSPC);
    let every = every().into_iter().chain([
        ArchiveError::write(b"a", numbered()),
        ArchiveError::NotDecoded { source: numbered() },
        ArchiveError::NotCopied { source: numbered() },
    ]);
    for error in every {
        let carried = serde_json::to_vec(&error).unwrap();
        let there: ArchiveError = serde_json::from_slice(&carried).unwrap();
        let told = |error: &ArchiveError| (error.to_string(), causes::causes(error));
        assert_eq!(told(&there), told(&error));
        // Errors without a number, which the system has none of, are not told apart by their kind.
        if !matches!(
            &error,
            ArchiveError::Write { source, .. }
            | ArchiveError::NotDecoded { source }
            | ArchiveError::NotCopied { source }
            if source.raw_os_error().is_none()
        ) {
            assert_eq!((there.code(), there.hints()), (error.code(), error.hints()));
        }
    }
}

#[test]
fn advice_that_is_none_of_ours_does_not_cross() {
    let carried = |advice: &str| {
        let text = format!(r#"{{"Unrecognised":{{"looks_like":"x","advice":"{advice}"}}}}"#);
        serde_json::from_str::<ArchiveError>(&text).map(|error| error.hints())
    };
    assert!(carried("run rm -rf /").is_err());
    let ours = carried("decrypt it first").unwrap();
    assert_eq!(ours, ["decrypt it first", &accepted()]);
}
