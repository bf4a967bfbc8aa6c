//! What must hold of a plan before anything is done.

mod made;
mod paths;

use thiserror::Error;

use crate::path::PlanPath;
use crate::plan::{MountPlan, Namespaces, Program};
use crate::step::StepId;
use crate::validate::made::Made;
use crate::validate::paths::{absolute, relative};

/// Why a plan is not executed. Node made it wrong: no input of a user leads here.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidPlan {
    /// Launcher and npm package are of different versions.
    #[error("the plan is of version {plan}, the launcher of version {launcher}")]
    Version {
        /// The version in the plan.
        plan: String,
        /// The version of this launcher.
        launcher: String,
    },
    /// Two steps have one id, or the id is empty.
    #[error("the step id `{0}` is empty or defined twice")]
    Id(StepId),
    /// A step uses what no earlier step made, or what is of another kind.
    #[error("the step `{user}` uses `{used}`, which no earlier step made as {kind}")]
    Reference {
        /// The step with the reference.
        user: StepId,
        /// The id it names.
        used: StepId,
        /// What it should be.
        kind: &'static str,
    },
    /// A path that is not what the field wants.
    #[error("the path `{path}` of {field} is not {wanted}")]
    Path {
        /// The path.
        path: PlanPath,
        /// Where it stands.
        field: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A place below the procdir, but no step has made one, or a second one.
    #[error("{0} needs exactly one procdir, made by an earlier step")]
    Procdir(String),
    /// A step that mounts in a plan without namespaces, or one that makes real files in another.
    #[error("the step `{0}` does not go with the namespaces of its plan")]
    Namespaces(StepId),
    /// What is executed otherwise is no plan without namespaces, or would be executed otherwise
    /// itself.
    #[error("only a plan with namespaces has another one in it, which has none")]
    Otherwise,
    /// A file has no format, or what is only decoded later has one.
    #[error("the step `{0}` must have a format and an offset for a file, and for nothing else")]
    Format(StepId),
    /// A step in which others are chosen does not make the same tree by each choice.
    #[error("the step `{0}` makes other trees by one choice than by the other")]
    Choice(StepId),
    /// Image mounts are asked for of nothing.
    #[error("the image of the step `{0}` has no bytes")]
    Image(StepId),
    /// A variable name that no environment can have.
    #[error("`{0}` is no name of an environment variable")]
    Variable(String),
    /// The program names a word that the question did not have.
    #[error("the program uses word {index} of {words}")]
    Word {
        /// Index in the argv of the question.
        index: u32,
        /// How many words there were.
        words: usize,
    },
}

/// Checks that `plan` can be executed with the `words` words of the question.
///
/// # Errors
/// The first thing that does not hold.
pub fn validate(plan: &MountPlan, words: usize) -> Result<(), InvalidPlan> {
    if plan.version != crate::VERSION {
        return Err(InvalidPlan::Version {
            plan: plan.version.clone(),
            launcher: crate::VERSION.to_owned(),
        });
    }
    if let Some(home) = &plan.home {
        absolute(home, "home")?;
    }
    for other in &plan.cache.others {
        absolute(other, "cache")?;
    }
    let mut made = Made::of(plan);
    made.check_all(&plan.steps)?;
    if plan.namespaces == Namespaces::None && !made.has_procdir() {
        return Err(InvalidPlan::Procdir("a plan without namespaces".to_owned()));
    }
    if let Some(otherwise) = &plan.otherwise {
        if plan.namespaces == Namespaces::None
            || otherwise.namespaces != Namespaces::None
            || otherwise.otherwise.is_some()
        {
            return Err(InvalidPlan::Otherwise);
        }
        validate(otherwise, words)?;
    }
    for name in plan
        .environment
        .cleared
        .iter()
        .chain(plan.environment.set.iter().map(|v| &v.name))
    {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(InvalidPlan::Variable(name.clone()));
        }
    }
    for value in &plan.environment.set {
        made.place(&value.place, &value.name)?;
    }
    program(&plan.program, &made, words)
}

fn program(program: &Program, made: &Made, words: usize) -> Result<(), InvalidPlan> {
    let word = |index: u32| {
        if (index as usize) < words {
            Ok(())
        } else {
            Err(InvalidPlan::Word { index, words })
        }
    };
    match program {
        Program::Command { command_index, .. } => word(*command_index),
        Program::Tree {
            path,
            trees,
            arguments,
        } => {
            relative(path, "program")?;
            for tree in trees {
                made.place(&tree.at, "program")?;
            }
            arguments.iter().try_for_each(|index| word(*index))
        }
    }
}
