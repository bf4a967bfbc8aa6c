//! Images of mksquashfs, with all of its compressors and the options that change the format.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fuselage_archive::{Format, Limits, detect};
use fuselage_linux::open::replace_umask;

use crate::place::{LIMITS, Place, Seen, seen};

const LARGE: Limits = Limits {
    entries: 100_000,
    bytes: 4 << 30,
    ..LIMITS
};

/// Whether mksquashfs is there and has `compressor`; says why not.
pub(crate) fn tools(compressor: &str) -> bool {
    let missing = match Command::new("mksquashfs").arg("-help").output() {
        Err(_) => Some("mksquashfs is missing (Debian package squashfs-tools)".to_owned()),
        // It ends with 1 and writes to either.
        Ok(help) => {
            let text = [help.stdout, help.stderr].concat();
            let known = String::from_utf8_lossy(&text).contains(&format!("\t{compressor}"));
            (!known).then(|| format!("mksquashfs has no {compressor}"))
        }
    };
    let Some(why) = missing else {
        return true;
    };
    fuselage_testing::skip(&why)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The image that mksquashfs makes of a directory.
pub(crate) fn image_of(directory: &Path, options: &str) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("image");
    run(Command::new("mksquashfs")
        .args([directory, &path])
        .args(["-quiet", "-no-progress", "-processors", "2"])
        .args(options.split_whitespace()));
    fs::read(&path).unwrap()
}

/// The same numbers every time, which no compressor makes smaller by much.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(length)
    .collect()
}

fn text(length: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|number| format!("line {number} of a text\n").into_bytes());
    lines.take(length).collect()
}

