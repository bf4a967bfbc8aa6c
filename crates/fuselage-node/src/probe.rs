//! What this host allows, tried for real.

use fuselage_linux::probe;
use fuselage_linux::refusal::Refusal;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::{DoneOutcome, done};
use crate::path::path;
use crate::report::ErrorReport;

/// One thing a run may need.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct Probe {
    /// Which thing.
    pub name: String,
    /// Whether it works.
    pub ok: bool,
    /// What was found, in words.
    pub detail: String,
    /// The code of the error that a run would end with, where it would.
    pub code: Option<String>,
    /// What to do about it.
    pub hints: Vec<String>,
    /// Why it does not work.
    pub causes: Vec<String>,
}

impl From<probe::Probe> for Probe {
    fn from(probe: probe::Probe) -> Self {
        Self {
            name: probe.name.to_owned(),
            ok: probe.ok,
            detail: probe.detail,
            code: probe.code.map(str::to_owned),
            hints: probe.hints,
            causes: probe.causes,
        }
    }
}

/// Everything that `fuselage doctor` reports of the host; `launcher` is the program that advice is
/// about.
#[napi]
pub fn probe_host(launcher: Option<Buffer>) -> Vec<Probe> {
    let probes = probe::probe_host(launcher.as_ref().map(path));
    probes.into_iter().map(Probe::from).collect()
}

/// Enters a user and a mount namespace and mounts a tmpfs, in a throw-away child.
#[napi]
pub fn probe_user_namespace() -> DoneOutcome {
    done(probe::probe_namespaces(false).map_err(|error| ErrorReport::from(Refusal::from(error))))
}
