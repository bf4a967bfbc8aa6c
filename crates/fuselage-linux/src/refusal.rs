//! Why a namespace was refused, and what to do about it.
//!
//! Facts in, words out: [`NamespaceFacts`] is gathered where the refusal happened, [`find_causes`]
//! decides, [`diagnose`] says it. One [`Cause`] is one row of the table of causes that differ in
//! what a person has to do.

mod advice;
mod apparmor;
mod cause;
mod facts;
mod launcher;
mod sentence;
#[cfg(test)]
mod tests;

pub use cause::{Cause, find_causes};
pub use facts::{IdMap, NamespaceFacts, ProcState, Surroundings};

use crate::namespaces::NamespaceError;

/// A refusal as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was tried, and what the kernel answered.
    pub message: String,
    /// Why, the likeliest first; whole sentences.
    pub causes: Vec<String>,
    /// What to do, one way each.
    pub hints: Vec<String>,
}

/// Says what `error` means on a host with these `facts`.
pub fn diagnose(error: &NamespaceError, facts: &NamespaceFacts) -> Refusal {
    let causes = find_causes(error, facts);
    Refusal {
        message: error.to_string(),
        causes: causes
            .iter()
            .map(|cause| sentence::sentence(cause, facts))
            .collect(),
        hints: advice::hints(&causes, facts),
    }
}
