//! What the names in a cache directory mean.

/// Digits of a SHA-256.
const DIGITS: usize = 64;
/// What the name of an image ends with.
const IMAGE: &str = ".sfs";

/// Name of an entry, of whichever format: `<digest>-<format>`, of an image with `.sfs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnyEntryName<'a> {
    pub(super) whole: &'a str,
    pub(super) digest: &'a str,
    pub(super) format: &'a str,
    pub(super) is_image: bool,
}

impl<'a> AnyEntryName<'a> {
    pub(super) fn parse(whole: &'a str) -> Option<Self> {
        let image = whole.strip_suffix(IMAGE);
        let (digest, format) = image.unwrap_or(whole).split_once('-')?;
        let is_digest = digest.len() == DIGITS && is_hexadecimal(digest);
        let is_format = !format.is_empty() && format.bytes().all(|byte| byte.is_ascii_digit());
        (is_digest && is_format).then_some(Self {
            whole,
            digest,
            format,
            is_image: image.is_some(),
        })
    }

    pub(super) fn sentinel(&self) -> String {
        format!("{}{}", self.whole, Role::SENTINEL)
    }

    pub(super) fn list(&self) -> String {
        format!("{}{}", self.whole, Role::LIST)
    }

    pub(super) fn lock(&self) -> String {
        format!("{}{}", self.whole, Role::LOCK)
    }
}

pub(super) fn is_hexadecimal(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What a file is for its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Data,
    Sentinel,
    List,
    Lock,
    /// Anything else that is named like an entry and more.
    Temporary,
}

impl Role {
    const SENTINEL: &str = ".complete";
    const LIST: &str = ".files";
    const LOCK: &str = ".lock";
}

/// The entry that a file in the cache directory is of; `None`: it is none of ours.
pub(super) fn parse(name: &str) -> Option<(AnyEntryName<'_>, Role)> {
    if let Some(entry) = AnyEntryName::parse(name) {
        return Some((entry, Role::Data));
    }
    for (end, role) in [
        (Role::SENTINEL, Role::Sentinel),
        (Role::LIST, Role::List),
        (Role::LOCK, Role::Lock),
    ] {
        if let Some(entry) = name.strip_suffix(end).and_then(AnyEntryName::parse) {
            return Some((entry, role));
        }
    }
    let (first, rest) = name.split_once('.')?;
    // `.sfs` belongs to the name where it is there.
    let whole = match rest.starts_with(&IMAGE[1..]) {
        true => &name[..first.len() + IMAGE.len()],
        false => first,
    };
    Some((AnyEntryName::parse(whole)?, Role::Temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_entry_and_what_a_file_is_for_it() {
        let digest = "0123456789abcdef".repeat(4);
        for (end, expected) in [
            ("-1", Some((Role::Data, false))),
            ("-1.sfs", Some((Role::Data, true))),
            ("-12.complete", Some((Role::Sentinel, false))),
            ("-1.sfs.complete", Some((Role::Sentinel, true))),
            ("-1.files", Some((Role::List, false))),
            ("-1.sfs.lock", Some((Role::Lock, true))),
            ("-1.complete.7", Some((Role::Temporary, false))),
            ("-1.sfs.complete.7", Some((Role::Temporary, true))),
            ("-", None),
            ("-x", None),
            ("", None),
            ("f-1", None),
        ] {
            let name = format!("{digest}{end}");
            let parsed = parse(&name).map(|(entry, role)| {
                assert_eq!(entry.digest, digest);
                (role, entry.is_image)
            });
            assert_eq!(parsed, expected, "{name}");
        }
        for foreign in ["x", ".hidden", "index", &"G".repeat(64), "notes.txt"] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }
}
