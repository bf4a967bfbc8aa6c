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

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use crate::capabilities::has_sys_admin;
use crate::causes::exhausted;
use crate::image_mounts::image_mounts;
use crate::namespaces::{NamespaceError, NamespaceStep};
use crate::refusal::{Cause, NamespaceFacts, Refusal, diagnose, find_causes};
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
    /// The error code that a run would end with for this reason; `None`, too, where it would do
    /// something else instead.
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

    /// It does not work, and a run does something else in its place.
    fn stood_in_for(name: &'static str, refusal: Refusal) -> Self {
        Self {
            code: None,
            ..Self::bad(name, "", refusal)
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

/// Does what a run begins with, in a child: a user namespace with a mount namespace in it, or where
/// `as_root` a mount namespace alone, and a first mount. This process is as before, whatever the
/// kernel said.
///
/// # Errors
/// The diagnosed refusal; or that it could not be tried, which tells nothing of namespaces.
pub fn probe_namespaces(as_root: bool) -> Result<(), NotEntered> {
    let what = match as_root {
        true => attempts::mount_namespace,
        false => attempts::user_namespace,
    };
    match child::run(what, LIMIT) {
        Outcome::Done => Ok(()),
        Outcome::NotStarted(error) => Err(NotEntered::Untried(error)),
        Outcome::Failed(Failure { errno, .. }) if exhausted(&errno.into()).is_some() => {
            Err(NotEntered::Untried(errno.into()))
        }
        // What tells the cause is gathered only now: it costs as much as the rest of a start.
        outcome => judge(outcome, &NamespaceFacts::gather())
            .map_err(|failed| NotEntered::Refused(failed.refusal)),
    }
}

/// Why namespaces were not entered.
#[derive(Debug)]
pub enum NotEntered {
    /// The kernel refuses them.
    Refused(Refusal),
    /// There was no descriptor, process or memory to try it.
    Untried(io::Error),
}

impl From<NotEntered> for Refusal {
    fn from(error: NotEntered) -> Self {
        match error {
            NotEntered::Refused(refusal) => refusal,
            NotEntered::Untried(error) => advice::no_child(&error),
        }
    }
}

/// Probes everything, in the order of [`Probe::name`]; some ten milliseconds. `launcher` is what
/// advice names as the program that needs a right; where it is told.
pub fn probe_host(launcher: Option<&Path>) -> Vec<Probe> {
    let facts = facts_for(launcher);
    let root = has_sys_admin();
    let choose = |as_root: Attempt, as_user: Attempt| if root { as_root } else { as_user };
    let tried = user_namespace_of(&facts);
    let suspects = match &tried {
        Ok(()) => Vec::new(),
        Err(failed) => failed.suspects.clone(),
    };
    let allowed = tried.is_ok();
    let user_namespace = probe(
        "user-namespace",
        "a user namespace with a mount namespace and a first mount works",
        tried,
    );
    // Root needs no user namespace: what refuses it a mount namespace says its first mount.
    let tmpfs = if root || allowed {
        probe(
            "tmpfs",
            "a tmpfs can be mounted and written",
            attempt(
                choose(attempts::tmpfs_as_root, attempts::tmpfs_as_user),
                &facts,
            ),
        )
    } else {
        advice::without_namespaces("tmpfs", user_namespace.name)
    };
    let refused_by = [&user_namespace, &tmpfs]
        .into_iter()
        .skip(usize::from(root))
        .find(|probe| probe.code == Some(REFUSED))
        .map(|probe| probe.name);
    let mounted = |name, good: &str, how| match refused_by {
        Some(other) => advice::without_namespaces(name, other),
        None => probe(name, good, attempt(how, &facts)),
    };
    let overlay_as_root = if facts.in_user_namespace() {
        attempts::overlay_as_root_of_user_namespace
    } else {
        attempts::overlay_as_root
    };
    let overlay = mounted(
        "overlay",
        "an overlay can be mounted on a tmpfs and written",
        choose(overlay_as_root, attempts::overlay_as_user),
    );
    let fuse = mounted(
        "fuse",
        "a FUSE file system can be mounted",
        choose(attempts::fuse_as_root, attempts::fuse_as_user),
    );
    vec![
        advice::kernel(rustix::system::uname().release().to_string_lossy().as_ref()),
        user_namespace,
        tmpfs,
        overlay,
        loop_device(&facts),
        fuse,
        advice::apparmor(&facts, &suspects),
        advice::seccomp(&facts, &suspects),
    ]
}

/// What is known of the launcher, which is another program than this one.
fn facts_for(launcher: Option<&Path>) -> NamespaceFacts {
    let facts = NamespaceFacts::gather();
    let Some(launcher) = launcher else {
        return facts;
    };
    // execve(2) of a file that may not be read makes a process that is not dumpable.
    let unreadable = access(launcher, AccessFlags::R_OK) == Err(Errno::EACCES);
    // AppArmor, which the path is for, knows programs by the path that has no links in it.
    let resolved = launcher.canonicalize();
    NamespaceFacts {
        program: Some(resolved.unwrap_or_else(|_| launcher.to_owned())),
        dumpable: Some(!unreadable),
        ..facts
    }
}

/// What the launcher will meet: the child can do what a launcher that is not dumpable cannot.
fn user_namespace_of(facts: &NamespaceFacts) -> Result<(), Failed> {
    let tried = attempt(attempts::user_namespace, facts);
    if tried.is_ok() && facts.dumpable == Some(false) {
        let step = NamespaceStep::SetGroups;
        return Err(Failed::namespace(step, Errno::EACCES, facts));
    }
    tried
}

/// The code of a run that is refused its namespaces.
const REFUSED: &str = "ERR_USERNS_DENIED";

fn probe(name: &'static str, good: &str, result: Result<(), Failed>) -> Probe {
    match result {
        Ok(()) => Probe::good(name, good),
        Err(failed) => Probe::bad(name, failed.code, failed.refusal),
    }
}

/// Where images are extracted in any case, no device is tried.
fn loop_device(facts: &NamespaceFacts) -> Probe {
    const NAME: &str = "loop";
    match image_mounts("squashfs") {
        Err(why) => Probe::stood_in_for(NAME, advice::no_images(&why)),
        Ok(()) => probe(
            NAME,
            "an image can be attached to a loop device",
            attempt(attempts::loop_device, facts),
        ),
    }
}

/// Something that was tried and does not work.
struct Failed {
    /// The code that a run would end with.
    code: &'static str,
    refusal: Refusal,
    /// What may have refused namespaces, where it was they.
    suspects: Vec<Cause>,
}

impl Failed {
    fn namespace(step: NamespaceStep, errno: Errno, facts: &NamespaceFacts) -> Self {
        let error = NamespaceError { step, errno };
        Self {
            code: REFUSED,
            refusal: diagnose(&error, facts),
            suspects: find_causes(&error, facts),
        }
    }

    fn other(code: &'static str, refusal: Refusal) -> Self {
        Self {
            code,
            refusal,
            suspects: Vec::new(),
        }
    }
}

/// Tries it in a child.
fn attempt(what: Attempt, facts: &NamespaceFacts) -> Result<(), Failed> {
    judge(child::run(what, LIMIT), facts)
}

fn judge(outcome: Outcome, facts: &NamespaceFacts) -> Result<(), Failed> {
    let failed = |refusal| Failed::other("ERR_MOUNT_FAILED", refusal);
    Err(match outcome {
        Outcome::Done => return Ok(()),
        Outcome::Failed(Failure { step, errno }) => match step {
            Step::Namespace(step) => Failed::namespace(step, errno, &facts_of_child(facts, step)),
            Step::Loop(_) => Failed::other(
                "ERR_IMAGE_MOUNT",
                advice::refusal(Failure { step, errno }, facts),
            ),
            _ => failed(advice::refusal(Failure { step, errno }, facts)),
        },
        Outcome::Died => failed(advice::killed()),
        Outcome::TimedOut => failed(advice::late(LIMIT)),
        Outcome::NotStarted(error) => failed(advice::no_child(&error)),
    })
}

/// The child has one thread, and in a user namespace of its own every capability.
fn facts_of_child(facts: &NamespaceFacts, step: NamespaceStep) -> NamespaceFacts {
    let outside = [NamespaceStep::Proc, NamespaceStep::UserNamespace];
    NamespaceFacts {
        threads: Some(1),
        sys_admin: facts.sys_admin || !outside.contains(&step),
        ..facts.clone()
    }
}
