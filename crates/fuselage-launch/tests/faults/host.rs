//! What a run may not leave behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fuselage_testing::in_child;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;

/// The kernel detaches a loop device a little after its last use.
const DETACH_TIME: Duration = Duration::from_secs(5);

/// How the kernel calls a file of a tmpfs that never had a name. Another test may have one too, for
/// a moment.
const UNNAMED: &str = "/#";

/// Runs `test` in a child that, where it is root, has a mount namespace in which nobody else
/// mounts. It is shared as that of a host is: what a run does not keep to itself is seen in it.
pub(crate) fn on_own_host(test: impl FnOnce()) {
    in_child(|| {
        if geteuid().is_root() && unshare(CloneFlags::CLONE_NEWNS).is_ok() {
            for propagation in [MsFlags::MS_PRIVATE, MsFlags::MS_SHARED] {
                let flags = MsFlags::MS_REC | propagation;
                mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).unwrap();
            }
        }
        test();
    });
}

/// All mounts of this host.
pub(crate) fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap()
}

/// Paths of everything below `directory`.
pub(crate) fn files(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap().path();
        if entry.is_dir() && !entry.is_symlink() {
            found.extend(files(&entry));
        }
        found.insert(entry.display().to_string());
    }
    found
}

/// The loop devices with a file below `directory`, or with one that has no name, which remain.
pub(crate) fn loop_devices(directory: &Path) -> Vec<String> {
    let end = Instant::now() + DETACH_TIME;
    loop {
        let left = loop_devices_now(directory);
        if left.is_empty() || Instant::now() > end {
            return left;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn loop_devices_now(directory: &Path) -> Vec<String> {
    let directory = directory.display().to_string();
    let devices = fs::read_dir("/sys/block").into_iter().flatten();
    devices
        .filter_map(|device| {
            let file = device.ok()?.path().join("loop/backing_file");
            fs::read_to_string(file).ok()
        })
        .filter(|file| file.contains(&directory) || file.starts_with(UNNAMED))
        .collect()
}
