//! Which mount a descriptor is on.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{AtFlags, Statx, StatxAttributes, StatxFlags, statx};
use rustix::io::Errno;

/// The id of the mount that `file` was opened on, as in mountinfo.
pub(crate) fn mount_id(file: BorrowedFd<'_>) -> io::Result<u64> {
    let wanted = StatxFlags::MNT_ID;
    match extended(file, wanted)? {
        Some(answer) if answer.stx_mask & wanted.bits() != 0 => Ok(answer.stx_mnt_id),
        _ => mount_id_of_old_kernel(file),
    }
}

/// Before Linux 5.8: the line `mnt_id:` of fdinfo (proc(5)).
pub(crate) fn mount_id_of_old_kernel(file: BorrowedFd<'_>) -> io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
    text.lines()
        .find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Whether `file` is the root of a mount; `None`: a kernel before 5.8, which does not tell.
pub(crate) fn is_mount_root(file: BorrowedFd<'_>) -> io::Result<Option<bool>> {
    Ok(extended(file, StatxFlags::empty())?.and_then(|answer| {
        let known = answer
            .stx_attributes_mask
            .contains(StatxAttributes::MOUNT_ROOT);
        known.then(|| answer.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }))
}

/// `None`: there is no statx(2) here. It is of 4.11, but seccomp lists that are older refuse it,
/// which `rustix` tells from a refusal.
fn extended(file: BorrowedFd<'_>, wanted: StatxFlags) -> io::Result<Option<Statx>> {
    match statx(file, c"", AtFlags::EMPTY_PATH, wanted) {
        Ok(answer) => Ok(Some(answer)),
        Err(Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn both_ways_say_the_same() {
        for path in ["/", "/proc", "/dev/null"] {
            let file = File::open(path).unwrap();
            let id = mount_id(file.as_fd()).unwrap();
            assert_eq!(id, mount_id_of_old_kernel(file.as_fd()).unwrap(), "{path}");
        }
        let [root, proc] = ["/", "/proc"].map(|path| File::open(path).unwrap());
        assert_ne!(
            mount_id(root.as_fd()).unwrap(),
            mount_id(proc.as_fd()).unwrap()
        );
    }
}
