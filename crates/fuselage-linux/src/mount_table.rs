//! The mount table of this process's mount namespace: `/proc/self/mountinfo` (proc(5)).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountLine {
    /// Unique among the mounts there are now.
    pub(crate) id: u64,
    /// That of the mount that it is mounted on.
    pub(crate) parent: u64,
    /// The directory of its file system that is the mount's root.
    pub(crate) root: PathBuf,
    /// Where it is mounted, from this process's root directory.
    pub(crate) mount_point: PathBuf,
    /// `tmpfs`, `cgroup2`, …
    pub(crate) file_system: String,
    /// The name that mount(2) was given as source.
    pub(crate) source: OsString,
    /// Options of the file system, separated by commas.
    pub(crate) super_options: String,
}

/// Reads and parses the table; only mounts that this process can reach from its root are in it.
pub(crate) fn read() -> io::Result<Vec<MountLine>> {
    Ok(parse(&fs::read("/proc/self/mountinfo")?))
}

/// The mounts on the mount `top`, and on those, as far as one gets to them: something else may be
/// mounted over one, or over a directory on the way to it.
pub(crate) fn reached_below(table: &[MountLine], top: u64) -> Vec<&MountLine> {
    let mut reached = Vec::new();
    let mut parents = vec![top];
    while let Some(parent) = parents.pop() {
        let on_it: Vec<_> = table.iter().filter(|line| line.parent == parent).collect();
        for line in &on_it {
            let is_covered = on_it.iter().any(|other| {
                other.id != line.id && line.mount_point.starts_with(&other.mount_point)
            });
            if !is_covered {
                parents.push(line.id);
                // What covers its root is reached in its place.
                let is_root = |above: &MountLine| {
                    above.parent == line.id && above.mount_point == line.mount_point
                };
                if !table.iter().any(is_root) {
                    reached.push(*line);
                }
            }
        }
    }
    reached
}

/// Lines that are not as proc(5) says are left out.
pub(crate) fn parse(table: &[u8]) -> Vec<MountLine> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(parse_line)
        .collect()
}

fn parse_line(line: &[u8]) -> Option<MountLine> {
    let mut fields = line.split(|byte| *byte == b' ');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let _device = fields.next()?;
    let root = unescape(fields.next()?).into();
    let mount_point = unescape(fields.next()?).into();
    let _options = fields.next()?;
    // Any number of optional fields, ended by a hyphen.
    fields.by_ref().find(|field| *field == b"-")?;
    Some(MountLine {
        id,
        parent,
        root,
        mount_point,
        file_system: String::from_utf8_lossy(fields.next()?).into_owned(),
        source: unescape(fields.next()?),
        super_options: String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned(),
    })
}

/// Space, tab, newline, backslash and `#` stand as a backslash and three octal digits.
pub(crate) fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|digits| {
            first == b'\\'
                && matches!(digits[0], b'0'..=b'3')
                && digits[1..].iter().all(|digit| matches!(digit, b'0'..=b'7'))
        });
        if let Some(digits) = octal {
            bytes.push(
                digits
                    .iter()
                    .fold(0, |value, digit| (value << 3) | (digit - b'0')),
            );
            rest = &after[3..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_field_is_found_whatever_the_optional_ones_are() {
        let table = parse(
            b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=x\n\
              91 90 0:42 / /home/u\\040v/p\\134\\012q ro - tmpfs fuselage rw\n\
              half a line\n",
        );
        assert_eq!(table.len(), 2);
        assert_eq!(table[0].id, 36);
        assert_eq!(table[0].root, Path::new("/mnt1"));
        assert_eq!(table[0].mount_point, Path::new("/mnt2"));
        assert_eq!(table[0].file_system, "ext3");
        assert_eq!(table[0].source, "/dev/root");
        assert_eq!(table[0].super_options, "rw,errors=x");
        assert_eq!(table[1].mount_point, Path::new("/home/u v/p\\\nq"));
        assert_eq!(table[1].source, "fuselage");
    }

    #[test]
    fn a_backslash_that_escapes_nothing_stays() {
        assert_eq!(unescape(b"a\\04"), "a\\04");
        assert_eq!(unescape(b"\\999"), "\\999");
    }

    /// Lines of `id parent mount-point`.
    fn table_of(lines: &str) -> Vec<MountLine> {
        let whole = lines.lines().map(|line| {
            let [id, parent, point] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            format!("{id} {parent} 0:1 / {point} rw - tmpfs x rw\n")
        });
        parse(whole.collect::<String>().as_bytes())
    }

    fn reached(lines: &str, top: u64) -> Vec<u64> {
        let table = table_of(lines);
        let mut ids: Vec<_> = reached_below(&table, top)
            .iter()
            .map(|line| line.id)
            .collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn what_is_mounted_on_a_mount_is_below_it_however_deep() {
        let table = "1 0 /a\n2 1 /a/b\n3 2 /a/b/c\n4 1 /a/bc\n5 0 /a/b\n6 0 /d\n7 5 /a/b/x";
        assert_eq!(reached(table, 1), [2, 3, 4]);
        assert_eq!(reached(table, 3), [0; 0]);
    }

    #[test]
    fn what_is_covered_is_not_reached_and_what_covers_it_is() {
        // 3 is over a directory on the way to 2, and 4 in it.
        assert_eq!(
            reached("1 0 /a\n2 1 /a/b/c\n3 1 /a/b\n4 2 /a/b/c/d", 1),
            [3]
        );
        // Three on each other, and one that the second had.
        let stack = "1 0 /a\n2 1 /a/b\n3 2 /a/b\n4 3 /a/b/c\n5 3 /a/b\n6 5 /a/b/d";
        assert_eq!(reached(stack, 1), [5, 6]);
    }

    #[test]
    fn the_real_table_has_proc_in_it() {
        assert!(
            read()
                .unwrap()
                .iter()
                .any(|line| line.file_system == "proc")
        );
    }
}
