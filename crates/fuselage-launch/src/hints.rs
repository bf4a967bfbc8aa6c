//! What to do about errors of the system.

use std::io::{Error, ErrorKind};
use std::path::Path;

use fuselage_linux::causes::is_out_of_descriptors;

/// An archive that was there a moment ago cannot be opened.
pub(crate) fn archive_open(path: &Path, error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "it was there while fuselage was starting: run the command again once nothing removes \
             or replaces it"
                .to_owned()
        }
        ErrorKind::PermissionDenied => format!(
            "make it readable for this user: chmod u+r {}, and the directories above it searchable",
            path.display()
        ),
        _ => exhausted(error)
            .unwrap_or("copy the archive to a disk of this machine, and name the copy")
            .to_owned(),
    }
}

/// A directory of the run cannot be made or entered.
pub(crate) fn directory(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "give the run more memory: --tmpfs-size SIZE (or FUSELAGE_TMPFS_SIZE)"
        }
        _ => exhausted(error).unwrap_or(DOCTOR),
    }
}

/// A call that fails only when the machine is out of something.
pub(crate) fn system(error: &Error) -> &'static str {
    exhausted(error).unwrap_or("please report this, with the command line that leads to it")
}

/// No such program.
pub(crate) fn command_not_found(
    name: &str,
    searched: bool,
    near_subcommand: Option<&str>,
) -> Vec<String> {
    let general = if searched {
        format!("install `{name}`, give its path, or name a program in an archive with --run PATH")
    } else {
        "check the path; a relative one starts at the working directory".to_owned()
    };
    near_subcommand
        .map(|near| format!("did you mean the subcommand `fuselage {near}`?"))
        .into_iter()
        .chain([general])
        .collect()
}

/// What `fuselage doctor` is for.
pub(crate) const DOCTOR: &str = "`fuselage doctor` tells what this host allows";

fn exhausted(error: &Error) -> Option<&'static str> {
    if is_out_of_descriptors(error) {
        return Some("raise the limit of open files (`ulimit -n`), or close some");
    }
    match error.kind() {
        ErrorKind::OutOfMemory => Some("end other programs, or give this one more memory"),
        ErrorKind::WouldBlock => {
            Some("end other programs of this user, or raise the limit of processes (`ulimit -u`)")
        }
        _ => None,
    }
}
