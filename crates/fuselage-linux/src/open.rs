//! Opening what is used by descriptor from then on.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat, umask};
use nix::unistd::{UnlinkatFlags, pipe2, unlinkat};

/// Opens a file to read, without waiting for the writer of a FIFO and without making a terminal
/// the controlling one.
///
/// # Errors
/// What open(2) says.
pub fn open_source(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

/// Opens a file to read that has no content: /dev/null, or where that is not there the reading end
/// of a pipe that nobody can write to.
///
/// # Errors
/// What pipe2(2) says.
pub fn open_nothing() -> io::Result<OwnedFd> {
    match open_source(Path::new("/dev/null")) {
        Ok(file) => Ok(file.into()),
        Err(_) => Ok(pipe2(OFlag::O_CLOEXEC)?.0),
    }
}

/// Opens a directory as a place (`O_PATH`), through symbolic links.
///
/// # Errors
/// What open(2) says; `ENOTDIR`.
pub fn open_place(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(
        path,
        OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?)
}

/// Makes the directory `name` in `parent`, mode 0700 less the umask.
///
/// # Errors
/// `EEXIST`, and what mkdirat(2) says.
pub fn make_directory_at(parent: BorrowedFd<'_>, name: &Path) -> io::Result<()> {
    Ok(mkdirat(parent, name, Mode::S_IRWXU)?)
}

/// A file without a name, by two descriptors.
#[derive(Debug)]
pub struct UnnamedFile {
    /// For who fills it: to read and write.
    pub writer: File,
    /// For who must not change it: to read.
    pub reader: File,
}

/// Makes a file in `directory` that has no name any more when this returns, and can never get one
/// again: nobody can open it.
///
/// The name that it has in between is `.unnamed`: `O_TMPFILE` would need /proc for the second
/// descriptor.
///
/// # Errors
/// `EEXIST`, and what openat(2) and unlinkat(2) say.
pub fn make_unnamed_file(directory: BorrowedFd<'_>) -> io::Result<UnnamedFile> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let make = flags | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR;
    let writer = openat(directory, UNNAMED, make, Mode::S_IRUSR | Mode::S_IWUSR)?;
    let reader = openat(directory, UNNAMED, flags | OFlag::O_RDONLY, Mode::empty());
    unlinkat(directory, UNNAMED, UnlinkatFlags::NoRemoveDir)?;
    Ok(UnnamedFile {
        writer: File::from(writer),
        reader: File::from(reader?),
    })
}

const UNNAMED: &str = ".unnamed";

/// Makes a directory on the file system of `parent` in which nothing is and nothing can be made: it
/// has been removed already.
///
/// # Errors
/// `EEXIST`, and what mkdirat(2), openat(2) and unlinkat(2) say.
pub fn make_removed_directory(parent: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    make_directory_at(parent, Path::new(UNNAMED))?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let opened = openat(parent, UNNAMED, flags, Mode::empty());
    unlinkat(parent, UNNAMED, UnlinkatFlags::RemoveDir)?;
    Ok(opened?)
}

/// Sets the file mode creation mask and returns the one before (umask(2)).
pub fn replace_umask(mask: u32) -> u32 {
    umask(Mode::from_bits_truncate(mask)).bits()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    use super::*;
    use crate::descriptors::proc_path;

    #[test]
    fn there_is_nothing_to_read_without_dev_too() {
        use crate::process::{ExitKind, Forked, exit_now, fork, wait_for};
        let is_at_end = || {
            open_nothing().is_ok_and(|file| {
                let mut byte = [0];
                File::from(file)
                    .read(&mut byte)
                    .is_ok_and(|count| count == 0)
            })
        };
        assert!(is_at_end());
        if nix::unistd::geteuid().is_root() {
            let directory = tempfile::tempdir().unwrap();
            match fork().unwrap() {
                Forked::Child => {
                    let without_dev = nix::unistd::chroot(directory.path()).is_ok();
                    exit_now(i32::from(!(without_dev && is_at_end())))
                }
                Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
            }
        }
    }

    #[test]
    fn an_unnamed_file_holds_bytes_and_gets_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let opened = open_place(directory.path()).unwrap();
        let UnnamedFile {
            mut writer,
            mut reader,
        } = make_unnamed_file(opened.as_fd()).unwrap();
        writer.write_all(b"bytes").unwrap();
        let mut content = String::new();
        reader.read_to_string(&mut content).unwrap();
        assert_eq!(content, "bytes");
        let name = directory.path().join("name");
        let link = nix::unistd::linkat(
            nix::fcntl::AT_FDCWD,
            &proc_path(&writer),
            nix::fcntl::AT_FDCWD,
            &name,
            nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW,
        );
        assert_eq!(link, Err(nix::errno::Errno::ENOENT));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn who_may_only_read_an_unnamed_file_cannot_change_it() {
        let directory = tempfile::tempdir().unwrap();
        let opened = open_place(directory.path()).unwrap();
        let mut file = make_unnamed_file(opened.as_fd()).unwrap();
        file.writer.write_all(b"bytes").unwrap();
        assert!(file.reader.write_all(b"other").is_err());
        assert!(file.reader.set_len(0).is_err());
        assert_eq!(file.reader.metadata().unwrap().len(), 5);
        file.writer.set_len(0).unwrap();
        assert_eq!(file.reader.metadata().unwrap().len(), 0, "the twin");
    }

    #[test]
    fn in_a_removed_directory_nothing_can_be_made() {
        let directory = tempfile::tempdir().unwrap();
        let opened = open_place(directory.path()).unwrap();
        let removed = make_removed_directory(opened.as_fd()).unwrap();
        let make = |parent| make_directory_at(parent, Path::new("x"));
        let error = make(removed.as_fd()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        make(opened.as_fd()).unwrap();
    }
}
