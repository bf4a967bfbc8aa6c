//! Opening what is used by descriptor from then on.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open};
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

/// Sets the file mode creation mask and returns the one before (umask(2)).
pub fn replace_umask(mask: u32) -> u32 {
    umask(Mode::from_bits_truncate(mask)).bits()
}
