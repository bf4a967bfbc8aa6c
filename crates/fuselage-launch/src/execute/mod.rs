//! Executes a plan: opens what it needs, then a loop over the steps, then execve(2). The kernel
//! cleans up when the last process of the namespace ends; nothing stays behind to supervise. Only
//! where there is no namespace, and the trees are real files, this process stays as the supervisor.

mod archive_worker;
mod cache;
mod decode;
mod environment;
mod extract;
mod image;
mod made;
mod mount_place;
mod namespaces;
mod otherwise;
mod procdir;
mod program;
mod progress;
mod shell_script;
mod sources;
mod steps;
mod supervised;
mod tree_program;
mod watchdog;
mod worker;

use std::ffi::CString;
use std::path::Path;

use fuselage_linux::{capabilities, open};
use fuselage_plan::{MountPlan, Namespaces, validate};

use crate::error::LaunchError;
use crate::execute::sources::Opened;
use crate::explain;

pub(crate) use cache::{Caches, Compared, Unusable, Wanted, compare, say, unlimited};
pub(crate) use image::ImageError;
pub(crate) use sources::open_archive;

/// Does what the plan says and becomes its program; returns only why that failed. `package` is the
/// directory of the npm package, where it is known.
pub(crate) fn execute(
    plan: &MountPlan,
    words: &[CString],
    environment: Vec<CString>,
    package: Option<&Path>,
) -> LaunchError {
    match prepare(plan, words, environment, package) {
        Ok(program) => program::become_program(program),
        Err(error) => error,
    }
}

fn prepare(
    plan: &MountPlan,
    words: &[CString],
    environment: Vec<CString>,
    package: Option<&Path>,
) -> Result<program::Runnable, LaunchError> {
    validate(plan, words.len()).map_err(|error| LaunchError::PlanInvalid {
        why: error.to_string(),
    })?;
    namespaces::require_proc()?;
    // Before the home is made: a umask could keep its owner out of it.
    let umask = open::replace_umask(0);
    let plan = otherwise::choose(plan)?;
    for notice in &plan.notices {
        cache::say(notice);
    }
    let mut opened = Opened::open(plan, package, &environment)?;
    let found = std::mem::take(&mut opened.cached.reasons);
    let directory = std::env::current_dir();
    let extracted = opened.store.as_ref().map(supervised::begin).transpose()?;
    namespaces::enter(plan.namespaces)?;
    let made = steps::make(plan, &opened, extracted)?;
    // Until here nobody takes away what is mounted now.
    drop(opened);
    if plan.namespaces != Namespaces::None
        && let Ok(directory) = directory
    {
        // By path, so that the command sees what was mounted over it; where that fails the old one
        // goes on working.
        let _ = std::env::set_current_dir(directory);
    }
    let locate = |place: &_| made.locate(place);
    let environment = environment::command_environment(environment, &plan.environment, locate)?;
    let runnable = program::resolve(&plan.program, words, environment, locate)?;
    if plan.explain {
        explain::print(&plan.reasons, locate);
        explain::print(&found, locate);
        explain::print(&made.reasons, locate);
    }
    if plan.namespaces == Namespaces::User {
        capabilities::forbid_after_exec()
            .map_err(|error| LaunchError::system("give up capabilities", error))?;
    }
    // After everything that goes by path, the search of a program in the trees too.
    made.check_paths()?;
    open::replace_umask(umask);
    Ok(runnable)
}
