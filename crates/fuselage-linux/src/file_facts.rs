//! What stands at a path.

use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use rustix::fs::{FileType, fstat};

use crate::file_identity::file_identity;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// As [`file_identity`] makes it.
    pub identity: String,
    /// Which kind of file.
    pub kind: FileKind,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// The owner's uid, as this user namespace shows it.
    pub owner: u32,
    /// Bytes.
    pub length: u64,
}

/// The kinds of file that matter to a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A device, a FIFO, a socket.
    Other,
}

/// Looks at what `path` leads to, symbolic links followed, without opening it for anything; `None`:
/// nothing is there, or what is above it is no directory.
///
/// # Errors
/// `EACCES`: a directory above it may not be searched; `ELOOP`; what open(2) says.
pub fn file_facts(path: &Path) -> io::Result<Option<FileFacts>> {
    let file = match open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let status = fstat(&file)?;
    Ok(Some(FileFacts {
        identity: file_identity(&file)?,
        kind: match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            _ => FileKind::Other,
        },
        mode: status.st_mode & 0o7777,
        owner: status.st_uid,
        length: u64::try_from(status.st_size).unwrap_or(0),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_that_may_not_be_read_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "four").unwrap();
        let open = fs::File::open(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o4001)).unwrap();
        let facts = file_facts(&path).unwrap().unwrap();
        assert_eq!(
            (facts.kind, facts.mode, facts.length),
            (FileKind::File, 0o4001, 4)
        );
        assert_eq!(facts.owner, crate::process::ids()[1]);
        assert_eq!(facts.identity, file_identity(open).unwrap());
    }

    #[test]
    fn kinds_are_told_apart_through_links() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        for (target, kind) in [("/", FileKind::Directory), ("/dev/null", FileKind::Other)] {
            symlink(target, &link).unwrap();
            assert_eq!(file_facts(&link).unwrap().unwrap().kind, kind);
            fs::remove_file(&link).unwrap();
        }
    }

    #[test]
    fn nothing_is_no_error_and_a_loop_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        fs::write(directory.path().join("file"), "").unwrap();
        for nothing in ["missing", "missing/below", "file/below"] {
            assert_eq!(file_facts(&directory.path().join(nothing)).unwrap(), None);
        }
        symlink("nowhere", &link).unwrap();
        assert_eq!(file_facts(&link).unwrap(), None);
        fs::remove_file(&link).unwrap();
        symlink("link", &link).unwrap();
        assert_eq!(
            file_facts(&link).unwrap_err().raw_os_error(),
            Some(nix::libc::ELOOP)
        );
    }
}
