//! mksquashfs, with all of its compressors and the options that change the format.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::differential::compare::{
    assert_same, assert_same_files, without_special_bits, without_times,
};
use crate::differential::random_names::Names;
use crate::differential::random_tree::Holds;
use crate::differential::{LARGE, extracted, run, source, trees};
use crate::mutations::more;
use crate::place::{Place, Scratch, seen};
use crate::squashfs_tools::{image_of, tools};

const HOLDS: Holds = Holds {
    names: Names::Bytes,
    seconds: (0, u32::MAX as i64),
    longest_target: 4000,
};

const OPTIONS: [&str; 30] = [
    "-comp gzip",
    "-comp gzip -b 4K",
    "-comp gzip -b 1M -always-use-fragments",
    "-comp gzip -no-fragments",
    "-comp gzip -Xwindow-size 9 -Xstrategy huffman_only -b 16K",
    "-comp gzip -Xcompression-level 1 -Xstrategy filtered,fixed,run_length_encoded",
    "-comp zstd",
    "-comp zstd -b 1M -Xcompression-level 3",
    "-comp zstd -b 4K -Xcompression-level 1 -tailends",
    "-comp zstd -noD",
    "-comp zstd -noF",
    "-comp zstd -noI -no-exports -no-xattrs",
    "-comp zstd -noI -noD -noF -noX -b 4K",
    "-comp zstd -noId -all-root",
    "-comp zstd -exports -nopad",
    "-comp zstd -no-duplicates -no-sparse -b 8K",
    "-comp zstd -no-hardlinks",
    "-comp zstd -all-time 4000000000 -b 32K",
    "-comp zstd -not-reproducible -no-tailends -force-uid 77 -force-gid 78",
    "-comp lz4",
    "-comp lz4 -Xhc -b 4K",
    "-comp lz4 -Xhc -b 1M -no-fragments -no-duplicates",
    "-comp lz4 -nopad -tailends -no-sparse",
    "-comp xz",
    "-comp xz -b 1M",
    "-comp xz -b 64K -Xbcj x86",
    "-comp xz -b 128K -Xdict-size 50%",
    "-comp xz -b 32K -Xbcj arm,powerpc,sparc,ia64",
    "-comp xz -b 16K -Xbcj armthumb -Xdict-size 8K",
    "-comp xz -noI -noF -Xbcj x86,arm,armthumb,powerpc,sparc,ia64",
];

#[test]
fn trees_of_mksquashfs() {
    if !tools("zstd") {
        return;
    }
    for number in 0..trees(OPTIONS.len()) {
        let options = OPTIONS[number % OPTIONS.len()];
        let what = format!("tree {number} of `mksquashfs {options}`");
        let place = Place::of("squashfs");
        let source = source(number, &HOLDS);
        fs::write(place.archive(), image_of(source.path(), options)).unwrap();
        let found = extracted(&place, number, &what);
        let theirs = unsquashfs(&place.archive());
        let expected = without_special_bits(seen(theirs.path()));
        let packed = without_special_bits(seen(source.path()));
        assert_same(&without_times(&expected), &without_times(&packed), &what);
        assert_same(&found, &expected, &what);
        assert_same_files(&place.root(), theirs.path(), &what);
    }
}

/// The tree that unsquashfs makes of an image.
fn unsquashfs(image: &Path) -> Scratch {
    let theirs = Scratch::new();
    run(Command::new("unsquashfs")
        .args(["-quiet", "-no-progress", "-force", "-d"])
        .args([theirs.path(), image]));
    theirs
}

#[test]
fn a_real_tree() {
    if !tools("zstd") {
        return;
    }
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules");
    let modules = match more(1) {
        1 => modules.join("@babel"),
        _ => modules,
    };
    if !modules.exists() {
        fuselage_testing::skip(&format!("there is no {} (npm ci)", modules.display()));
        return;
    }
    let place = Place::of("squashfs");
    let bytes = image_of(&modules, "-comp zstd -Xcompression-level 1");
    place.extract_with(&bytes, LARGE, 2, None).unwrap();
    let theirs = unsquashfs(&place.archive());
    let expected = without_special_bits(seen(theirs.path()));
    assert!(expected.len() > 100);
    assert_same(&place.tree(), &expected, "node_modules");
}
