//! Giving capabilities up where a filter stands in the way.

use fuselage_linux::capabilities::forbid_after_exec;
use nix::errno::Errno;
use nix::libc;

use crate::call_filter::refuse_prctl;
use crate::child::in_user_namespace;

const CAP_KILL: u32 = 5;

fn bounding_set() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("CapBnd:"));
    line.unwrap().to_owned()
}

#[test]
fn the_bounding_set_is_empty_afterwards() {
    in_user_namespace(|| {
        forbid_after_exec().unwrap();
        assert_eq!(bounding_set(), "CapBnd:\t0000000000000000");
    });
}

#[test]
fn a_capability_that_a_filter_keeps_is_an_error() {
    in_user_namespace(|| {
        // What the kernel itself answers for a number above its last capability.
        let drop = u32::try_from(libc::PR_CAPBSET_DROP).unwrap();
        refuse_prctl(drop, CAP_KILL, Errno::EINVAL);
        let error = forbid_after_exec().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    });
}
