//! Whether a directory may be written, on kernels and hosts without faccessat2(2).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use fuselage_linux::own_directory::{may_make_entries, open_following_links};
use nix::errno::Errno;
use nix::libc;

use crate::call_filter::refuse;
use crate::child::{as_user, directory_of_user};

#[test]
fn who_may_make_entries_is_known_without_the_new_call() {
    let directory = directory_of_user();
    let path = directory.path();
    for errno in [None, Some(Errno::ENOSYS), Some(Errno::EPERM)] {
        as_user(|| {
            if let Some(errno) = errno {
                refuse(&[(libc::SYS_faccessat2, errno)]);
            }
            let open = open_following_links(path).unwrap();
            may_make_entries(&open).unwrap();
            if nix::unistd::geteuid().is_root() {
                return;
            }
            fs::set_permissions(path, Permissions::from_mode(0o500)).unwrap();
            let refused = may_make_entries(&open).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::EACCES), "{errno:?}");
            fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        });
    }
}
