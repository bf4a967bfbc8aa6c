//! What this process is and what the host offers, without trying anything.

use std::fs::{self, OpenOptions};

use nix::errno::Errno;

use crate::capabilities::has_sys_admin;
use crate::namespaces::{NamespaceError, NamespaceStep};
use crate::process;
use crate::refusal::{NamespaceFacts, Refusal, diagnose};
use crate::user_ids::{in_user_namespace, overflow_uid};

/// Ids of the calling process and what can be read of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The real user id.
    pub uid: u32,
    /// The effective user id.
    pub euid: u32,
    /// The real group id.
    pub gid: u32,
    /// The effective group id.
    pub egid: u32,
    /// The uid map is not the full identity.
    pub in_user_namespace: bool,
    /// `CAP_SYS_ADMIN` is effective, in whichever user namespace this is.
    pub sys_admin: bool,
    /// `/dev/loop-control` can be opened for reading and writing.
    pub loop_control: bool,
    /// What owners outside the uid map are shown as.
    pub overflow_uid: u32,
    /// As `uname -r` says; empty without /proc.
    pub kernel_release: String,
    /// Changes with each start of the host; empty without /proc.
    pub boot_id: String,
    /// Why namespaces will be refused, where that needs no trying: the ids have no mapping, so that
    /// neither a home nor anything else can be told to be this user's.
    pub refused: Option<Refusal>,
}

impl HostFacts {
    /// Reads them.
    pub fn gather() -> Self {
        let [uid, euid, gid, egid] = process::ids();
        Self {
            uid,
            euid,
            gid,
            egid,
            in_user_namespace: in_user_namespace(),
            sys_admin: has_sys_admin(),
            loop_control: OpenOptions::new()
                .read(true)
                .write(true)
                .open("/dev/loop-control")
                .is_ok(),
            overflow_uid: overflow_uid(),
            kernel_release: kernel_file("osrelease"),
            boot_id: boot_id(),
            refused: refused([uid, euid, gid, egid]),
        }
    }
}

fn refused(ids: [u32; 4]) -> Option<Refusal> {
    // Ids without a mapping are shown as the overflow ids, which are one number unless somebody
    // has set them.
    if !in_user_namespace() || !ids.contains(&overflow_uid()) {
        return None;
    }
    let facts = NamespaceFacts::gather();
    // What `create_user_ns` of kernel/user_namespace.c answers.
    let error = NamespaceError {
        step: NamespaceStep::UserNamespace,
        errno: Errno::EPERM,
    };
    (!facts.ids_are_mapped()).then(|| diagnose(&error, &facts))
}

/// What changes with each start of the host; empty without /proc.
pub fn boot_id() -> String {
    kernel_file("random/boot_id")
}

fn kernel_file(name: &str) -> String {
    fs::read_to_string(format!("/proc/sys/kernel/{name}"))
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_those_of_this_process() {
        let facts = HostFacts::gather();
        assert_eq!(
            [facts.uid, facts.euid, facts.gid, facts.egid],
            process::ids()
        );
        assert_eq!(facts.boot_id.len(), 36);
        let version = facts.kernel_release.split('.').next().unwrap();
        assert!(version.parse::<u32>().unwrap() >= 4, "{facts:?}");
        assert_eq!(facts, HostFacts::gather());
    }
}