/// A tree with something of everything.
fn make_tree(root: &Path) {
    let at = |name: &str| root.join(name);
    for name in ["closed", "deep/er/still", "many", "empty directory"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    for (name, content) in [
        ("empty", Vec::new()),
        ("one", vec![1]),
        ("block of 4K", text(4096)),
        ("block of 128K", text(128 << 10)),
        ("block of 1M", text(1 << 20)),
        ("block and tail", text((128 << 10) + 77)),
        ("large", text(8_500_000)),
        ("large noise", noise(500_001)),
        (
            "zeros at the end",
            [&noise(5000)[..], &[0; 700_000]].concat(),
        ),
        ("large with holes", {
            let (text, zeros) = (text(4_500_000), vec![0; 2_000_000]);
            [&text[..], &zeros, &text[..700_000], &zeros].concat()
        }),
        ("closed/secret", b"secret".to_vec()),
        ("deep/er/still/here", text(500)),
        ("a\nline", b"newline".to_vec()),
        ("b\\s", b"backslash".to_vec()),
        ("copy 1", text(300_000)),
        ("copy 2", text(300_000)),
    ] {
        fs::write(at(name), content).unwrap();
    }
    for number in 0..300 {
        fs::write(at(&format!("many/{number:03}")), text(number * 7)).unwrap();
    }
    let name = std::ffi::OsStr::from_bytes(b"\xff not UTF-8");
    fs::write(root.join(name), b"bytes").unwrap();
    fs::write(at(&"n".repeat(255)), b"long").unwrap();
    let sparse = File::create(at("sparse")).unwrap();
    sparse.write_all_at(b"begin", 2_000_000).unwrap();
    sparse.write_all_at(b"middle", 9_000_000).unwrap();
    sparse.set_len(20_000_000).unwrap();
    File::create(at("holes alone"))
        .unwrap()
        .set_len(6_000_123)
        .unwrap();
    symlink("one", at("link")).unwrap();
    symlink("/nowhere/at all", at("deep/link")).unwrap();
    symlink("t".repeat(4000), at("long link")).unwrap();
    fs::hard_link(at("large"), at("deep/large too")).unwrap();
    fs::hard_link(at("one"), at("one too")).unwrap();
    fs::hard_link(at("link"), at("deep/link too")).unwrap();
    for (name, mode) in [
        ("one", 0o4755),
        ("empty", 0o000),
        ("closed/secret", 0o400),
        ("closed", 0o1500),
        ("large", 0o600),
    ] {
        fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    for (name, seconds) in [
        ("large", 1),
        ("one", 4_000_000_000),
        ("deep", 1_000_000_000),
    ] {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::open(at(name)).unwrap().set_modified(time).unwrap();
    }
    run(Command::new("touch")
        .args(["-h", "-d", "@77"])
        .arg(at("long link")));
}

/// A tree with a little of everything.
pub(crate) fn make_small_tree(root: &Path) {
    fs::create_dir_all(root.join("d/e")).unwrap();
    for (name, content) in [
        ("blocks", text(10_000)),
        ("tail", text(700)),
        ("d/noise", noise(3000)),
        ("d/e/empty", Vec::new()),
    ] {
        fs::write(root.join(name), content).unwrap();
    }
    let sparse = File::create(root.join("sparse")).unwrap();
    sparse.write_all_at(b"x", 9000).unwrap();
    sparse.set_len(40_000).unwrap();
    symlink("d/noise", root.join("link")).unwrap();
    fs::hard_link(root.join("tail"), root.join("d/tail too")).unwrap();
}

/// As an extraction has it: permission bits alone.
fn without_special_bits(mut seen: Seen) -> Seen {
    seen.values_mut().for_each(|(mode, ..)| *mode &= !0o7000);
    seen
}

fn assert_same(found: &Seen, expected: &Seen, what: &str) {
    let names = |seen: &Seen| -> Vec<String> {
        seen.keys()
            .map(|name| name.escape_ascii().to_string())
            .collect()
    };
    assert_eq!(names(found), names(expected), "{what}");
    for (name, expected) in expected {
        let found = &found[name];
        let name = name.escape_ascii();
        assert_eq!(
            (found.0, found.1),
            (expected.0, expected.1),
            "{what}: {name}"
        );
        assert!(found.2 == expected.2, "{what}: the content of {name}");
    }
}

#[test]
fn all_compressors_block_sizes_and_options_give_the_tree_back() {
    if !tools("zstd") {
        return;
    }
    // Modes are compared to the bit; each test is a process of its own.
    replace_umask(0);
    let source = tempfile::tempdir().unwrap();
    make_tree(source.path());
    let expected = without_special_bits(seen(source.path()));
    let options = [
        "-comp gzip",
        "-comp gzip -b 4K",
        "-comp zstd",
        "-comp zstd -b 1M -Xcompression-level 3",
        "-comp lz4",
        "-comp lz4 -Xhc -b 4K",
        "-comp xz -b 1M",
        "-comp xz -Xbcj x86 -b 64K",
        "-comp xz -Xdict-size 50% -b 128K",
        "-comp gzip -no-fragments",
        "-comp gzip -always-use-fragments -b 1M",
        "-comp zstd -noI -noD -noF -noX -b 4K",
        "-comp zstd -noD",
        "-comp zstd -noI -no-exports -no-xattrs",
        "-comp zstd -exports -nopad",
        "-comp zstd -no-duplicates -no-sparse -b 8K",
        "-comp gzip -Xwindow-size 9 -Xstrategy huffman_only -b 16K",
    ];
    for (number, options) in options.into_iter().enumerate() {
        let bytes = image_of(source.path(), options);
        let place = Place::of("squashfs");
        let extracted = place
            .extract_with(&bytes, LARGE, 1 + number % 3, None)
            .unwrap_or_else(|error| panic!("{options}: {error}"));
        assert_eq!(extracted.entries, expected.len() as u64, "{options}");
        assert_same(&place.tree(), &expected, options);
        check_links_and_holes(&place.root(), options);
    }
}

fn check_links_and_holes(root: &Path, options: &str) {
    let facts = |name: &str| root.join(name).symlink_metadata().unwrap();
    for (one, other) in [
        ("large", "deep/large too"),
        ("one", "one too"),
        ("link", "deep/link too"),
    ] {
        assert_eq!(facts(one).ino(), facts(other).ino(), "{options}: {one}");
        assert_eq!(facts(one).nlink(), 2, "{options}: {one}");
    }
    assert_ne!(facts("copy 1").ino(), facts("copy 2").ino());
    if !options.contains("-no-sparse") {
        // In units of 512 bytes (stat(2)).
        assert_eq!(facts("holes alone").blocks() / 300, 0, "{options}");
        assert!(facts("sparse").blocks() < 3 << 12, "{options}");
    }
}

#[test]
fn unsupported_compressors_are_named() {
    for compressor in ["lzo", "lzma"] {
        if !tools(compressor) {
            return;
        }
        let source = tempfile::tempdir().unwrap();
        fs::write(source.path().join("f"), text(5000)).unwrap();
        let bytes = image_of(source.path(), &format!("-comp {compressor}"));
        let error = Place::of("squashfs").extract(&bytes).unwrap_err();
        assert_eq!(error.code(), "ERR_ARCHIVE_UNSUPPORTED");
        let what = format!("the image is compressed by {compressor}, which cannot be read");
        assert_eq!(error.to_string(), what);
    }
}

#[test]
fn special_files_of_mksquashfs_are_refused_by_name() {
    if !tools("gzip") {
        return;
    }
    for (definition, what) in [
        ("pipe i 644 0 0 f", "the entry `pipe` is a FIFO"),
        ("null c 666 0 0 1 3", "the entry `null` is a device"),
        ("disk b 600 0 0 8 0", "the entry `disk` is a device"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let source = place.path().join("source");
        fs::create_dir(&source).unwrap();
        let pseudo = place.path().join("pseudo");
        fs::write(&pseudo, format!("{definition}\n")).unwrap();
        let bytes = image_of(&source, &format!("-pf {}", pseudo.display()));
        let error = Place::of("squashfs").extract(&bytes).unwrap_err();
        assert_eq!(error.to_string(), what);
    }
}

#[test]
fn an_empty_image_is_an_empty_tree_and_is_told_by_content() {
    if !tools("gzip") {
        return;
    }
    let source = tempfile::tempdir().unwrap();
    let bytes = image_of(source.path(), "");
    let place = Place::of("squashfs");
    assert_eq!(place.extract(&bytes).unwrap().entries, 0);
    assert!(place.tree().is_empty());
    fs::write(source.path().join("image"), &bytes).unwrap();
    let file = File::open(source.path().join("image")).unwrap();
    let found = detect(std::os::fd::AsFd::as_fd(&file)).unwrap();
    assert_eq!(found.format, Format::named("squashfs"));
    assert_eq!(found.looks_like, "a squashfs image");
}

#[test]
fn a_real_tree_is_the_one_that_unsquashfs_makes() {
    if !tools("zstd") {
        return;
    }
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules");
    let modules = match crate::mutations::more(1) {
        1 => modules.join("@babel"),
        _ => modules,
    };
    if !modules.exists() {
        eprintln!("skipped: there is no {}", modules.display());
        return;
    }
    replace_umask(0);
    let bytes = image_of(&modules, "-comp zstd -Xcompression-level 1");
    let place = Place::of("squashfs");
    place.extract_with(&bytes, LARGE, 2, None).unwrap();
    let theirs = tempfile::tempdir().unwrap();
    let (image, root) = (theirs.path().join("image"), theirs.path().join("root"));
    fs::write(&image, &bytes).unwrap();
    run(Command::new("unsquashfs")
        .args(["-quiet", "-no-progress", "-d"])
        .args([&root, &image]));
    let theirs = without_special_bits(seen(&root));
    assert!(theirs.len() > 100);
    assert_same(&place.tree(), &theirs, "unsquashfs");
}
