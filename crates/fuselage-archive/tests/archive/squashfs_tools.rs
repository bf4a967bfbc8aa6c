//! Images of mksquashfs, made with care.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;
use std::process::Command;

use fuselage_archive::{Format, detect};

use crate::contents::{noise, text};
use crate::differential::run;
use crate::place::Place;

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

/// A tree with a little of everything.
pub(crate) fn make_small_tree(root: &Path) {
    fs::create_dir_all(root.join("d/e")).unwrap();
    for (name, content) in [
        ("blocks", text(10_000, 1)),
        ("tail", text(700, 1)),
        ("d/noise", noise(3000, 1)),
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

#[test]
fn unsupported_compressors_are_named() {
    for compressor in ["lzo", "lzma"] {
        if !tools(compressor) {
            return;
        }
        let source = tempfile::tempdir().unwrap();
        fs::write(source.path().join("f"), text(5000, 1)).unwrap();
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
