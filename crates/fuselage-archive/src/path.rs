//! Names of entries, made to components.

use std::borrow::Cow;

use crate::error::ArchiveError;
use crate::limits::{LONGEST_COMPONENT, Limited, Limits};

/// `name` as components with one `/` between them; empty for the root of the tree.
///
/// Empty and `.` components are left out, as every tool writes some. Everything that could lead
/// outside is refused, not repaired.
pub(crate) fn normalised<'a>(
    name: &'a [u8],
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, ArchiveError> {
    if name.first() == Some(&b'/') {
        return Err(ArchiveError::hostile(name, "has an absolute path"));
    }
    if name.contains(&0) {
        return Err(ArchiveError::hostile(name, "has a NUL byte in its name"));
    }
    let named = name.strip_suffix(b"/").unwrap_or(name);
    let (mut depth, mut left_out) = (0, false);
    for component in named.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => left_out = true,
            b".." => return Err(ArchiveError::hostile(name, "has a `..` in its path")),
            long if long.len() > LONGEST_COMPONENT => return Err(too_long(name, long.len())),
            _ => depth += 1,
        }
    }
    // Nearly every name is as it should be already.
    let path = match left_out {
        false => Cow::Borrowed(named),
        true => Cow::Owned(
            named
                .split(|byte| *byte == b'/')
                .filter(|component| !matches!(*component, b"" | b"."))
                .collect::<Vec<_>>()
                .join(&b'/'),
        ),
    };
    check_place(|| name.to_vec(), depth, path.len(), limits)?;
    Ok(path)
}

/// Makes sure that `name`, an entry of a directory, is one component and cannot lead elsewhere;
/// `entry` is its whole path, for errors.
///
/// # Errors
/// It is empty, `.` or `..`, has a `/` or a NUL byte in it, or is longer than 255 bytes.
pub(crate) fn check_component(
    entry: impl Fn() -> Vec<u8>,
    name: &[u8],
) -> Result<(), ArchiveError> {
    let what = match name {
        b"" => "has no name",
        b"." | b".." => "has a name that stands for a directory",
        name if name.contains(&b'/') => "has a `/` in its name",
        name if name.contains(&0) => "has a NUL byte in its name",
        long if long.len() > LONGEST_COMPONENT => return Err(too_long(&entry(), long.len())),
        _ => return Ok(()),
    };
    Err(ArchiveError::hostile(&entry(), what))
}

fn too_long(entry: &[u8], found: usize) -> ArchiveError {
    let allowed = LONGEST_COMPONENT as u64;
    ArchiveError::limit(Limited::Component, entry, found as u64, allowed)
}

/// Makes sure that an entry is neither too deep nor has too long a path: `depth` components and
/// `length` bytes.
///
/// # Errors
/// One of them is above its limit.
pub(crate) fn check_place(
    entry: impl Fn() -> Vec<u8>,
    depth: u32,
    length: usize,
    limits: &Limits,
) -> Result<(), ArchiveError> {
    for (of, found, allowed) in [
        (Limited::Depth, depth.into(), limits.depth),
        (Limited::NameLength, length as u64, limits.name_length),
    ] {
        let allowed = allowed.into();
        if found > allowed {
            return Err(ArchiveError::limit(of, &entry(), found, allowed));
        }
    }
    Ok(())
}

/// The directory part and the last component.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        entries: 9,
        bytes: 9,
        depth: 3,
        name_length: 12,
        ratio: 9,
    };

    #[test]
    fn harmless_names_are_normalised_and_others_refused() {
        for (name, path) in [
            ("./a//b/", "a/b"),
            ("a", "a"),
            ("./", ""),
            ("a/./b", "a/b"),
            ("..a/b..", "..a/b.."),
        ] {
            assert_eq!(
                normalised(name.as_bytes(), &LIMITS).unwrap(),
                path.as_bytes()
            );
        }
        for name in ["/a", "../a", "a/..", "a/../b", "a\0", "a/b/c/d"] {
            assert!(normalised(name.as_bytes(), &LIMITS).is_err(), "{name}");
        }
    }

    #[test]
    fn one_component_is_one_component() {
        for name in [&b"a"[..], b"...", b"a\\b", b"\xff", b"a\nb", &[b'n'; 255]] {
            check_component(Vec::new, name).unwrap();
        }
        for name in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0", &[b'n'; 256]] {
            let error = check_component(|| b"a/path".to_vec(), name).unwrap_err();
            assert!(error.to_string().contains("`a/path`"), "{error}");
        }
    }

    #[test]
    fn a_path_is_split_at_its_last_slash() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }
}
