//! Everything that can keep the launcher from becoming the command.

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuselage_linux::causes;
use fuselage_linux::confinement::ConfineStep;
use fuselage_linux::namespaces::NamespaceStep;
use fuselage_linux::process::{ExitKind, Signal};
use fuselage_linux::refusal::Refusal;
use fuselage_plan::ErrorReport;
use fuselage_store::StoreError;
use thiserror::Error;

use crate::execute::ImageError;
use crate::hints;
use crate::out_of_memory::OUT_OF_MEMORY;

/// Why there is no command.
#[derive(Debug, Error)]
pub(crate) enum LaunchError {
    /// Node, or the worker, has said it already.
    #[error("{}", .0.message)]
    Reported(ErrorReport),
    /// No program that is a usable node.
    #[error("no Node.js that can run fuselage was found")]
    NodeMissing { tried: Vec<String> },
    /// Node ended, or said something else, before it answered.
    #[error("node ended without an answer")]
    NodeNoAnswer { node: PathBuf, how: String },
    /// The launcher was called by its own name and its package is nowhere near.
    #[error("the npm package `fuselage` was not found near {}", launcher.display())]
    PackageMissing { launcher: PathBuf },
    /// The plan is not one.
    #[error("the plan cannot be executed")]
    PlanInvalid { why: String },
    /// An archive that node saw is gone or cannot be opened.
    #[error("cannot open the archive {}", path.display())]
    ArchiveOpen { path: PathBuf, source: io::Error },
    /// An archive is not the file that node looked at.
    #[error("the archive {} changed while fuselage was starting", path.display())]
    ArchiveChanged { path: PathBuf },
    /// The home cannot be used.
    #[error(transparent)]
    Home(#[from] StoreError),
    /// The kernel refused the namespaces or the first mount in them.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The kernel was out of something for the namespaces or the first mount in them.
    #[error("cannot {step}")]
    Namespace {
        step: NamespaceStep,
        source: io::Error,
    },
    /// A later mount failed.
    #[error("cannot {what} {}", path.display())]
    Mount {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// An image cannot be mounted.
    #[error("cannot mount the image {} at {}", archive.display(), path.display())]
    Image {
        archive: PathBuf,
        path: PathBuf,
        error: ImageError,
    },
    /// A directory of the run cannot be made.
    #[error("cannot make the directory {}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    /// A real directory of a run without namespaces cannot be made.
    #[error("cannot make the directory {}", path.display())]
    RealDirectory { path: PathBuf, source: io::Error },
    /// A run without namespaces cannot be supervised.
    #[error("cannot start the process that is to become the command")]
    Supervision { source: io::Error },
    /// A directory of the run is not the one that was checked.
    #[error("{} was replaced while fuselage was starting", path.display())]
    Replaced { path: PathBuf },
    /// Nothing more fits into the directory of all runs.
    #[error("cannot make a directory in {}", path.display())]
    ProcdirsFull { path: PathBuf },
    /// The process that was to read an archive would have had rights that it must not have.
    #[error("cannot confine the process that {verb}s {}", archive.display())]
    WorkerUnconfined {
        verb: &'static str,
        archive: PathBuf,
        step: ConfineStep,
        source: io::Error,
    },
    /// The process that reads an archive ended without a word.
    #[error("the process that {verb}s {} ended unexpectedly", archive.display())]
    WorkerDied {
        verb: &'static str,
        archive: PathBuf,
        how: WorkerEnd,
        entries: Vec<String>,
    },
    /// No such program.
    #[error("cannot find the command `{name}`")]
    CommandNotFound {
        name: String,
        searched: bool,
        near_subcommand: Option<String>,
    },
    /// The program is there and cannot be executed.
    #[error("cannot execute {}", path.display())]
    CommandNotExecutable {
        path: PathBuf,
        source: io::Error,
        hint: String,
    },
    /// `--run`: in no tree.
    #[error("cannot find the program `{path}` in the trees")]
    RunNotFound { path: String, trees: Vec<String> },
    /// `--run`: in several trees.
    #[error("`{path}` is in more than one tree")]
    RunAmbiguous {
        path: String,
        candidates: Vec<String>,
    },
    /// `--run`: a link of the tree leads out of it.
    #[error("`{}` leads out of its tree", path.display())]
    RunEscapes { path: PathBuf, target: PathBuf },
    /// A call that should never fail.
    #[error("cannot {what}")]
    System {
        what: &'static str,
        source: io::Error,
    },
}

impl LaunchError {
    /// A system call that fails only when the machine is out of something.
    pub(crate) fn system(what: &'static str, source: io::Error) -> Self {
        Self::System { what, source }
    }

    /// The directory at `path` is not the one that was checked.
    pub(crate) fn replaced(path: &Path) -> Self {
        Self::Replaced {
            path: path.to_owned(),
        }
    }

    /// As it crosses a border.
    pub(crate) fn into_report(self) -> ErrorReport {
        let message = self.to_string();
        let (code, causes, hints, exit_code): (&str, Vec<String>, Vec<String>, u8) = match self {
            Self::Reported(report) => return report,
            Self::NodeMissing { tried } => (
                "ERR_NODE_MISSING",
                if tried.is_empty() {
                    vec!["there is no `node` in PATH".into()]
                } else {
                    tried
                },
                vec!["install Node.js 20.17 or newer, or set FUSELAGE_NODE to its path".into()],
                125,
            ),
            Self::NodeNoAnswer { node, how } => (
                "ERR_NODE_NO_ANSWER",
                vec![format!("{} {how}", node.display())],
                vec![
                    "if the npm package is damaged, install it again".into(),
                    "set FUSELAGE_NODE to another Node.js to see whether it is this one".into(),
                ],
                125,
            ),
            Self::PackageMissing { .. } => (
                "ERR_PLATFORM_MISSING",
                vec!["the launcher asks node through that package and cannot work alone".into()],
                vec!["install it: npm install fuselage".into()],
                125,
            ),
            Self::PlanInvalid { why } => (
                "ERR_PLAN_INVALID",
                vec![why],
                vec![
                    "install the npm package again, so that all its parts are of one version"
                        .into(),
                ],
                125,
            ),
            Self::ArchiveOpen { path, source } => (
                "ERR_ARCHIVE_OPEN",
                vec![causes::text(&source)],
                vec![hints::archive_open(&path, &source)],
                125,
            ),
            Self::ArchiveChanged { .. } => (
                "ERR_ARCHIVE_CHANGED",
                vec!["it was written to or replaced between the look at it and its use".into()],
                vec!["run the command again once nothing writes to the file".into()],
                125,
            ),
            Self::Home(error) => (error.code(), causes::causes(&error), error.hints(), 125),
            Self::Refused(refusal) => ("ERR_USERNS_DENIED", refusal.causes, refusal.hints, 125),
            Self::Mount { source, .. } => (
                "ERR_MOUNT_FAILED",
                vec![causes::text(&source)],
                vec![hints::mount(&source).into()],
                125,
            ),
            Self::Namespace { source, .. } => (
                "ERR_INTERNAL",
                vec![causes::text(&source)],
                vec![hints::system(&source).into()],
                125,
            ),
            Self::Image { error, .. } => (
                "ERR_IMAGE_MOUNT",
                [vec![error.to_string()], causes::causes(&error)].concat(),
                hints::image(&error),
                125,
            ),
            Self::Directory { source, .. } => (
                "ERR_MOUNT_FAILED",
                vec![causes::text(&source)],
                vec![hints::directory(&source).into()],
                125,
            ),
            Self::RealDirectory { source, .. } => (
                hints::code_of_real_file(&source),
                vec![causes::text(&source)],
                vec![hints::real_file(&source).into()],
                125,
            ),
            Self::Supervision { source } => (
                "ERR_EXTRACT_FAILED",
                vec![causes::text(&source)],
                vec![hints::system(&source).into()],
                125,
            ),
            Self::Replaced { .. } => (
                "ERR_HOME_CHANGED",
                vec!["it, or a directory above it, was moved, removed or mounted over".into()],
                vec!["run the command again once nothing changes the home".into()],
                125,
            ),
            Self::ProcdirsFull { path } => (
                "ERR_MOUNT_FAILED",
                vec!["the tmpfs that the outer run mounted there is full".into()],
                vec![format!(
                    "remove what was put there: {} is for the directories of runs alone",
                    path.display()
                )],
                125,
            ),
            Self::WorkerUnconfined { step, source, .. } => (
                "ERR_WORKER_UNCONFINED",
                vec![format!("cannot {step}"), causes::text(&source)],
                hints::confinement(step, &source),
                125,
            ),
            Self::WorkerDied { how, entries, .. } => {
                let (cause, hint) = match how {
                    WorkerEnd::Died(ExitKind::Exited(OUT_OF_MEMORY)) => {
                        ("it got no more memory".to_owned(), MORE_MEMORY)
                    }
                    // So does the kernel end a process when memory runs out.
                    WorkerEnd::Died(how @ ExitKind::Signaled(Signal::SIGKILL)) => {
                        (ended(how), MORE_MEMORY)
                    }
                    // The filter of calls, see `fuselage_linux::confinement`.
                    WorkerEnd::Died(how @ ExitKind::Signaled(Signal::SIGSYS)) => (
                        format!(
                            "{}: it tried what reading an archive never needs",
                            ended(how)
                        ),
                        MAYBE_HOSTILE,
                    ),
                    WorkerEnd::Broken(why) => (why.to_owned(), MAYBE_HOSTILE),
                    WorkerEnd::Died(how) => (
                        ended(how),
                        "please report this, with the archive or the way to make such a one",
                    ),
                    WorkerEnd::Stuck(time) => (
                        format!(
                            "it took {} s of processor time without any progress, and was ended",
                            time.as_secs()
                        ),
                        "make the archive again: it may be damaged, or made to do harm",
                    ),
                };
                let mut causes = vec![cause];
                if !entries.is_empty() {
                    causes.push(format!("it was at {}", entries.join(", ")));
                }
                ("ERR_WORKER_DIED", causes, vec![hint.into()], 125)
            }
            Self::CommandNotFound {
                name,
                searched,
                near_subcommand,
            } => (
                "ERR_COMMAND_NOT_FOUND",
                vec![
                    if searched {
                        "no directory of PATH has a program of that name"
                    } else {
                        "there is no such file"
                    }
                    .into(),
                ],
                hints::command_not_found(&name, searched, near_subcommand.as_deref()),
                127,
            ),
            Self::CommandNotExecutable { source, hint, .. } => (
                "ERR_COMMAND_NOT_EXECUTABLE",
                vec![causes::text(&source)],
                vec![hint],
                126,
            ),
            Self::RunNotFound { trees, .. } => (
                "ERR_RUN_NOT_FOUND",
                vec![format!("no file of that path is in {}", trees.join(", "))],
                vec!["give the path below a tree, or NAME/PATH".into()],
                127,
            ),
            Self::RunAmbiguous { candidates, .. } => (
                "ERR_RUN_AMBIGUOUS",
                candidates
                    .iter()
                    .map(|candidate| format!("found {candidate}"))
                    .collect(),
                vec!["name the tree: --run NAME/PATH".into()],
                125,
            ),
            Self::RunEscapes { target, .. } => (
                "ERR_RUN_ESCAPES",
                vec![format!(
                    "a symbolic link in the archive leads to {}",
                    target.display()
                )],
                vec![
                    "if the link is to be followed, run a command that does so: \
                     fuselage run … -- sh -c '\"$FUSELAGE_STATIC\"/NAME/PATH'"
                        .into(),
                ],
                125,
            ),
            Self::System { source, .. } => (
                "ERR_INTERNAL",
                vec![causes::text(&source)],
                vec![hints::system(&source).into()],
                125,
            ),
        };
        ErrorReport {
            code: code.to_owned(),
            message,
            hints,
            causes,
            exit_code,
        }
    }
}

const MORE_MEMORY: &str = "if memory ran out, give the run more, or extract a smaller archive";

const MAYBE_HOSTILE: &str = "do not trust the archive: it may be made to do harm, which was \
     prevented; please report this, with the archive";

/// How the process that extracts ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WorkerEnd {
    /// By itself, or somebody ended it.
    Died(ExitKind),
    /// It was ended, since it took so much processor time without any progress.
    Stuck(Duration),
    /// It was ended, since what it sent is no answer; why not.
    Broken(&'static str),
}

/// How a process ended, in words.
pub(crate) fn ended(how: ExitKind) -> String {
    match how {
        ExitKind::Exited(status) => format!("ended with exit status {status}"),
        ExitKind::Signaled(signal) => format!("was killed by {signal}"),
    }
}
