//! What the uids that this process sees are worth.

use std::fs::{self, File};
use std::io::Read;

/// What the kernel takes when nobody has set the sysctl (`DEFAULT_OVERFLOWUID`, linux/highuid.h).
const DEFAULT_OVERFLOW_UID: u32 = 65534;

/// The uid that stands for every owner without a place in the uid map of this user namespace
/// (`/proc/sys/fs/overflowuid`).
pub fn overflow_uid() -> u32 {
    fs::read_to_string("/proc/sys/fs/overflowuid")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(DEFAULT_OVERFLOW_UID)
}

/// Whether the uid map of this process is anything but the full identity of the initial user
/// namespace. True too where /proc does not tell: nothing is trusted then.
pub fn in_user_namespace() -> bool {
    // A part would do: the full identity is one line, and every start reads it.
    let mut map = [0; 64];
    let read = File::open("/proc/self/uid_map").and_then(|mut file| file.read(&mut map));
    !read.is_ok_and(|length| is_full_identity(&String::from_utf8_lossy(&map[..length])))
}

fn is_full_identity(map: &str) -> bool {
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_range_is_the_full_identity() {
        assert!(is_full_identity("         0          0 4294967295\n"));
        assert!(!is_full_identity("         0       1000          1\n"));
        assert!(!is_full_identity("      1000       1000          1\n"));
        assert!(!is_full_identity("0 0 65536\n65536 65536 4294901759\n"));
        assert!(!is_full_identity(""));
    }

    #[test]
    fn the_overflow_uid_is_no_user_of_ours() {
        assert!(overflow_uid() > 1000);
    }
}
