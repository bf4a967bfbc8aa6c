//! What to do about errors of the system.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fuselage_linux::causes::exhausted;
use fuselage_linux::confinement::ConfineStep;
use fuselage_linux::loop_device::LoopError;
use fuselage_linux::process::is_exec_format_error;

use crate::execute::ImageError;

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

/// A mount failed.
pub(crate) fn mount(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull => {
            "let one mount namespace have more mounts: `sudo sysctl -w fs.mount-max=200000`"
        }
        _ => exhausted(error).unwrap_or(DOCTOR),
    }
}

/// An image cannot be mounted.
pub(crate) fn image(error: &ImageError) -> Vec<String> {
    if let Some(hint) = error.of_the_system().as_ref().and_then(exhausted) {
        return vec![hint.to_owned()];
    }
    let first = match error {
        ImageError::CutOff { .. } => {
            return vec!["copy the archive again, or make it anew: it is not whole".to_owned()];
        }
        ImageError::Loop(LoopError::Busy { .. }) => "run the command again",
        ImageError::Loop(LoopError::Control(error)) if error.kind() == ErrorKind::NotFound => {
            "let /dev have the nodes of loop devices (Docker: `--privileged -v /dev:/dev`)"
        }
        ImageError::Look(_) | ImageError::Loop(_) => DOCTOR,
        ImageError::Mount(error) if error.is_of_no_such_file_system() => {
            "load the module of the file system: modprobe squashfs"
        }
        ImageError::Mount(_) => {
            "the kernel's log says why (dmesg): the image is damaged, or packed in a way that this \
             kernel cannot read; `mksquashfs DIRECTORY FILE` makes a new one"
        }
    };
    let other = "or give it as --dynamic: that is extracted, and needs neither loop device nor \
                 kernel";
    vec![first.to_owned(), other.to_owned()]
}

/// The code of an error that keeps a real file or directory from being made.
pub(crate) fn code_of_real_file(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "ERR_EXTRACT_NO_SPACE",
        _ => "ERR_EXTRACT_FAILED",
    }
}

/// A real file or directory cannot be made in the home.
pub(crate) fn real_file(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => fuselage_archive::DISK,
        _ => exhausted(error).unwrap_or("set FUSELAGE_HOME to a directory on another file system"),
    }
}

/// A call that fails only when the machine is out of something.
pub(crate) fn system(error: &Error) -> &'static str {
    exhausted(error).unwrap_or("please report this, with the command line that leads to it")
}

/// What reads archives would have had rights that it must not have.
pub(crate) fn confinement(step: ConfineStep, error: &Error) -> Vec<String> {
    match step {
        ConfineStep::Root if exhausted(error).is_none() => vec![
            "give the run the capability CAP_SYS_CHROOT, in a container by `--cap-add SYS_CHROOT`"
                .to_owned(),
            format!("or let it have a user namespace: {DOCTOR}"),
        ],
        _ => vec![system(error).to_owned()],
    }
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

/// The program at `path` is there, and the kernel does not execute it.
pub(crate) fn execution(path: &Path, error: &Error) -> String {
    let facts = path.metadata();
    let is_directory = facts.as_ref().is_ok_and(|facts| facts.is_dir());
    let has_permission = facts.is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0);
    match error.kind() {
        _ if is_directory => "it is a directory: name a program in it".to_owned(),
        ErrorKind::PermissionDenied if !has_permission => {
            format!("it has no execute permission: chmod +x {}", path.display())
        }
        ErrorKind::PermissionDenied => "the file system may be mounted `noexec`, or the \
             permission is not for this user: copy the program elsewhere, or start it by its \
             interpreter"
            .to_owned(),
        ErrorKind::ArgumentListTooLong => "pass fewer or shorter words and variables, for \
             example by xargs(1) or in a file"
            .to_owned(),
        ErrorKind::ExecutableFileBusy => {
            "run the command again once nothing writes to the file".to_owned()
        }
        _ if is_exec_format_error(error) => format!(
            "use one that is built for this machine; `file {}` tells what it is",
            path.display()
        ),
        ErrorKind::Other => {
            "install what is missing, or correct the link or the first line of the file".to_owned()
        }
        _ => system(error).to_owned(),
    }
}

/// What `fuselage doctor` is for.
pub(crate) const DOCTOR: &str = "`fuselage doctor` tells what this host allows";

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;

    #[test]
    fn what_is_not_executed_is_told_apart_by_the_file_and_the_error() {
        let place = tempfile::tempdir().unwrap();
        let program = place.path().join("program");
        write(&program, b"").unwrap();
        let hint = |path: &Path, number| execution(path, &Error::from_raw_os_error(number));
        const EACCES: i32 = 13;
        const ENOEXEC: i32 = 8;
        for (mode, expected) in [(0o644, "chmod +x"), (0o755, "noexec")] {
            set_permissions(&program, Permissions::from_mode(mode)).unwrap();
            assert!(hint(&program, EACCES).contains(expected));
        }
        assert!(hint(&program, ENOEXEC).contains("built for this machine"));
        assert!(hint(place.path(), EACCES).contains("it is a directory"));
    }
}
