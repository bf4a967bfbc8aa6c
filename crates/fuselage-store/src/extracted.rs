//! The real directories of runs without namespaces: `extracted/<pid>` in the home.

use crate::error::{Purpose, StoreError};
use crate::home::Home;
use crate::living_directory::{LivingDirectory, sweep_all};

/// The directory below the home.
const EXTRACTED: &str = "extracted";

impl Home {
    /// Makes a directory for a run: `name`, or `name.1` and so on where that is taken.
    ///
    /// # Errors
    /// `ERR_HOME_OWNER`, `ERR_HOME_UNUSABLE`.
    pub fn make_extracted(&self, name: &str) -> Result<LivingDirectory, StoreError> {
        let all = self.own_directory(EXTRACTED, Purpose::AllRuns)?;
        let at = self.path().join(EXTRACTED);
        LivingDirectory::make(all, &at, name).map_err(|reason| StoreError {
            path: at,
            purpose: Purpose::AllRuns,
            reason,
        })
    }

    /// Removes the directories of runs that are alive no more.
    pub fn sweep_extracted(&self) {
        if let Some(all) = self.own_directory_there(EXTRACTED) {
            sweep_all(&all);
        }
    }
}

#[cfg(test)]
mod tests;
