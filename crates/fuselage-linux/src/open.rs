//! Opening what is used by descriptor from then on.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat, umask};

/// Opens a file to read, without waiting for the writer of a FIFO and without making a terminal
/// the controlling one.
///
/// # Errors
/// What open(2) says.
pub fn open_source(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
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

/// Makes a file on the file system of `directory` that has no name and can never get one
/// (`O_TMPFILE`, `O_EXCL`), to read and write.
///
/// # Errors
/// `EOPNOTSUPP`: the file system has no such files; and what openat(2) says.
pub fn make_unnamed_file(directory: BorrowedFd<'_>) -> io::Result<File> {
    let flags = OFlag::O_TMPFILE | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    Ok(File::from(openat(directory, ".", flags, mode)?))
}

/// Sets the file mode creation mask and returns the one before (umask(2)).
pub fn replace_umask(mask: u32) -> u32 {
    umask(Mode::from_bits_truncate(mask)).bits()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;

    use super::*;
    use crate::descriptors::proc_path;

    #[test]
    fn an_unnamed_file_holds_bytes_and_gets_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let opened = open_place(directory.path()).unwrap();
        let mut file = make_unnamed_file(opened.as_fd()).unwrap();
        file.write_all(b"bytes").unwrap();
        file.rewind().unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        assert_eq!(content, "bytes");
        let name = directory.path().join("name");
        let link = nix::unistd::linkat(
            nix::fcntl::AT_FDCWD,
            &proc_path(&file),
            nix::fcntl::AT_FDCWD,
            &name,
            nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW,
        );
        assert_eq!(link, Err(nix::errno::Errno::ENOENT));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
