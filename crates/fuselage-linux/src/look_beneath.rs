//! Looking at a tree below an open directory, one entry at a time: no name leads out of it or is
//! followed through a symbolic link. [`crate::beneath`] opens its directories.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, Stat, fstat, openat, readlinkat, statat,
};

use crate::beneath::leaf;

/// Bytes of names that are had by one call.
const NAMES: usize = 32 << 10;

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, whatever it leads to.
    Symlink,
    /// A device, a FIFO, a socket.
    Other,
}

/// What is known of an entry without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryStatus {
    /// Which kind.
    pub kind: EntryKind,
    /// Permission bits with set-user-ID, set-group-ID and sticky.
    pub mode: u32,
    /// Bytes; of a link, those of its target.
    pub size: u64,
    /// The modification time, since 1970.
    pub seconds: i64,
    /// What is to be added to it, less than a second.
    pub nanoseconds: u32,
    /// Device and inode: which file it is, as long as somebody has it open or it is there.
    pub file: (u64, u64),
}

impl From<Stat> for EntryStatus {
    fn from(status: Stat) -> Self {
        Self {
            kind: match FileType::from_raw_mode(status.st_mode) {
                FileType::RegularFile => EntryKind::File,
                FileType::Directory => EntryKind::Directory,
                FileType::Symlink => EntryKind::Symlink,
                _ => EntryKind::Other,
            },
            mode: status.st_mode & 0o7777,
            size: u64::try_from(status.st_size).unwrap_or(0),
            seconds: status.st_mtime,
            // Its type differs between architectures; it is below a thousand millions.
            nanoseconds: u32::try_from(status.st_mtime_nsec).unwrap_or(0),
            file: (status.st_dev, status.st_ino),
        }
    }
}

/// What the open file or directory is.
///
/// # Errors
/// What fstat(2) says.
pub fn status_of(file: impl AsFd) -> io::Result<EntryStatus> {
    Ok(fstat(file)?.into())
}

/// What the entry `name` of `parent` is; of a symbolic link, itself.
///
/// # Errors
/// `ENOENT`; `EACCES`: `parent` may not be searched; `EXDEV`: `name` is no name of an entry.
pub fn status(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<EntryStatus> {
    Ok(statat(parent, leaf(name)?, AtFlags::SYMLINK_NOFOLLOW)?.into())
}

/// The names of all entries of a directory that is open to read, which is read once: in the order
/// of the directory, without `.` and `..`.
///
/// # Errors
/// What getdents64(2) says.
pub fn names(directory: BorrowedFd<'_>) -> io::Result<Vec<Vec<u8>>> {
    let mut buffer = vec![MaybeUninit::uninit(); NAMES];
    let mut entries = RawDir::new(directory, &mut buffer);
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        match entry?.file_name().to_bytes() {
            b"." | b".." => {}
            name => names.push(name.to_vec()),
        }
    }
    Ok(names)
}

/// Opens the file `name` of `parent` to read; of anything else nothing is read, and it waits for
/// nobody, but a device is opened: ask for its [`status`] before, and for that of what was opened.
///
/// # Errors
/// `ELOOP`: it is a symbolic link; `EACCES`: it may not be read; and what openat(2) says.
pub fn open_file(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<OwnedFd> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(parent, leaf(name)?, flags, Mode::empty())?)
}

/// The target of the symbolic link `name` of `parent`.
///
/// # Errors
/// `EINVAL`: it is none; and what readlinkat(2) says.
pub fn link_target(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<Vec<u8>> {
    Ok(readlinkat(parent, leaf(name)?, Vec::new())?.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::beneath;

    fn place() -> (tempfile::TempDir, File) {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("secret"), "outside").unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("d")).unwrap();
        fs::write(root.join("f"), "four").unwrap();
        symlink("../secret", root.join("l")).unwrap();
        nix::unistd::mkfifo(&root.join("p"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let root = File::open(root).unwrap();
        (place, root)
    }

    #[test]
    fn every_name_is_there_however_many() {
        let (place, root) = place();
        let mut found = names(root.as_fd()).unwrap();
        found.sort();
        assert_eq!(found, [b"d", b"f", b"l", b"p"]);
        let many = place.path().join("root/d");
        let made: Vec<_> = (0..3000).map(|number| format!("{number:0100}")).collect();
        for name in &made {
            fs::write(many.join(name), "").unwrap();
        }
        let mut found = names(File::open(many).unwrap().as_fd()).unwrap();
        found.sort();
        assert!(found.iter().eq(made.iter().map(String::as_bytes)));
    }

    #[test]
    fn an_entry_is_seen_itself_and_never_what_it_leads_to() {
        let (place, root) = place();
        let root = root.as_fd();
        beneath::set_mode(root, b"f", 0o640).unwrap();
        beneath::set_time(root, b"f", -7, 5).unwrap();
        let file = status(root, b"f").unwrap();
        assert_eq!(
            (
                file.kind,
                file.mode,
                file.size,
                file.seconds,
                file.nanoseconds
            ),
            (EntryKind::File, 0o640, 4, -7, 5)
        );
        let facts = fs::metadata(place.path().join("root/f")).unwrap();
        assert_eq!(file.file, (facts.dev(), facts.ino()));
        let kind = |name| status(root, name).unwrap().kind;
        assert_eq!(kind(b"d"), EntryKind::Directory);
        assert_eq!(
            (kind(b"l"), kind(b"p")),
            (EntryKind::Symlink, EntryKind::Other)
        );
        assert_eq!(link_target(root, b"l").unwrap(), b"../secret");
        let opened = open_file(root, b"f").unwrap();
        assert_eq!(status_of(&opened).unwrap(), file);
        let mut content = String::new();
        File::from(opened).read_to_string(&mut content).unwrap();
        assert_eq!(content, "four");
        assert!(open_file(root, b"l").is_err());
        // Nobody writes to it, and it is not waited for.
        open_file(root, b"p").unwrap();
    }

    #[test]
    fn names_with_a_way_out_show_nothing() {
        let (_place, root) = place();
        for name in [&b"../secret"[..], b"..", b".", b"", b"d/..", b"/", b"d/"] {
            assert!(status(root.as_fd(), name).is_err());
            assert!(open_file(root.as_fd(), name).is_err());
            assert!(link_target(root.as_fd(), name).is_err());
        }
    }
}
