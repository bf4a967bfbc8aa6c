//! Each single change of a tree is found and named, and nothing else.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fuselage_archive::{Change, Kind};

use crate::compared::Compared;
use crate::zip_builder::{directory, entry, file, link, zip};

fn compared() -> Compared {
    let large = vec![b'x'; 3 << 20];
    let archive = zip(&[
        file("a/f", b"four"),
        entry("a/script", b"#!", 0o100_755),
        directory("a", 0o750),
        directory("empty", 0o755),
        link("a/l", "f"),
        file("b/c/d/e", b"deep"),
        // Both before and behind `b/` by its bytes.
        file("b-", b""),
        file("b0", b""),
        file("large", &large),
    ]);
    let compared = Compared::of("zip", &archive, 2);
    assert_eq!(compared.differences(), []);
    compared
}

/// Does something to the file and gives it its time back.
fn keeping_its_time(path: &Path, change: impl FnOnce(&Path)) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    change(path);
    File::open(path)
        .unwrap()
        .set_times(FileTimes::new().set_modified(modified))
        .unwrap();
}

fn flip(path: &Path, at: usize) {
    keeping_its_time(path, |path| {
        let mut content = fs::read(path).unwrap();
        content[at] ^= 1;
        fs::write(path, content).unwrap();
    });
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

type Changes = fn(&Compared);

#[test]
fn each_change_is_found_and_named() {
    let cases: &[(&str, Changes, Change)] = &[
        ("a/f", |tree| flip(&tree.path("a/f"), 3), Change::Content),
        (
            "large",
            |tree| flip(&tree.path("large"), 2 << 20),
            Change::Content,
        ),
        (
            "b/c/d/e",
            |tree| flip(&tree.path("b/c/d/e"), 0),
            Change::Content,
        ),
        (
            "a/script",
            |tree| mode(&tree.path("a/script"), 0o4755),
            Change::Mode {
                expected: 0o755,
                found: 0o4755,
            },
        ),
        (
            "a",
            |tree| mode(&tree.path("a"), 0o755),
            Change::Mode {
                expected: 0o750,
                found: 0o755,
            },
        ),
        (
            "b/c/d",
            |tree| mode(&tree.path("b/c/d"), 0o1777),
            Change::Mode {
                expected: 0o755,
                found: 0o1777,
            },
        ),
        (
            ".",
            |tree| mode(&tree.path(""), 0o700),
            Change::Mode {
                expected: 0o777,
                found: 0o700,
            },
        ),
        ("a/f", |tree| touch(&tree.path("a/f")), Change::Time),
        ("empty", |tree| touch(&tree.path("empty")), Change::Time),
        (
            "a/f",
            |tree| {
                keeping_its_time(&tree.path("a/f"), |path| fs::write(path, "three").unwrap());
            },
            Change::Size {
                expected: 4,
                found: 5,
            },
        ),
        (
            "large",
            |tree| keeping_its_time(&tree.path("large"), |path| fs::write(path, "").unwrap()),
            Change::Size {
                expected: 3 << 20,
                found: 0,
            },
        ),
        (
            "b0",
            |tree| fs::remove_file(tree.path("b0")).unwrap(),
            Change::Missing,
        ),
        (
            "b",
            |tree| fs::remove_dir_all(tree.path("b")).unwrap(),
            Change::Missing,
        ),
        (
            "b/c/d/e",
            |tree| fs::remove_file(tree.path("b/c/d/e")).unwrap(),
            Change::Missing,
        ),
        (
            "b/.new",
            |tree| fs::write(tree.path("b/.new"), "").unwrap(),
            Change::Extra,
        ),
        (
            "b/c/d/z",
            |tree| fs::create_dir_all(tree.path("b/c/d/z/y")).unwrap(),
            Change::Extra,
        ),
        (
            "zz",
            |tree| symlink("/", tree.path("zz")).unwrap(),
            Change::Extra,
        ),
        ("b.", |tree| fifo(&tree.path("b.")), Change::Extra),
    ];
    for (path, change, expected) in cases {
        let tree = compared();
        change(&tree);
        let mut found = tree.differences();
        // What a directory has in it changes its time, if it was given one.
        found.retain(|(at, change)| {
            let above = Path::new(path).parent().and_then(Path::to_str);
            *change != Change::Time || at == path || above != Some(at)
        });
        assert_eq!(found, [((*path).to_owned(), *expected)]);
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn touch(path: &Path) {
    let time = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(1));
    File::open(path).unwrap().set_times(time).unwrap();
}

#[test]
fn another_kind_is_found_whatever_stands_there() {
    type Make = fn(&Path);
    let kinds: [(Make, Kind); 4] = [
        (|path| fs::write(path, "four").unwrap(), Kind::File),
        (
            |path| fs::create_dir_all(path.join("below")).unwrap(),
            Kind::Directory,
        ),
        (|path| symlink("/etc/passwd", path).unwrap(), Kind::Symlink),
        (fifo, Kind::Other),
    ];
    for (path, expected) in [
        ("a/f", Kind::File),
        ("b", Kind::Directory),
        ("a/l", Kind::Symlink),
    ] {
        for (make, found) in kinds.into_iter().filter(|(_, kind)| *kind != expected) {
            let tree = compared();
            match expected {
                Kind::Directory => fs::remove_dir_all(tree.path(path)).unwrap(),
                _ => fs::remove_file(tree.path(path)).unwrap(),
            }
            make(&tree.path(path));
            let mut differences = tree.differences();
            differences.retain(|(at, _)| at != "a");
            assert_eq!(
                differences,
                [(path.to_owned(), Change::Kind { expected, found })]
            );
        }
    }
}

#[test]
fn a_link_that_leads_elsewhere_is_found_and_not_followed() {
    let tree = compared();
    let link = tree.path("a/l");
    let facts = fs::symlink_metadata(&link).unwrap();
    fs::remove_file(&link).unwrap();
    symlink("g", &link).unwrap();
    let found = tree.differences();
    assert!(
        found.contains(&("a/l".to_owned(), Change::Target)),
        "{found:?}"
    );
    // A directory that is a link now, to what is as the list says.
    assert_eq!(facts.size(), 1);
    let tree = compared();
    fs::rename(tree.path("b"), tree.path("../outside/b")).unwrap();
    symlink("../outside/b", tree.path("b")).unwrap();
    let (expected, found) = (Kind::Directory, Kind::Symlink);
    assert_eq!(
        tree.differences(),
        [("b".to_owned(), Change::Kind { expected, found })]
    );
}

/// What a user cannot read is told as that; what is around it is compared.
#[test]
fn what_its_owner_may_not_read_is_told_as_unknown() {
    let archive = zip(&[
        entry("closed/f", b"x", 0o100_644),
        directory("closed", 0o300),
        entry("secret", b"x", 0o100_200),
        file("z", b"x"),
    ]);
    let tree = Compared::of("zip", &archive, 2);
    // Root reads everything.
    if fs::metadata(tree.path("")).unwrap().uid() == 0 {
        assert_eq!(tree.differences(), []);
        return;
    }
    let errno = Some(13);
    let expected = ["closed", "secret"];
    let expected = expected.map(|path| (path.to_owned(), Change::Unreadable { errno }));
    assert_eq!(tree.differences(), expected);
}

#[test]
fn no_more_are_told_than_were_asked_for() {
    let tree = compared();
    for number in 0..100 {
        fs::write(tree.path(&format!("new{number:02}")), "").unwrap();
    }
    for most in [0, 1, 7, 100, 101] {
        let found = tree.compare(2, most).unwrap();
        assert_eq!(found.len(), most.min(100));
    }
    assert_eq!(
        tree.compare(2, 1000).unwrap()[0].to_string(),
        "`new00` is not in the archive"
    );
}

#[test]
fn everything_that_is_different_is_told() {
    let tree = compared();
    fs::remove_file(tree.path("a/f")).unwrap();
    flip(&tree.path("large"), 7);
    mode(&tree.path("large"), 0o600);
    fs::write(tree.path("b/c/new"), "").unwrap();
    fs::remove_dir(tree.path("empty")).unwrap();
    let found = tree.differences();
    let mode = Change::Mode {
        expected: 0o644,
        found: 0o600,
    };
    let expected = [
        ("a", Change::Time),
        ("a/f", Change::Missing),
        ("b/c/new", Change::Extra),
        ("empty", Change::Missing),
        ("large", mode),
        ("large", Change::Content),
    ];
    assert_eq!(
        found,
        expected.map(|(path, change)| (path.to_owned(), change))
    );
}
