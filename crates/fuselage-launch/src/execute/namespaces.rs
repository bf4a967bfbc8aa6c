//! Into the namespaces of the plan, or the reason why not.

use std::io;

use fuselage_linux::causes::exhausted;
use fuselage_linux::namespaces::{
    self, NamespaceError, enter_mount_namespace, enter_user_namespace,
};
use fuselage_linux::refusal::{NamespaceFacts, diagnose};
use fuselage_plan::Namespaces;

use crate::error::LaunchError;

/// Enters them; what the kernel refuses is diagnosed.
pub(crate) fn enter(namespaces: Namespaces) -> Result<(), LaunchError> {
    let entered = match namespaces {
        Namespaces::User => enter_user_namespace(),
        Namespaces::Mount => enter_mount_namespace(),
        Namespaces::None => Ok(()),
    };
    entered.map_err(|error| refused(&error))
}

/// Makes sure that there is a /proc to work with, before anything is done.
pub(crate) fn require_proc() -> Result<(), LaunchError> {
    namespaces::require_proc().map_err(|error| refused(&error))
}

/// The refusal behind an error of a namespace or of the first mount in it. What is needed to tell
/// the cause is gathered only now: it costs as much as the rest of a start.
pub(crate) fn refused(error: &NamespaceError) -> LaunchError {
    let source = io::Error::from(error.errno);
    if exhausted(&source).is_some() {
        let step = error.step;
        return LaunchError::Namespace { step, source };
    }
    LaunchError::Refused(diagnose(error, &NamespaceFacts::gather()))
}
