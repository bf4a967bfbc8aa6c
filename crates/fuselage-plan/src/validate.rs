//! What must hold of a plan before anything is done.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::path::{Place, PlanPath};
use crate::plan::{MountPlan, Namespaces, Program};
use crate::step::{MountPointWay, ProcdirParent, ReadOnlyWay, Source, Step, StepId};

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
    let mut made = Made::default();
    for step in &plan.steps {
        if mounts(step) == Some(plan.namespaces == Namespaces::None) {
            return Err(InvalidPlan::Namespaces(step.id().clone()));
        }
        made.check(step, plan.home.is_some())?;
    }
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

/// Whether a step mounts, which needs a namespace, or makes what a plan without one has in its
/// place; `None`: it is the same in both.
fn mounts(step: &Step) -> Option<bool> {
    match step {
        Step::MountPoint { .. } | Step::Image { .. } => Some(true),
        Step::Procdir { on, size, .. } => Some(*on != ProcdirParent::Extracted || size.is_some()),
        Step::ReadOnly { how, .. } => Some(*how == ReadOnlyWay::Mount),
        Step::Directory { .. } | Step::Decode { .. } | Step::Extract { .. } => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    MountPoint,
    Procdir,
    Decoded,
    Tree,
}

/// What the steps so far have made.
#[derive(Default)]
struct Made(BTreeMap<StepId, Kind>);

impl Made {
    fn check(&mut self, step: &Step, has_home: bool) -> Result<(), InvalidPlan> {
        let id = step.id();
        let kind = match step {
            Step::MountPoint { path, how, .. } => {
                absolute(path, &id.0)?;
                if let MountPointWay::Mirror { ancestor } = how {
                    absolute(ancestor, &id.0)?;
                    below(path, ancestor, &id.0)?;
                }
                Kind::MountPoint
            }
            Step::Procdir { on, .. } => {
                match on {
                    ProcdirParent::Home | ProcdirParent::Extracted if has_home => {}
                    ProcdirParent::Home | ProcdirParent::Extracted => {
                        return Err(InvalidPlan::Procdir(id.0.clone()));
                    }
                    ProcdirParent::MountPoint(used) => {
                        self.reference(id, used, Kind::MountPoint, "a mount point")?;
                    }
                }
                if self.has_procdir() {
                    return Err(InvalidPlan::Procdir(id.0.clone()));
                }
                Kind::Procdir
            }
            Step::Directory { at, .. } => {
                self.target(at, &id.0)?;
                Kind::Tree
            }
            Step::Decode { source, .. } => {
                // Its file lies there.
                if !self.has_procdir() {
                    return Err(InvalidPlan::Procdir(id.0.clone()));
                }
                text(&source.path, &id.0)?;
                Kind::Decoded
            }
            Step::Image {
                at, source, length, ..
            } => {
                self.target(at, &id.0)?;
                self.source(id, source)?;
                if *length == 0 {
                    return Err(InvalidPlan::Image(id.clone()));
                }
                Kind::Tree
            }
            Step::Extract {
                at,
                source,
                format,
                offset,
                ..
            } => {
                self.target(at, &id.0)?;
                self.source(id, source)?;
                let has_place = match source {
                    Source::File(_) => format.is_some(),
                    Source::Decoded(_) => format.is_none() && *offset == 0,
                };
                if !has_place {
                    return Err(InvalidPlan::Format(id.clone()));
                }
                Kind::Tree
            }
            Step::ReadOnly { tree, .. } => {
                self.reference(id, tree, Kind::Tree, "a tree")?;
                Kind::MountPoint
            }
        };
        if id.0.is_empty() || self.0.insert(id.clone(), kind).is_some() {
            return Err(InvalidPlan::Id(id.clone()));
        }
        Ok(())
    }

    /// A file has a path, and what was decoded a step that did it.
    fn source(&self, user: &StepId, source: &Source) -> Result<(), InvalidPlan> {
        match source {
            Source::File(file) => text(&file.path, &user.0),
            Source::Decoded(source) => {
                self.reference(user, &source.decoded, Kind::Decoded, "a decoded file")
            }
        }
    }

    fn has_procdir(&self) -> bool {
        self.0.values().any(|kind| *kind == Kind::Procdir)
    }

    fn reference(
        &self,
        user: &StepId,
        used: &StepId,
        wanted: Kind,
        kind: &'static str,
    ) -> Result<(), InvalidPlan> {
        if self.0.get(used) == Some(&wanted) {
            return Ok(());
        }
        Err(InvalidPlan::Reference {
            user: user.clone(),
            used: used.clone(),
            kind,
        })
    }

    /// Trees are made below the procdir alone, as long as no step makes a mount point for them.
    fn target(&self, place: &Place, field: &str) -> Result<(), InvalidPlan> {
        match place {
            Place::Procdir(_) => self.place(place, field),
            Place::Path(path) => Err(InvalidPlan::Path {
                path: path.clone(),
                field: field.to_owned(),
                wanted: "below the procdir",
            }),
        }
    }

    fn place(&self, place: &Place, field: &str) -> Result<(), InvalidPlan> {
        match place {
            Place::Path(path) => absolute(path, field),
            Place::Procdir(inner) => {
                relative(&inner.procdir, field)?;
                if self.has_procdir() {
                    Ok(())
                } else {
                    Err(InvalidPlan::Procdir(field.to_owned()))
                }
            }
        }
    }
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

fn refuse(path: &PlanPath, field: &str, wanted: &'static str) -> Result<(), InvalidPlan> {
    Err(InvalidPlan::Path {
        path: path.clone(),
        field: field.to_owned(),
        wanted,
    })
}

fn text(path: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    let bytes = path.as_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return refuse(path, field, "a path");
    }
    Ok(())
}

fn absolute(path: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    text(path, field)?;
    if path.as_bytes()[0] == b'/' {
        Ok(())
    } else {
        refuse(path, field, "absolute")
    }
}

fn relative(path: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    text(path, field)?;
    let plain = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
    if path.as_bytes().split(|byte| *byte == b'/').all(plain) {
        Ok(())
    } else {
        refuse(
            path,
            field,
            "relative, without empty, `.` and `..` components",
        )
    }
}

/// `path` is `ancestor` and at least one plain component more.
fn below(path: &PlanPath, ancestor: &PlanPath, field: &str) -> Result<(), InvalidPlan> {
    let base = ancestor
        .as_bytes()
        .strip_suffix(b"/")
        .unwrap_or(ancestor.as_bytes());
    match path
        .as_bytes()
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix(b"/"))
    {
        Some(rest) => relative(&PlanPath::new(rest), field),
        None => refuse(path, field, "below its ancestor"),
    }
}
