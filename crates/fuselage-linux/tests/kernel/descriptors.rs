//! Closing descriptors on kernels and hosts without close_range(2).

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;

use fuselage_linux::descriptors::{close_from, move_up};
use nix::errno::Errno;
use nix::libc;

use crate::call_filter::refuse;
use crate::child::{in_child, in_mount_namespace};
use crate::mount::small_tmpfs;

fn is_open(number: RawFd) -> bool {
    Path::new(&format!("/proc/self/fd/{number}")).exists()
}

#[test]
fn what_is_not_kept_is_closed_without_the_new_call() {
    for errno in [None, Some(Errno::ENOSYS), Some(Errno::EPERM)] {
        in_child(|| {
            if let Some(errno) = errno {
                refuse(&[(libc::SYS_close_range, errno)]);
            }
            let open = || move_up(File::open("/dev/null").unwrap().into()).unwrap();
            let files: Vec<_> = (0..40).map(|_| open()).collect();
            let kept: Vec<BorrowedFd<'_>> = files.iter().step_by(7).map(AsFd::as_fd).collect();
            let numbers: Vec<RawFd> = files.iter().map(AsRawFd::as_raw_fd).collect();
            // Standard error stays, and so does what reports from this child.
            close_from(numbers[0], &kept).unwrap();
            for (index, number) in numbers.iter().enumerate() {
                assert_eq!(is_open(*number), index % 7 == 0, "{errno:?}: {index}");
            }
            std::mem::forget(files);
        });
    }
}

#[test]
fn without_the_new_call_and_proc_that_is_said() {
    in_mount_namespace(|| {
        refuse(&[(libc::SYS_close_range, Errno::ENOSYS)]);
        small_tmpfs(Path::new("/proc"));
        let error = close_from(1000, &[]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOSYS));
    });
}
