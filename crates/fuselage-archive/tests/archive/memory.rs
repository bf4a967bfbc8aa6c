//! How much memory the process of a test has had.

use std::fs;

/// The most bytes since the last [`forget_peak_memory`].
pub(crate) fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes << 10
}

/// What there is now is the peak (proc(5)).
pub(crate) fn forget_peak_memory() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}
