//! Kinds of files that are no archives of ours: how they begin, what they are called, and what
//! helps somebody who gave one.

/// A kind of file that is told by some bytes.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Where those bytes are.
    pub(crate) at: usize,
    pub(crate) magic: &'static [u8],
    /// With its article.
    pub(crate) name: &'static str,
    /// What to do.
    pub(crate) advice: Option<&'static str>,
    /// An archive may follow it: a program, a script.
    pub(crate) may_carry: bool,
}

const fn kind(magic: &'static [u8], name: &'static str) -> Kind {
    Kind {
        at: 0,
        magic,
        name,
        advice: None,
        may_carry: false,
    }
}

impl Kind {
    const fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    const fn advice(self, advice: &'static str) -> Self {
        Self {
            advice: Some(advice),
            ..self
        }
    }

    const fn carrying(self) -> Self {
        Self {
            may_carry: true,
            ..self
        }
    }
}

const UNPACK_TAR: &str = "unpack it and pack it again: mkdir tree && tar -xf FILE -C tree && \
                          mksquashfs tree tree.sfs (or: cd tree && zip -ry ../tree.zip .)";
const UNPACK: &str = "unpack it and pack it again: mksquashfs DIRECTORY tree.sfs, or zip -ry \
                      tree.zip .";
const MOUNT: &str = "mount it, or unpack it, and pack it again: mksquashfs DIRECTORY tree.sfs";
const DECRYPT: &str = "decrypt it first";
const PLAIN_TEXT: &str = "leave the lines around the base64 text away, or decode it first";
const PAGE: &str = "a download has probably given a page in place of the file: look at it, and \
                    fetch the file again";

/// By bytes; the first that fits is the one.
pub(crate) const BINARY: &[Kind] = &[
    kind(
        b"sqsh",
        "a squashfs image of the other byte order (big-endian)",
    )
    .advice("make it again with squashfs-tools 4.0 or newer, which write little-endian ones"),
    kind(b"\xe2\xe1\xf5\xe0", "an erofs image")
        .at(1024)
        .advice(MOUNT),
    kind(b"\x53\xef", "an ext2, ext3 or ext4 image")
        .at(1080)
        .advice(MOUNT),
    kind(b"\x45\x3d\xcd\x28", "a cramfs image").advice(MOUNT),
    kind(b"-rom1fs-", "a romfs image").advice(MOUNT),
    kind(b"\x1f\x8b", "a gzip file, perhaps a tar.gz").advice(UNPACK_TAR),
    kind(b"\xfd7zXZ\0", "an xz file, perhaps a tar.xz").advice(UNPACK_TAR),
    kind(b"\x28\xb5\x2f\xfd", "a zstd file, perhaps a tar.zst").advice(UNPACK_TAR),
    kind(b"BZh", "a bzip2 file, perhaps a tar.bz2").advice(UNPACK_TAR),
    kind(b"\x04\x22\x4d\x18", "an lz4 file, perhaps a tar.lz4").advice(UNPACK_TAR),
    kind(b"\x02\x21\x4c\x18", "an lz4 file, perhaps a tar.lz4").advice(UNPACK_TAR),
    kind(b"LZIP", "an lzip file, perhaps a tar.lz").advice(UNPACK_TAR),
    kind(b"\x1f\x9d", "a file of compress(1), perhaps a tar.Z").advice(UNPACK_TAR),
    kind(b"ustar", "a tar archive").at(257).advice(UNPACK_TAR),
    kind(b"7z\xbc\xaf\x27\x1c", "a 7z archive").advice(UNPACK),
    kind(b"Rar!\x1a\x07", "a RAR archive").advice(UNPACK),
    kind(b"MSCF", "a Windows cabinet").advice(UNPACK),
    kind(b"MSWIM\0\0\0", "a Windows image (WIM)").advice(UNPACK),
    kind(b"xar!", "a xar archive").advice(UNPACK),
    kind(b"!<arch>\ndebian-binary", "a Debian package").advice(UNPACK),
    kind(b"!<arch>\n", "an ar archive").advice(UNPACK),
    kind(b"\xed\xab\xee\xdb", "an RPM package").advice(UNPACK),
    kind(b"070701", "a cpio archive").advice(UNPACK),
    kind(b"070702", "a cpio archive").advice(UNPACK),
    kind(b"070707", "a cpio archive").advice(UNPACK),
    kind(b"\xc7\x71", "a cpio archive").advice(UNPACK),
    kind(b"CD001", "an ISO 9660 image").at(32_769).advice(MOUNT),
    kind(b"QFI\xfb", "a disk image of QEMU").advice(MOUNT),
    kind(b"\x7fELF", "an ELF program without an archive behind it")
        .advice(
            "an image is looked for right behind the last byte of the program and at the next \
             multiple of 4096, a zip archive at the end of the file",
        )
        .carrying(),
    kind(b"MZ", "a Windows program").carrying(),
    kind(b"\xfe\xed\xfa", "a macOS program"),
    kind(b"\xcf\xfa\xed\xfe", "a macOS program"),
    kind(b"\xca\xfe\xba\xbe", "a Java class or a macOS program"),
    kind(b"\0asm", "a WebAssembly module"),
    kind(b"%PDF-", "a PDF document"),
    kind(b"\x89PNG", "a PNG picture"),
    kind(b"\xff\xd8\xff", "a JPEG picture"),
    kind(b"GIF8", "a GIF picture"),
    kind(b"SQLite format 3\0", "an SQLite database"),
    kind(b"Salted__", "a file that OpenSSL encrypted").advice(DECRYPT),
    kind(b"age-encryption.org/", "a file that age encrypted").advice(DECRYPT),
];

/// By the beginning of a text, in lower case, without white space before it.
pub(crate) const TEXT: &[Kind] = &[
    kind(
        b"version https://git-lfs",
        "a pointer of Git LFS, not the file it stands for",
    )
    .advice("fetch the file: git lfs pull"),
    kind(b"#!", "a script").carrying(),
    kind(b"<!doctype html", "an HTML page").advice(PAGE),
    kind(b"<html", "an HTML page").advice(PAGE),
    kind(b"<head", "an HTML page").advice(PAGE),
    kind(b"<body", "an HTML page").advice(PAGE),
    kind(b"<title", "an HTML page").advice(PAGE),
    kind(b"<script", "an HTML page").advice(PAGE),
    kind(b"<?xml", "an XML text").advice(PAGE),
    kind(b"<!--", "an HTML or XML text").advice(PAGE),
    kind(b"<error", "an XML text").advice(PAGE),
    kind(b"{", "a JSON text").advice(PAGE),
    kind(b"[", "a JSON text").advice(PAGE),
    kind(b"http/", "the header of an HTTP answer")
        .advice("save the body of the answer alone: curl without --include"),
    kind(b"-----begin pgp", "a PGP message").advice(DECRYPT),
    kind(b"-----begin age", "a file that age encrypted").advice(DECRYPT),
    kind(b"-----begin ", "a text in PEM").advice(PLAIN_TEXT),
    kind(b"begin-base64 ", "a text of uuencode").advice(PLAIN_TEXT),
    kind(b"begin 6", "a text of uuencode").advice("decode it first: uudecode"),
];
