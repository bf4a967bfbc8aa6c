//! Looking at the host.

use fuselage_linux::{host_facts, image_mounts};
use napi_derive::napi;

use crate::outcome::HostOutcome;
use crate::report::ErrorReport;

/// What this process is and what the host offers, without trying anything.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
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
    /// CAP_SYS_ADMIN is effective.
    pub sys_admin: bool,
    /// `/dev/loop-control` can be opened for reading and writing.
    pub loop_control: bool,
    /// What owners outside the uid map are shown as.
    pub overflow_uid: u32,
    /// As `uname -r` says.
    pub kernel_release: String,
    /// Changes with each start of the host.
    pub boot_id: String,
    /// Why namespaces will be refused, where that needs no trying.
    pub refused: Option<ErrorReport>,
}

impl From<host_facts::HostFacts> for HostFacts {
    fn from(facts: host_facts::HostFacts) -> Self {
        Self {
            uid: facts.uid,
            euid: facts.euid,
            gid: facts.gid,
            egid: facts.egid,
            in_user_namespace: facts.in_user_namespace,
            sys_admin: facts.sys_admin,
            loop_control: facts.loop_control,
            overflow_uid: facts.overflow_uid,
            kernel_release: facts.kernel_release,
            boot_id: facts.boot_id,
            refused: facts.refused.map(ErrorReport::from),
        }
    }
}

/// Why the kernel cannot mount images of this file system here; null: it can.
#[napi]
pub fn why_no_image_mounts(file_system: String) -> Option<String> {
    image_mounts::image_mounts(&file_system)
        .err()
        .map(|refused| refused.to_string())
}

/// Facts of this process and host.
#[napi]
pub fn host_facts() -> HostOutcome {
    Ok(host_facts::HostFacts::gather().into()).into()
}
