//! What is done in place of a run: jobs that need an archive to be read.

use fuselage_plan::Job;

use crate::error::LaunchError;

/// Does it and prints what came of it; the exit status.
pub(crate) fn perform(job: &Job) -> Result<u8, LaunchError> {
    Err(LaunchError::PlanInvalid {
        why: format!("the launcher cannot do {job:?}"),
    })
}
