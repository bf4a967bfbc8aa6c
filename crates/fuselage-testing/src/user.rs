//! Being an ordinary user.

use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

use crate::child::in_child;

/// The ordinary user of the tests. 65534 would not do: it is the overflow uid, so that inside a
/// user namespace every owner that is not mapped looks like it.
pub const USER: u32 = 12345;

/// As [`in_child`], as the user `id` where the test process is root: without capabilities and
/// without other groups.
pub fn as_user(id: u32, test: impl FnOnce()) {
    in_child(|| {
        become_user(id);
        test();
    });
}

/// Gives up root for good, where this is root.
///
/// # Panics
/// Where this root may not.
pub fn become_user(id: u32) {
    if geteuid().is_root() {
        setgroups(&[]).unwrap();
        let (gid, uid) = (Gid::from_raw(id), Uid::from_raw(id));
        setresgid(gid, gid, gid).unwrap();
        setresuid(uid, uid, uid).unwrap();
        // Else /proc/self, and the id maps in it, belong to root, as with a setuid program.
        nix::sys::prctl::set_dumpable(true).unwrap();
    }
}
