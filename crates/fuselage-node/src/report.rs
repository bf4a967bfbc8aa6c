//! Errors as data.

use std::error::Error;
use std::io;
use std::path::Path;

use fuselage_linux::capabilities::has_sys_admin;
use fuselage_linux::causes;
use fuselage_linux::mount::MountError;
use fuselage_linux::refusal::Refusal;
use napi_derive::napi;

/// What a run ends with when fuselage itself fails.
const EXIT_FAILURE: u32 = 125;

/// A failure: what was tried on what and why it failed, ready to be printed.
#[napi(object, object_from_js = false)]
#[derive(Clone, Debug)]
pub struct ErrorReport {
    /// A word of `docs/errors.md`.
    pub code: String,
    /// What was tried, on which path.
    pub message: String,
    /// Each a thing to do about it.
    pub hints: Vec<String>,
    /// Why it failed, the nearest reason first.
    pub causes: Vec<String>,
    /// The exit code of a run that fails for this.
    pub exit_code: u32,
}

impl ErrorReport {
    /// An error of the usual exit code.
    pub(crate) fn new(
        code: &str,
        message: String,
        causes: Vec<String>,
        hints: Vec<String>,
    ) -> Self {
        Self {
            code: code.to_owned(),
            message,
            hints,
            causes,
            exit_code: EXIT_FAILURE,
        }
    }

    /// A call on a path that failed, "cannot `what` `path`", and what to do about it.
    pub(crate) fn call(
        code: &str,
        what: &str,
        path: &Path,
        error: &(dyn Error + 'static),
        hint: &str,
    ) -> Self {
        let message = format!("cannot {what} {}", path.display());
        let mut causes = causes::causes(error);
        causes.insert(0, causes::text(error));
        Self::new(code, message, causes, vec![hint.to_owned()])
    }
}

/// For `map_err` on a path that a mount call works on.
pub(crate) fn unreachable_target(path: &Path) -> impl Fn(io::Error) -> ErrorReport {
    move |error| {
        let hint = "check the path, and that this user may enter every directory of it";
        ErrorReport::call("ERR_MOUNT_FAILED", "open", path, &error, hint)
    }
}

impl From<MountError> for ErrorReport {
    fn from(error: MountError) -> Self {
        let path = Path::new(&error.target);
        let what = format!("{} at", error.what);
        Self::call("ERR_MOUNT_FAILED", &what, path, &error.errno, mount_hint())
    }
}

impl From<Refusal> for ErrorReport {
    fn from(refusal: Refusal) -> Self {
        let Refusal {
            message,
            causes,
            hints,
        } = refusal;
        Self::new("ERR_USERNS_DENIED", message, causes, hints)
    }
}

/// What to do about a mount or a loop device that is refused.
pub(crate) fn mount_hint() -> &'static str {
    if has_sys_admin() {
        "`fuselage doctor` tells what this host allows"
    } else {
        "this needs root (CAP_SYS_ADMIN); a run of fuselage mounts without it"
    }
}
