//! What a file seems to be, in words, for somebody who gave the wrong one.

/// Beginnings of kinds of files, and what they are called.
const KINDS: [(&[u8], &str); 24] = [
    (b"hsqs", "a squashfs image"),
    (b"sqsh", "a squashfs image of the other byte order"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MSCF", "a Windows cabinet"),
    (b"!<arch>\n", "an ar archive or a Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"070701", "a cpio archive"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"SQLite format 3", "an SQLite database"),
    (b"#!", "a script"),
    (b"{", "a JSON text"),
    (b"<!DOCTYPE html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML text"),
];

/// Names the kind of a file of `length` bytes that begins with `start`.
pub(crate) fn looks_like(start: &[u8], length: u64) -> &'static str {
    if length == 0 {
        return "an empty file";
    }
    if let Some((_, kind)) = KINDS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return kind;
    }
    if start.get(257..262) == Some(b"ustar") {
        return "a tar archive";
    }
    if start.get(1024..1028) == Some(&[0xe2, 0xe1, 0xf5, 0xe0]) {
        return "an erofs image";
    }
    if start.get(1080..1082) == Some(&[0x53, 0xef]) {
        return "an ext4 image";
    }
    if start.iter().all(|byte| *byte == 0) {
        return "a file of zeros";
    }
    match std::str::from_utf8(start) {
        Err(error) if error.error_len().is_some() => "a binary file of no kind that is known",
        _ if start.contains(&0) => "a binary file of no kind that is known",
        _ if start.starts_with(b"version https://git-lfs") => "a pointer of Git LFS, not the file",
        _ if is_base64(start) => "base64 text",
        _ => "a text",
    }
}

fn is_base64(start: &[u8]) -> bool {
    let line = start
        .split(|byte| *byte == b'\n')
        .find(|line| !line.starts_with(b"#"));
    line.is_some_and(|line| {
        line.len() >= 40
            && line
                .trim_ascii_end()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        assert_eq!(looks_like(b"", 0), "an empty file");
        assert_eq!(looks_like(b"\x1f\x8b\x08", 3), "a gzip file");
        let mut tar = vec![b'x'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(looks_like(&tar, 512), "a tar archive");
        assert_eq!(looks_like(b"root:x:0:0\n", 11), "a text");
        assert_eq!(looks_like(&[b'A'; 60], 60), "base64 text");
        assert_eq!(
            looks_like(b"\xff\x00\x17", 3),
            "a binary file of no kind that is known"
        );
    }
}
