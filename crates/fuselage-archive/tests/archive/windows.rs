//! Entries whose decoders look far back: they get the memory that they need, one after the other.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fuselage_archive::Limits;
use lzma_rust2::{LzmaOptions, LzmaWriter, XzOptions, XzWriter};

use crate::contents::noise;
use crate::place::{LIMITS, Place};
use crate::zip_builder::{Entry, file, zip};

const LZMA: u16 = 14;
const ZSTD: u16 = 93;
pub(crate) const XZ: u16 = 95;
const MEBIBYTE: usize = 1 << 20;

const LARGE: Limits = Limits {
    bytes: 1 << 30,
    ratio: u32::MAX,
    ..LIMITS
};

pub(crate) fn xz(content: &[u8], dictionary: u32) -> Vec<u8> {
    let mut options = XzOptions::with_preset(0);
    options.lzma_options.dict_size = dictionary;
    let mut xz = XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(content).unwrap();
    xz.finish().unwrap()
}

/// LZMA behind the header that zip gives it, with `lc` bits of the last byte and `lp` of the
/// position that tell literals apart.
fn lzma(content: &[u8], lc: u32, lp: u32) -> Vec<u8> {
    let options = LzmaOptions {
        lc,
        lp,
        ..LzmaOptions::with_preset(0)
    };
    let header = [9, 20, 5, 0, options.get_props()];
    let mut packed = [&header[..], &options.dict_size.to_le_bytes()].concat();
    let mut lzma = LzmaWriter::new_no_header(&mut packed, &options, false).unwrap();
    lzma.write_all(content).unwrap();
    lzma.finish().unwrap();
    packed
}

/// A frame that does not tell how long its content is.
fn frame(content: &[u8], window_log: u32) -> Vec<u8> {
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    zstd.window_log(window_log).unwrap();
    zstd.write_all(content).unwrap();
    zstd.finish().unwrap()
}

/// Bytes of anonymous memory of this process.
fn anonymous() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let number = line.unwrap().split_whitespace().nth(1).unwrap();
    number.parse::<usize>().unwrap() * 1024
}

/// The most of it while `work` runs, beyond what there was before.
fn peak(work: impl FnOnce()) -> usize {
    let (before, done) = (anonymous(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(anonymous());
                std::thread::sleep(Duration::from_millis(1));
            }
            most
        });
        work();
        done.store(true, Ordering::Relaxed);
        watch.join().unwrap().saturating_sub(before)
    })
}

