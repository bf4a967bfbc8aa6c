//! What is to be removed from a cache, and what has become of it.

use super::leavings::LeavingKind;

/// One thing that is to be removed, if it still is as it was when that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// As listed.
    pub name: String,
    /// What it is.
    pub target: Target,
    /// As listed.
    pub token: String,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An entry, with all that belongs to it.
    Entry,
    /// Something that is none.
    Leaving(LeavingKind),
}

/// What has become of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// That of the decision.
    pub name: String,
    /// What has become of it.
    pub outcome: Outcome,
}

/// What has become of a decision; what it is about counts no more in the first three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is gone.
    Removed,
    /// It is in the trash, since somebody has it mounted.
    InUse,
    /// It is in the trash, since nobody can tell whether somebody has it mounted; why.
    Unknown(String),
    /// A run that starts, or a builder, has it; it stays.
    Busy(String),
    /// It is not what was listed any more; it stays.
    Changed(String),
    /// A call failed; which, and why.
    Failed(String),
}
