//! Capabilities: what the command must not have, and what a worker on hostile input must not have.

use std::io;

use nix::errno::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
};

/// Whether this process has `CAP_SYS_ADMIN` in its user namespace, effective.
pub fn has_sys_admin() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

/// Empties the bounding, the ambient and the inheritable set, so that the next execve(2) ends with
/// no capability whatever the uid is: with uid 0, which an identity map keeps, permitted becomes
/// `inheritable | bounding` (capabilities(7)).
///
/// # Errors
/// `EPERM`: without `CAP_SETPCAP`, which the first process of a user namespace has.
pub fn forbid_after_exec() -> io::Result<()> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            Err(error) if is_known(capability) || number == 0 => return Err(error.into()),
            Err(_) => break,
        }
    }
    // Before Linux 4.3 there is no ambient set; we need 4.18.
    clear_ambient_capability_set()?;
    let mut sets = capabilities(None)?;
    sets.inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, sets)?)
}

/// Whether this kernel has the capability at all; a seccomp filter may answer the removal of one
/// that it has with the same `EINVAL` as the kernel does above the last (`PR_CAPBSET_READ`,
/// prctl(2)).
fn is_known(capability: CapabilitySet) -> bool {
    capability_is_in_bounding_set(capability) != Err(rustix::io::Errno::INVAL)
}

/// Gives up every capability of this process at once.
///
/// # Errors
/// What capset(2) says.
pub fn give_up() -> io::Result<()> {
    match clear_ambient_capability_set() {
        Ok(()) => {}
        Err(error) => return Err(Errno::from_raw(error.raw_os_error()).into()),
    }
    let none = CapabilitySet::empty();
    Ok(set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{ExitKind, Forked, exit_now, fork, replace_process, wait_for};

    fn status_after(prepare: fn() -> io::Result<()>, script: &std::ffi::CStr) -> ExitKind {
        match fork().unwrap() {
            Forked::Child => {
                if prepare().is_err() {
                    exit_now(99);
                }
                let words = [c"sh".to_owned(), c"-c".to_owned(), script.to_owned()];
                replace_process(c"/bin/sh", &words, &[c"PATH=/usr/bin:/bin".to_owned()]);
                exit_now(98)
            }
            Forked::Parent(child) => wait_for(child).unwrap(),
        }
    }

    const NONE: &std::ffi::CStr = c"grep -q '^CapEff:.0*$' /proc/self/status";

    #[test]
    fn uid_0_has_no_capability_behind_exec() {
        if !has_sys_admin() {
            eprintln!("skipped: not root, so there is no capability to lose");
            return;
        }
        assert_eq!(
            status_after(|| Ok(()), NONE),
            ExitKind::Exited(1),
            "the twin: kept without us"
        );
        assert_eq!(status_after(forbid_after_exec, NONE), ExitKind::Exited(0));
    }

    #[test]
    fn capabilities_that_were_given_up_are_gone_at_once() {
        match fork().unwrap() {
            Forked::Child => {
                let gone = give_up().is_ok() && !has_sys_admin();
                exit_now(i32::from(!gone))
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    }
}