/// Whether memory that is freed is given back, as musl does it, with which the launcher is shipped:
/// glibc keeps some of it for each thread. If not, the test of that name is run where it is.
fn gives_freed_memory_back(test: &str) -> bool {
    const THRESHOLD: &str = "MALLOC_MMAP_THRESHOLD_";
    if std::env::var_os(THRESHOLD).is_some() {
        return true;
    }
    let done = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact"])
        .env(THRESHOLD, "131072")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

/// A zip with the same entry in several directories, so that threads share the work.
fn several(entry: &Entry) -> Vec<u8> {
    let entries: Vec<Entry> = (0..4)
        .map(|number| Entry {
            name: format!("{number}/entry").into(),
            ..entry.clone()
        })
        .collect();
    zip(&entries)
}

#[test]
fn decoders_with_the_largest_dictionary_take_turns() {
    let content = vec![7; 68 * MEBIBYTE];
    let entry = Entry {
        packed: Some(xz(&content, 64 << 20)),
        crc: Some(libdeflater::crc32(&content)),
        size: Some(content.len() as u64),
        method: XZ,
        ..file("", b"")
    };
    drop(content);
    let (place, bytes) = (Place::new(), several(&entry));
    let peak = peak(|| {
        place.extract_with(&bytes, LARGE, 4, None).unwrap();
    });
    // One of them and some buffers; two would be more than 128 MiB.
    assert!((64 * MEBIBYTE..96 * MEBIBYTE).contains(&peak), "{peak}");
    assert!((0..4).all(|number| {
        let path = place.root().join(format!("{number}/entry"));
        fs::metadata(path).unwrap().len() == 68 << 20
    }));
}

#[test]
fn decoders_of_lzma_take_what_their_literals_need() {
    if !gives_freed_memory_back("windows::decoders_of_lzma_take_what_their_literals_need") {
        return;
    }
    let content = b"few bytes of many tables";
    let jobs = 64;
    // 6 MiB each; and what every tool writes.
    for (lc, lp) in [(8, 4), (3, 0)] {
        let packed = lzma(content, lc, lp);
        let entries: Vec<Entry> = (0..4 * jobs)
            .map(|number| Entry {
                packed: Some(packed.clone()),
                method: LZMA,
                ..file(&format!("{}/{number}", number % jobs), content)
            })
            .collect();
        let (place, bytes) = (Place::new(), zip(&entries));
        let peak = peak(|| {
            place.extract_with(&bytes, LARGE, jobs, None).unwrap();
        });
        assert!(peak < 64 * MEBIBYTE, "{lc}, {lp}: {peak}");
        let tree = place.tree();
        let files = tree.values().filter(|(_, _, found)| found == content);
        assert_eq!(files.count(), entries.len());
    }
}

#[test]
fn a_dictionary_beyond_the_largest_is_refused() {
    let packed = |dictionary| Entry {
        packed: Some(xz(b"content", dictionary)),
        method: XZ,
        ..file("entry", b"content")
    };
    let extract = |dictionary| Place::new().extract(&zip(&[packed(dictionary)]));
    extract(64 << 20).unwrap();
    let error = extract(96 << 20).unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{error}");
    assert!(error.to_string().contains("memory"), "{error}");
}

/// An entry that is too large to be unpacked in one go, behind whose first frame comes another.
fn framed(window_log: u32) -> Entry {
    let first = noise(41 * MEBIBYTE, 1);
    let second = noise(MEBIBYTE, 2).repeat(9);
    Entry {
        packed: Some([frame(&first, 20), frame(&second, window_log)].concat()),
        method: ZSTD,
        ..file("entry", &[first, second].concat())
    }
}

#[test]
fn a_frame_that_needs_a_larger_window_than_those_before_it_gets_it() {
    let entry = framed(27);
    let place = Place::new();
    let bytes = zip(std::slice::from_ref(&entry));
    place.extract_with(&bytes, LARGE, 2, None).unwrap();
    let content = fs::read(place.root().join("entry")).unwrap();
    assert!(content == entry.content);
    let error = Place::new()
        .extract_with(&zip(&[framed(28)]), LARGE, 2, None)
        .unwrap_err();
    assert_eq!(error.code(), "ERR_ARCHIVE_DAMAGED", "{error}");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn large_entries_of_zstd_need_no_window() {
    let content = noise(MEBIBYTE, 1).repeat(130);
    let mut entry = Entry {
        packed: Some(frame(&content, 27)),
        crc: Some(libdeflater::crc32(&content)),
        size: Some(content.len() as u64),
        method: ZSTD,
        ..file("", b"")
    };
    drop(content);
    let (place, bytes) = (Place::new(), several(&entry));
    let peak = peak(|| {
        place.extract_with(&bytes, LARGE, 4, None).unwrap();
    });
    assert!(peak < 48 * MEBIBYTE, "{peak}");
    // Its checksum and its length are checked all the same.
    entry.crc = Some(7);
    let error = Place::new().extract_with(&several(&entry), LARGE, 2, None);
    assert!(error.unwrap_err().to_string().contains("checksum"));
    for (size, lie) in [(1, "unpacked"), (131 << 20, "less")] {
        entry.size = Some(size);
        let error = Place::new().extract_with(&several(&entry), LARGE, 2, None);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(lie), "{error}");
    }
}
