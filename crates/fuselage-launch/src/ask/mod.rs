//! Asks node what to do with the user's words, and leaves no trace of it.

mod candidates;
mod conversation;
mod interruption;
mod next;
mod node_process;

use std::ffi::CString;
use std::path::Path;

use fuselage_linux::causes;
use fuselage_linux::descriptors::StandardFlags;
use fuselage_linux::process::{ExitKind, Signal};
use fuselage_linux::signals::{self, Borrowed, ChildSignal};
use fuselage_plan::{Job, MountPlan, Question, write_frame};

use crate::ask::candidates::{Candidate, candidates};
use crate::ask::conversation::converse;
use crate::ask::interruption::Interruption;
use crate::ask::next::{Next, after_end, next};
use crate::ask::node_process::StartFailure;
use crate::error::{LaunchError, ended};

/// What is needed to start node.
pub(crate) struct Asking<'a> {
    /// The directory of the npm package.
    pub(crate) package: &'a Path,
    /// The caller's environment.
    pub(crate) environment: &'a [CString],
    /// Which standard descriptors the caller left closed.
    pub(crate) closed: [bool; 3],
    /// The status flags of the others.
    pub(crate) flags: StandardFlags,
}

/// What came of it.
pub(crate) enum Outcome {
    /// Execute this.
    Plan(Box<MountPlan>),
    /// Do this.
    Job(Box<Job>),
    /// Node has done all there was to do; with the exit status.
    Done(u8),
}

/// What one node said.
enum Said {
    Outcome(Outcome),
    Unsuitable(String),
    NotStarted(String),
    /// Nothing: it died of a signal for the caller's programs. Where this process would have died
    /// of it as well, it does.
    Killed(Signal),
}

/// How often a node is started that dies of signals which the command would survive.
const ATTEMPTS: usize = 5;

/// Asks the candidates in their order until one is suitable. Ends this process where a signal for
/// the command came in the meantime.
pub(crate) fn ask(asking: &Asking<'_>, question: &Question) -> Result<Outcome, LaunchError> {
    let question = write_frame(&question.encode()).map_err(|error| LaunchError::PlanInvalid {
        why: format!("the command line and environment are too long: {error}"),
    })?;
    let mut tried = Vec::new();
    for candidate in candidates(asking.environment) {
        let name = candidate.program.display().to_string();
        match ask_again(asking, &candidate, &question)? {
            Said::Outcome(outcome) => return Ok(outcome),
            Said::Unsuitable(reason) | Said::NotStarted(reason) => {
                tried.push(format!("{name} ({}): {reason}", candidate.origin));
            }
            Said::Killed(signal) => {
                let how = format!("{} {ATTEMPTS} times", ended(ExitKind::Signaled(signal)));
                return Err(no_answer(&candidate, how));
            }
        }
        if candidate.exclusive {
            break;
        }
    }
    Err(LaunchError::NodeMissing { tried })
}

/// Node sets the default dispositions and an empty mask at its start (`PlatformInit` in node.cc),
/// so a signal to the process group ends it also where the caller ignores or blocks that signal.
/// To the caller nothing has happened then: another one is asked.
fn ask_again(
    asking: &Asking<'_>,
    candidate: &Candidate,
    question: &[u8],
) -> Result<Said, LaunchError> {
    let mut said = ask_one(asking, candidate, question)?;
    for _ in 1..ATTEMPTS {
        if !matches!(said, Said::Killed(_)) {
            break;
        }
        said = ask_one(asking, candidate, question)?;
    }
    Ok(said)
}

fn no_answer(candidate: &Candidate, how: String) -> LaunchError {
    LaunchError::NodeNoAnswer {
        node: candidate.program.clone(),
        how,
    }
}

fn ask_one(
    asking: &Asking<'_>,
    candidate: &Candidate,
    question: &[u8],
) -> Result<Said, LaunchError> {
    let signals =
        Borrowed::begin().map_err(|error| LaunchError::system("watch for signals", error))?;
    let children = ChildSignal::begin();
    let mut interruption = Interruption::new(&signals);
    let said = talk(
        asking,
        candidate,
        question,
        &signals,
        &children,
        &mut interruption,
    );
    let came = interruption.came;
    drop(children);
    asking.flags.restore();
    // One that was read is raised here, one that was not acts when the mask is restored: in both
    // cases before anything is done.
    if let Some(signal) = came {
        signals::die_of(signal);
    }
    signals.end();
    said
}

fn talk(
    asking: &Asking<'_>,
    candidate: &Candidate,
    question: &[u8],
    signals: &Borrowed,
    children: &ChildSignal,
    interruption: &mut Interruption<'_>,
) -> Result<Said, LaunchError> {
    let node = match node_process::start(asking, candidate, signals) {
        Ok(node) => node,
        Err(StartFailure { child, error }) => {
            // Nothing of node was touched yet: another one would meet the same.
            let Some(child) = child else {
                return Err(LaunchError::system("start node", error));
            };
            children.end_untraced(child);
            return Ok(Said::NotStarted(causes::text(&error)));
        }
    };
    match next(converse(&node, question, interruption), candidate) {
        Next::Await(said) => {
            drop(node.socket);
            let _ = interruption.await_end(node.pid);
            said
        }
        Next::End(said) => {
            children.end_untraced(node.pid);
            said
        }
        Next::Reap { partial } => {
            let said = after_end(interruption.await_end(node.pid), partial, candidate);
            if let Ok(Said::Killed(signal)) = said
                && signals.includes(signal)
            {
                interruption.came.get_or_insert(signal);
            }
            said
        }
    }
}
