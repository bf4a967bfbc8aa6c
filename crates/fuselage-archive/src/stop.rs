//! The end of an extraction that has failed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

/// Raised once an entry has failed: what is written then is thrown away, so nobody goes on.
#[derive(Debug, Default)]
pub(crate) struct Stop(AtomicBool);

/// Why an output takes no more.
#[derive(Debug, Error)]
#[error("another entry has failed")]
struct Stopped;

impl Stop {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    pub(crate) fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// For those who take long, every now and then.
    ///
    /// # Errors
    /// It is raised; [`Stop::caused`] tells that error from others.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.is_raised() {
            true => Err(io::Error::other(Stopped)),
            false => Ok(()),
        }
    }

    /// Whether an error is that of [`Stop::check`].
    pub(crate) fn caused(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|cause| cause.is::<Stopped>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_error_is_told_from_others() {
        let stop = Stop::new();
        stop.check().unwrap();
        stop.raise();
        assert!(Stop::caused(&stop.check().unwrap_err()));
        for other in [
            io::ErrorKind::Other.into(),
            io::Error::other("another entry has failed"),
        ] {
            assert!(!Stop::caused(&other));
        }
    }
}
