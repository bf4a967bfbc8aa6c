//! A Landlock domain (landlock(7)), under which the kernel refuses every mount.

use nix::errno::Errno;
use nix::libc;

/// Restricts this process and what it forks, for good: opening files is handled and nothing is
/// refused by rule. False: this kernel has no Landlock.
pub(crate) fn restrict_harmlessly() -> bool {
    // `LANDLOCK_ACCESS_FS_MAKE_BLOCK`: something no test does.
    let handled: u64 = 1 << 11;
    // SAFETY: the structure of the first version is this one number, and its length is passed.
    let rules = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const handled,
            size_of::<u64>(),
            0,
        )
    };
    if rules < 0 {
        assert!(matches!(Errno::last(), Errno::ENOSYS | Errno::EOPNOTSUPP));
        return false;
    }
    nix::sys::prctl::set_no_new_privs().unwrap();
    // SAFETY: takes a descriptor and a number; touches no memory.
    let status = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules, 0) };
    assert_eq!(status, 0, "{}", Errno::last());
    true
}
