use super::*;

fn words(bytes: &[u8]) -> Looks {
    looks_like(bytes, &bytes[..bytes.len().min(16 << 10)])
}

#[test]
fn every_kind_of_the_table_is_told_by_its_bytes() {
    for kind in BINARY {
        let mut bytes = vec![b'\x07'; kind.at];
        bytes.extend(kind.magic);
        bytes.extend([7; 40]);
        assert_eq!(words(&bytes), Looks::from(kind));
        // Cut within the magic it is something else.
        let shorter = &bytes[..kind.at + kind.magic.len() - 1];
        assert_ne!(words(shorter).words, kind.name);
    }
    for kind in TEXT {
        let mut bytes = b"\n \t".to_vec();
        bytes.extend(kind.magic.to_ascii_uppercase());
        bytes.extend(b" and so on\n");
        assert_eq!(words(&bytes), Looks::from(kind));
    }
}

#[test]
fn what_people_give_by_mistake_is_named_with_what_helps() {
    for (bytes, name, advice) in [
        (&b""[..], "an empty file", Some("again")),
        (
            b"\x1f\x8b\x08\0\0",
            "a gzip file, perhaps a tar.gz",
            Some("mksquashfs"),
        ),
        (
            b"\xfd7zXZ\0\0",
            "an xz file, perhaps a tar.xz",
            Some("tar -xf"),
        ),
        (
            b"sqsh\0\0\0\x07",
            "a squashfs image of the other byte order (big-endian)",
            Some("4.0"),
        ),
        (
            b"\n\n<!DOCTYPE HTML>\n<title>404</title>",
            "an HTML page",
            Some("download"),
        ),
        (
            b"\xef\xbb\xbf<!doctype html>",
            "an HTML page",
            Some("download"),
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n",
            "a pointer of Git LFS, not the file it stands for",
            Some("git lfs pull"),
        ),
        (
            b"{\"message\": \"Not Found\"}",
            "a JSON text",
            Some("download"),
        ),
        (b"#!/bin/sh\necho hello\n", "a script", None),
        (b"\xff\xfeU\0E\0s\0", "a text in UTF-16", Some("UTF-8")),
        (b"U\0E\0s\0D\0\n\0", "a text in UTF-16", Some("UTF-8")),
        (b"\0U\0E\0s\0D\0\n", "a text in UTF-16", Some("UTF-8")),
        (b"caf\xc3\xa9 au lait\n", "a text", None),
        (b"root:x:0:0::/root:/bin/sh\n", "a text", None),
        // Cut within a character.
        (b"caf\xc3", "a text", None),
        (&[0; 5000], "a file of zeros", None),
        (
            b"\xff\x00\x17",
            "a binary file of no kind that is known",
            None,
        ),
        (
            b"text and\0more",
            "a binary file of no kind that is known",
            None,
        ),
        (b"{\0binary", "a binary file of no kind that is known", None),
    ] {
        let found = words(bytes);
        assert_eq!(found.words, name);
        match advice {
            Some(word) => assert!(found.advice.unwrap().contains(word), "{found:?}"),
            None => assert_eq!(found.advice, None),
        }
    }
}
