//! Into the namespaces of the plan, or the reason why not.

use fuselage_linux::namespaces::{NamespaceError, enter_mount_namespace, enter_user_namespace};
use fuselage_linux::refusal::{NamespaceFacts, diagnose};
use fuselage_plan::Namespaces;

use crate::error::LaunchError;

/// Enters them; what the kernel refuses is diagnosed.
pub(crate) fn enter(namespaces: Namespaces) -> Result<(), LaunchError> {
    // Gathered before: in a half-made namespace /proc shows the state of that one.
    let facts = NamespaceFacts::gather();
    let entered = match namespaces {
        Namespaces::User => enter_user_namespace().and_then(|()| enter_mount_namespace()),
        Namespaces::Mount => enter_mount_namespace(),
    };
    entered.map_err(|error| refused(&error, &facts))
}

/// The refusal behind an error of a namespace or of the first mount in it.
pub(crate) fn refused(error: &NamespaceError, facts: &NamespaceFacts) -> LaunchError {
    LaunchError::Refused(diagnose(error, facts))
}
