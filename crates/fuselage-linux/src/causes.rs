//! The causes of an error as lines for people.

use std::error::Error;
use std::io;

use nix::errno::Errno;

/// What `error` rests on, the nearest cause first; the error itself is left out. A reason of the
/// operating system is its text and its name, as in `Permission denied (EACCES)`.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(text(cause));
        next = cause.source();
    }
    causes
}

/// One error without what it rests on, in the same words.
pub fn text(error: &(dyn Error + 'static)) -> String {
    if let Some(errno) = error.downcast_ref::<Errno>() {
        return system_text(*errno);
    }
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error)
    {
        Some(number) => system_text(Errno::from_raw(number)),
        None => error.to_string(),
    }
}

/// Whether a call failed since this process or the machine has no file descriptor left (`EMFILE`,
/// `ENFILE`), which the standard library has no kind for.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EMFILE | Errno::ENFILE))
}

/// What helps where a call failed since this process or the machine has no more of something:
/// descriptors, memory or processes.
pub fn exhausted(error: &io::Error) -> Option<&'static str> {
    if is_out_of_descriptors(error) {
        return Some("raise the limit of open files (`ulimit -n`), or close some");
    }
    match error.kind() {
        io::ErrorKind::OutOfMemory => Some("end other programs, or give this one more memory"),
        io::ErrorKind::WouldBlock => {
            Some("end other programs of this user, or raise the limit of processes (`ulimit -u`)")
        }
        _ => None,
    }
}

fn system_text(errno: Errno) -> String {
    format!("{} ({errno:?})", errno.desc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot do it")]
    struct Outer {
        source: io::Error,
    }

    #[test]
    fn the_system_is_quoted_with_the_name_of_its_error() {
        let outer = Outer {
            source: Errno::EACCES.into(),
        };
        assert_eq!(causes(&outer), ["Permission denied (EACCES)"]);
        assert_eq!(text(&Errno::EROFS), "Read-only file system (EROFS)");
    }

    #[test]
    fn no_descriptor_left_is_told_from_no_memory_left() {
        assert!(is_out_of_descriptors(&Errno::EMFILE.into()));
        assert!(is_out_of_descriptors(&Errno::ENFILE.into()));
        assert!(!is_out_of_descriptors(&Errno::ENOMEM.into()));
        assert!(!is_out_of_descriptors(&io::Error::other("EMFILE")));
    }

    #[test]
    fn other_errors_speak_for_themselves() {
        let outer = Outer {
            source: io::Error::other("it is late"),
        };
        assert_eq!(causes(&outer), ["it is late"]);
        assert_eq!(text(&outer), "cannot do it");
    }
}
