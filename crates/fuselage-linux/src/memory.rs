//! How much memory there is for a tmpfs: of the machine, and of the control group.

use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use nix::sys::statfs::fstatfs;

use crate::cgroup::{self, Version};

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryFacts {
    /// Of the machine (`MemTotal`).
    pub total: u64,
    /// What programs can have without swapping (`MemAvailable`).
    pub available: u64,
}

/// Bytes of memory of this machine, by one call (sysinfo(2)); what a container shows in its
/// `/proc/meminfo` may be less.
pub fn total_memory() -> u64 {
    let facts = rustix::system::sysinfo();
    facts.totalram.saturating_mul(facts.mem_unit.into())
}

/// Reads `/proc/meminfo`.
///
/// # Errors
/// /proc is not there, or is no proc.
pub fn memory_facts() -> io::Result<MemoryFacts> {
    facts_below(Path::new("/"))
}

/// Bytes that the control group of this process may still use, the least over it and its ancestors,
/// both cgroup versions: limit − used + what the kernel can take back from its page cache. `None`: no
/// limit.
pub fn cgroup_left() -> Option<u64> {
    cgroup_left_below(Path::new("/"))
}

/// Bytes and inodes that an ordinary user may still take on the file system of `directory`.
/// A file system that counts no inodes (btrfs, some network ones) has `u64::MAX`.
///
/// # Errors
/// What fstatfs(2) says.
pub fn free_bytes(directory: BorrowedFd<'_>) -> io::Result<(u64, u64)> {
    let status = fstatfs(directory)?;
    let block = u64::try_from(status.block_size()).unwrap_or(1);
    let inodes = if status.files() == 0 {
        u64::MAX
    } else {
        status.files_free()
    };
    Ok((status.blocks_available().saturating_mul(block), inodes))
}

fn facts_below(root: &Path) -> io::Result<MemoryFacts> {
    let text = fs::read_to_string(root.join("proc/meminfo"))?;
    let total = kibibytes(&text, "MemTotal:").ok_or(io::ErrorKind::InvalidData)?;
    Ok(MemoryFacts {
        total,
        available: kibibytes(&text, "MemAvailable:").unwrap_or(total),
    })
}

fn cgroup_left_below(root: &Path) -> Option<u64> {
    let hierarchies = cgroup::hierarchies(root, "memory");
    let of_all = hierarchies.iter().flat_map(|one| {
        let directories = one.directories.iter();
        directories.filter_map(|directory| left(directory, one.version))
    });
    of_all.min()
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value
        .trim()
        .strip_suffix(" kB")?
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// What one group may still use; `None` where it has no limit, or the files of the controller are
/// not there (the root group, a controller that is not delegated).
fn left(directory: &Path, version: Version) -> Option<u64> {
    let (limit, used, prefix) = match version {
        Version::Two => ("memory.max", "memory.current", ""),
        Version::One => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    };
    let number = |file| {
        fs::read_to_string(directory.join(file))
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    // `max` is no number; in version 1 no limit is the largest whole number of pages.
    let limit = number(limit).filter(|limit| *limit < NO_LIMIT)?;
    let statistics = fs::read_to_string(directory.join("memory.stat")).unwrap_or_default();
    Some(
        limit
            .saturating_sub(number(used)?)
            .saturating_add(reclaimable(&statistics, prefix)),
    )
}

const NO_LIMIT: u64 = 1 << 62;

/// A group that has read much is full of page cache all the time, which is no reason to refuse
/// anything: the inactive part is given up first, of the active one half is counted, as the kernel
/// does for `MemAvailable`. Pages of a tmpfs are in neither.
fn reclaimable(statistics: &str, prefix: &str) -> u64 {
    let value = |name: &str| {
        statistics
            .lines()
            .find_map(|line| {
                line.strip_prefix(prefix)?
                    .strip_prefix(name)?
                    .strip_prefix(' ')
            })
            .and_then(|value| value.parse::<u64>().ok())
            .unwrap_or(0)
    };
    value("inactive_file").saturating_add(value("active_file") / 2)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::made_up_root::made_up_root;

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:        8000 kB\nMemFree: 1 kB\nMemAvailable:    6000 kB\n",
    );
    const TWO: (&str, &str) = (
        "proc/self/mountinfo",
        "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n",
    );
    const ONE: (&str, &str) = (
        "proc/self/mountinfo",
        "30 23 0:26 / /cg rw - cgroup cgroup rw,memory\n",
    );

    #[test]
    fn the_tightest_ancestor_counts() {
        let root = made_up_root(&[
            MEMINFO,
            TWO,
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("cg/outer/inner/memory.max", "max\n"),
            ("cg/outer/inner/memory.current", "100\n"),
            ("cg/outer/memory.max", "1000\n"),
            ("cg/outer/memory.current", "700\n"),
            (
                "cg/outer/memory.stat",
                "anon 1\ninactive_file 50\nactive_file 20\n",
            ),
        ]);
        let facts = facts_below(root.path()).unwrap();
        assert_eq!(facts.total, 8_192_000);
        assert_eq!(facts.available, 6_144_000);
        assert_eq!(cgroup_left_below(root.path()), Some(360));
    }

    #[test]
    fn version_1_counts_the_same_way() {
        let root = made_up_root(&[
            MEMINFO,
            ONE,
            ("proc/self/cgroup", "4:memory:/job\n"),
            ("cg/job/memory.limit_in_bytes", "1000\n"),
            ("cg/job/memory.usage_in_bytes", "950\n"),
            (
                "cg/job/memory.stat",
                "inactive_file 9\ntotal_inactive_file 40\n",
            ),
            ("cg/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cg/memory.usage_in_bytes", "5\n"),
        ]);
        assert_eq!(cgroup_left_below(root.path()), Some(90));
    }

    #[test]
    fn a_group_above_its_limit_has_nothing_left_and_no_limit_is_none() {
        let membership = ("proc/self/cgroup", "0::/a\n");
        let over = [("cg/a/memory.max", "10\n"), ("cg/a/memory.current", "20\n")];
        let root = made_up_root(&[&[MEMINFO, TWO, membership], &over[..]].concat());
        assert_eq!(cgroup_left_below(root.path()), Some(0));
        let unlimited = [
            ("cg/a/memory.max", "max\n"),
            ("cg/a/memory.current", "20\n"),
        ];
        let root = made_up_root(&[&[MEMINFO, TWO, membership], &unlimited[..]].concat());
        assert_eq!(cgroup_left_below(root.path()), None);
    }

    #[test]
    fn without_proc_it_is_an_error() {
        assert!(facts_below(Path::new("/nonexistent")).is_err());
        assert!(facts_below(made_up_root(&[("proc/meminfo", "nonsense")]).path()).is_err());
    }

    #[test]
    fn this_machine_has_memory_and_room() {
        let facts = memory_facts().unwrap();
        assert!(
            facts.total >= facts.available && facts.available > 0,
            "{facts:?}"
        );
        let here = fs::File::open(".").unwrap();
        let (bytes, inodes) = free_bytes(here.as_fd()).unwrap();
        assert!(bytes > 0 && inodes > 0);
    }
}
