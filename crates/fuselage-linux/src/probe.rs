//! What this host allows, found out by doing it in a throw-away child.
//!
//! Callable from a process with threads, as node is: what the child does allocates nothing and ends
//! with it, and a child that hangs is killed after [`LIMIT`].

mod advice;
#[cfg(test)]
#[allow(unsafe_code, reason = "an allocator can only be written with it")]
mod allocation_test;
mod attempts;
mod child;
mod step;

use std::time::Duration;

use crate::capabilities::has_sys_admin;
use crate::namespaces::{NamespaceError, NamespaceStep};
use crate::refusal::{NamespaceFacts, Refusal, diagnose};
use child::{Attempt, Outcome};
use step::{Failure, Step};

/// How long one probe may take.
pub const LIMIT: Duration = Duration::from_secs(5);

/// One line of what this host allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// `kernel`, `user-namespace`, `tmpfs`, `overlay`, `loop`, `fuse`, `apparmor`, `seccomp`.
    pub name: &'static str,
    /// It works, or does not stand in the way.
    pub ok: bool,
    /// What was found, for people.
    pub detail: String,
    /// The error code that a run would end with for this reason.
    pub code: Option<&'static str>,
    /// Why it does not work; whole sentences.
    pub causes: Vec<String>,
    /// What to do, one way each.
    pub hints: Vec<String>,
}

impl Probe {
    fn good(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            ok: true,
            detail: detail.into(),
            code: None,
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    fn bad(name: &'static str, code: &'static str, refusal: Refusal) -> Self {
        let Refusal {
            message,
            causes,
            hints,
        } = refusal;
        Self {
            name,
            ok: false,
            detail: message,
            code: Some(code),
            causes,
            hints,
        }
    }
}

/// Enters a user namespace and a mount namespace and mounts a tmpfs there, in a child.
///
/// # Errors
/// The diagnosed refusal.
pub fn probe_user_namespace() -> Result<(), Refusal> {
    attempt(attempts::user_namespace, &NamespaceFacts::gather())
}

/// Does what a run begins with, in a child: a user namespace with a mount namespace in it, or where
/// `as_root` a mount namespace alone, and a first mount. This process is as before, whatever the
/// kernel said.
///
/// # Errors
/// The diagnosed refusal.
pub fn probe_namespaces(as_root: bool) -> Result<(), Refusal> {
    let what = match as_root {
        true => attempts::mount_namespace,
        false => attempts::user_namespace,
    };
    match child::run(what, LIMIT) {
        Outcome::Done => Ok(()),
        // What tells the cause is gathered only now: it costs as much as the rest of a start.
        outcome => told(outcome, &NamespaceFacts::gather()),
    }
}

/// Probes everything, in the order of [`Probe::name`]; some ten milliseconds.
pub fn probe_host() -> Vec<Probe> {
    let facts = NamespaceFacts::gather();
    let root = has_sys_admin();
    let choose = |as_root: Attempt, as_user: Attempt| if root { as_root } else { as_user };
    let user_namespace = attempt(attempts::user_namespace, &facts);
    let allowed = user_namespace.is_ok();
    let probe = |name, code, good: &str, how: Attempt| match attempt(how, &facts) {
        Ok(()) => Probe::good(name, good),
        Err(refusal) => Probe::bad(name, code, refusal),
    };
    vec![
        advice::kernel(rustix::system::uname().release().to_string_lossy().as_ref()),
        match user_namespace {
            Ok(()) => Probe::good(
                "user-namespace",
                "a user namespace with a mount namespace and a first mount works",
            ),
            Err(refusal) => Probe::bad("user-namespace", "ERR_USERNS_DENIED", refusal),
        },
        probe(
            "tmpfs",
            "ERR_MOUNT_FAILED",
            "a tmpfs can be mounted and written",
            choose(attempts::tmpfs_as_root, attempts::tmpfs_as_user),
        ),
        probe(
            "overlay",
            "ERR_MOUNT_FAILED",
            "an overlay can be mounted on a tmpfs and written",
            choose(attempts::overlay_as_root, attempts::overlay_as_user),
        ),
        probe(
            "loop",
            "ERR_MOUNT_FAILED",
            "an image can be attached to a loop device",
            attempts::loop_device,
        ),
        probe(
            "fuse",
            "ERR_MOUNT_FAILED",
            "a FUSE file system can be mounted",
            choose(attempts::fuse_as_root, attempts::fuse_as_user),
        ),
        advice::apparmor(&facts, allowed),
        advice::seccomp(&facts, allowed),
    ]
}

fn attempt(what: Attempt, facts: &NamespaceFacts) -> Result<(), Refusal> {
    told(child::run(what, LIMIT), facts)
}

fn told(outcome: Outcome, facts: &NamespaceFacts) -> Result<(), Refusal> {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Failed(Failure {
            step: Step::Namespace(step),
            errno,
        }) => Err(diagnose(
            &NamespaceError { step, errno },
            &facts_of_child(facts, step),
        )),
        Outcome::Failed(failure) => Err(advice::refusal(failure, facts)),
        Outcome::Died => Err(advice::killed()),
        Outcome::TimedOut => Err(advice::late(LIMIT)),
        Outcome::NotStarted(error) => Err(advice::no_child(&error)),
    }
}

/// The child has one thread, and in a user namespace of its own every capability.
fn facts_of_child(facts: &NamespaceFacts, step: NamespaceStep) -> NamespaceFacts {
    let inside = step != NamespaceStep::UserNamespace;
    NamespaceFacts {
        threads: Some(1),
        sys_admin: facts.sys_admin || inside,
        ..facts.clone()
    }
}
