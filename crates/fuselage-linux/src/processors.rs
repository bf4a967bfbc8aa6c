//! How many processors this process may keep busy.

use std::thread::available_parallelism;

/// The processors of sched_getaffinity(2), and no more than the cgroup's quota of processor time
/// pays for (`cpu.max`, and in version 1 `cpu.cfs_quota_us`, over all ancestors); at least 1.
///
/// The standard library reads exactly these.
pub fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use nix::sched::{CpuSet, sched_setaffinity};
    use nix::unistd::Pid;

    use super::*;

    #[test]
    fn a_process_on_one_processor_has_one() {
        assert!(processors() >= 1);
        // Affinity belongs to a thread: the other tests keep theirs.
        let now = nix::sched::sched_getaffinity(Pid::from_raw(0)).unwrap();
        let first = (0..CpuSet::count())
            .find(|number| now.is_set(*number).unwrap())
            .unwrap();
        let mut one = CpuSet::new();
        one.set(first).unwrap();
        sched_setaffinity(Pid::from_raw(0), &one).unwrap();
        assert_eq!(processors(), 1);
    }
}
