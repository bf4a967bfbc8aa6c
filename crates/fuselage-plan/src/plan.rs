//! The plan of one run.

use serde::{Deserialize, Serialize};

use crate::path::{Place, PlanPath};
use crate::step::Step;

/// Everything that a run does before its command starts: pure data, made by node, executed by the
/// launcher in the order of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MountPlan {
    /// The package version ([`crate::VERSION`]); any other is refused.
    pub version: String,
    /// Which namespaces the command gets.
    pub namespaces: Namespaces,
    /// The home (`$FUSELAGE_HOME`), an absolute path, where there is a usable one.
    pub home: Option<PlanPath>,
    /// How the cache is used, by the steps and beside them.
    pub cache: CachePlan,
    /// What is made, in order.
    pub steps: Vec<Step>,
    /// What changes in the environment of the command.
    pub environment: Environment,
    /// What is executed in the end.
    pub program: Program,
    /// Whether the reasons are printed before the command starts (`--explain`).
    pub explain: bool,
    /// What the user should know in any case, a sentence each: printed before the command starts.
    pub notices: Vec<String>,
    /// Why the plan is as it is, for people.
    pub reasons: Vec<Reason>,
    /// What is executed in place of all this where the kernel refuses the namespaces: a plan with
    /// none, and without another one in it. It is decided before anything is made.
    pub otherwise: Option<Box<MountPlan>>,
}

/// How a run uses the cache in the home, and others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CachePlan {
    /// Further caches (`FUSELAGE_CACHE_PATH`), absolute paths of directories like `cache` in the home:
    /// looked at in this order before anything is built, never changed.
    pub others: Vec<PlanPath>,
    /// Whether processes may be started that go on in the background: what was put into the cache is
    /// written to the disk there.
    pub background: bool,
    /// Whether `cache prune` is started in the background, where none was for an hour.
    pub prune: bool,
}

/// Which namespaces are made for the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum Namespaces {
    /// A user namespace with an identity map, and a mount namespace in it.
    User,
    /// A mount namespace alone (root with `CAP_SYS_ADMIN`).
    Mount,
    /// None: the trees are real files in the home, which a supervisor removes in the end.
    None,
}

/// The documented changes of the environment; all else reaches the command as the caller gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// Variables taken away first, those of an outer run for example.
    pub cleared: Vec<String>,
    /// Variables set then.
    pub set: Vec<EnvironmentValue>,
}

/// One variable that points at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentValue {
    /// Its name.
    pub name: String,
    /// The place whose absolute path becomes its value.
    pub place: Place,
}

/// What is executed, and with which words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(
    tag = "program",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Program {
    /// A command of the caller, looked up in `PATH`: all words of the launcher's own argv from
    /// here.
    Command {
        /// Index of the command in the argv of the question.
        command_index: u32,
        /// The subcommand that was perhaps meant, for the message when there is no such program.
        near_subcommand: Option<String>,
    },
    /// A program out of the trees (`--run`), looked for once they are there.
    Tree {
        /// What the user wrote, relative.
        path: PlanPath,
        /// The trees: `NAME/REST` in the tree of that name first, then `PATH` in exactly one.
        trees: Vec<SearchTree>,
        /// Indices of its arguments in the argv of the question, ascending.
        arguments: Vec<u32>,
    },
}

/// A tree in which a program is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchTree {
    /// The NAME of the tree.
    pub name: PlanPath,
    /// Where it is.
    pub at: Place,
}

/// One line of `--explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    /// What is explained: `static sdk`, `namespaces`, `home`.
    pub subject: String,
    /// The strategy that was chosen, in a few words.
    pub strategy: String,
    /// Why.
    pub why: String,
    /// Where it is seen by the command.
    pub at: Option<Place>,
}
