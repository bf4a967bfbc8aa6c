//! Names of entries, made to components.

use crate::error::ArchiveError;
use crate::limits::Limits;

/// The longest component that Linux file systems take, in bytes (`NAME_MAX`).
const LONGEST_COMPONENT: usize = 255;

/// `name` as components with one `/` between them; empty for the root of the tree.
///
/// Empty and `.` components are left out, as every tool writes some. Everything that could lead
/// outside is refused, not repaired.
pub(crate) fn normalised(name: &[u8], limits: &Limits) -> Result<Vec<u8>, ArchiveError> {
    if name.first() == Some(&b'/') {
        return Err(ArchiveError::hostile(name, "has an absolute path"));
    }
    if name.contains(&0) {
        return Err(ArchiveError::hostile(name, "has a NUL byte in its name"));
    }
    let mut path = Vec::with_capacity(name.len());
    let mut depth = 0;
    for component in name.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => continue,
            b".." => return Err(ArchiveError::hostile(name, "has a `..` in its path")),
            long if long.len() > LONGEST_COMPONENT => {
                return Err(ArchiveError::damaged(
                    name,
                    "has a name of more than 255 bytes",
                ));
            }
            plain => {
                if depth > 0 {
                    path.push(b'/');
                }
                path.extend_from_slice(plain);
                depth += 1;
            }
        }
    }
    if depth > limits.depth {
        let (found, limit) = (depth.into(), limits.depth.into());
        return Err(ArchiveError::Limit {
            of: "levels of directories",
            found,
            limit,
        });
    }
    Ok(path)
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
    fn a_path_is_split_at_its_last_slash() {
        assert_eq!(split(b"a/b/c"), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
    }
}
