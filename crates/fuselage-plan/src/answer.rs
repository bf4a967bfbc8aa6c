//! What node answers to the launcher's question.

use serde::{Deserialize, Serialize};

use crate::job::Job;
use crate::path::PlanPath;
use crate::plan::MountPlan;
use crate::step::FileIdentity;

/// The one frame that node sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(
    tag = "answer",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Answer {
    /// Execute this.
    Plan {
        /// What to do.
        plan: MountPlan,
        /// All that was looked at to make it.
        inputs: Vec<Input>,
    },
    /// Do this, which only the launcher may, since archives are read there alone; it prints what came
    /// of it.
    Job {
        /// What to do.
        job: Job,
    },
    /// Nothing is executed; the launcher prints why.
    Error {
        /// Why.
        error: ErrorReport,
    },
    /// Node has done and printed what was asked.
    Done {
        /// The exit status, 0 to 255.
        exit_code: u8,
    },
    /// This program cannot run the command line tool; another node may.
    Unsuitable {
        /// Why.
        reason: String,
    },
}

/// An error as it crosses a border: printed by the launcher, thrown by the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorReport {
    /// A word of `docs/errors.md`, such as `ERR_USERNS_DENIED`.
    pub code: String,
    /// What was tried, on what.
    pub message: String,
    /// What to do about it, a sentence each.
    pub hints: Vec<String>,
    /// Why it failed, the nearest cause first.
    pub causes: Vec<String>,
    /// The exit status that goes with it: 125, 126 or 127 for a run; 1 or 2 for other subcommands.
    pub exit_code: u8,
}

/// Something that was read to make a plan. While every input is equal, so is the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(
    tag = "input",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Input {
    /// An environment variable; `null`: it was not set.
    Variable {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<PlanPath>,
    },
    /// A file or directory that was looked at.
    File {
        /// Its path.
        path: PlanPath,
        /// What it was.
        identity: FileIdentity,
    },
    /// A path where nothing was.
    Absent {
        /// That path.
        path: PlanPath,
    },
    /// A fact about this host or this process, by name.
    Fact {
        /// Its name.
        name: String,
        /// Its value, as JSON text.
        value: String,
    },
}
