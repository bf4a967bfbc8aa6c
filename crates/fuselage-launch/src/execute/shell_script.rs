//! Files that the kernel does not execute by itself.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The bytes that are looked at.
const LOOKED_AT: u64 = 256;

/// Whether the file begins as text: no NUL in its first line, which is the rule of the shells.
pub(crate) fn is_text(file: &Path) -> bool {
    let start = start(file);
    let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or(&start);
    !first_line.contains(&0)
}

/// What is missing for a file that is there and cannot be found by execve(2).
pub(crate) fn missing_interpreter(file: &Path) -> String {
    let start = start(file);
    match start.strip_prefix(b"#!") {
        Some(rest) => {
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
            let name = line
                .trim_ascii()
                .split(|byte| byte.is_ascii_whitespace())
                .next();
            let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
            format!("its interpreter `{name}` is not there")
        }
        None => "its loader (the interpreter of the ELF file) is not there, or it is a dangling \
                 link"
            .to_owned(),
    }
}

fn start(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(file) {
        let _ = file.take(LOOKED_AT).read_to_end(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_interpreters_are_told_from_the_first_line() {
        let place = tempfile::tempdir().unwrap();
        let file = |content: &[u8]| {
            let path = place.path().join("file");
            std::fs::write(&path, content).unwrap();
            path
        };
        assert!(is_text(&file(b"echo hi\n\0")));
        assert!(!is_text(&file(b"\x7fELF\0\0")));
        assert_eq!(
            missing_interpreter(&file(b"#! /no/such -x\n")),
            "its interpreter `/no/such` is not there"
        );
        assert!(missing_interpreter(&file(b"\x7fELF")).contains("loader"));
    }
}
