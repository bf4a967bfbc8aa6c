//! Making a tree below an open directory, and nothing outside of it: no name is `..` or is followed
//! through a symbolic link. Only [`open_above`] goes up, and it compares where it came.
//!
//! Mounts on the way are crossed: the directories of a run are mounts themselves, and only who may
//! mount in the run's namespace can put others there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{
    AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps, chmodat, linkat, mkdirat, openat,
    openat2, symlinkat, utimensat,
};
use rustix::io::Errno;

use crate::file_identity::file_identity;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Bytes of a path that a call takes (`PATH_MAX` less the NUL byte).
const LONGEST_PATH: usize = 4095;

/// Whether openat2(2) (5.6) was missing, or hidden by a seccomp filter, the last time.
static WITHOUT_OPENAT2: AtomicBool = AtomicBool::new(false);

/// Opens the directory at `path` (relative, `/` between components; empty: `root` itself) below
/// `root`.
///
/// # Errors
/// `ELOOP`, `ENOTDIR`: a component is a symbolic link; `EXDEV`: it would leave `root`.
pub fn open_directory(root: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    if path.is_empty() {
        return Ok(openat(root, c".", DIRECTORY, Mode::empty())?);
    }
    path.split(|byte| *byte == b'/')
        .try_for_each(|component| leaf(component).map(drop))?;
    if !WITHOUT_OPENAT2.load(Ordering::Relaxed) {
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(root, path, DIRECTORY, Mode::empty(), resolve) {
            Ok(directory) => return Ok(directory),
            Err(Errno::NOSYS | Errno::PERM) => WITHOUT_OPENAT2.store(true, Ordering::Relaxed),
            // Longer than a call takes, and cut where it takes one.
            Err(Errno::NAMETOOLONG) if path.len() > LONGEST_PATH => {
                if let Some(cut) = path[..=LONGEST_PATH].iter().rposition(|byte| *byte == b'/') {
                    let on_the_way = open_directory(root, &path[..cut])?;
                    return open_directory(on_the_way.as_fd(), &path[cut + 1..]);
                }
            }
            // A rename elsewhere raced with it: resolving by hand cannot be raced.
            Err(Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    open_by_component(root, path)
}

/// The same without openat2(2): each component opened from the one before, none a link.
fn open_by_component(root: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let mut directory = openat(root, c".", DIRECTORY, Mode::empty())?;
    for component in path.split(|byte| *byte == b'/') {
        directory = openat(&directory, leaf(component)?, DIRECTORY, Mode::empty())?;
    }
    Ok(directory)
}

/// Opens the directory above `directory`, which is to have the [identity](file_identity) `above`:
/// the way back to one that was closed, whatever the length of its path.
///
/// # Errors
/// `ESTALE`: it is another one, since `directory` was moved; and what openat(2) and fstat(2) say.
pub fn open_above(directory: BorrowedFd<'_>, above: &str) -> io::Result<OwnedFd> {
    let opened = openat(directory, c"..", DIRECTORY, Mode::empty())?;
    match file_identity(&opened)? == above {
        true => Ok(opened),
        false => Err(Errno::STALE.into()),
    }
}

/// A name that cannot lead anywhere else.
pub(crate) fn leaf(name: &[u8]) -> io::Result<&[u8]> {
    match name {
        b"" | b"." | b".." => Err(Errno::XDEV.into()),
        name if name.contains(&b'/') => Err(Errno::XDEV.into()),
        name => Ok(name),
    }
}

/// Makes the directory `name`, 0700 less the umask, in `parent`.
///
/// # Errors
/// `EEXIST` and what mkdirat(2) says.
pub fn make_directory(parent: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    Ok(mkdirat(parent, leaf(name)?, Mode::RWXU)?)
}

/// Makes the file `name` in `parent` with the permission bits `mode` (0 to 0777, less the umask),
/// open to read and write.
///
/// # Errors
/// `EEXIST` whatever is there, and what openat(2) says.
pub fn create_file(parent: BorrowedFd<'_>, name: &[u8], mode: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(
        parent,
        leaf(name)?,
        flags,
        Mode::from_raw_mode(mode & 0o777),
    )?)
}

/// Makes the symbolic link `name` to `target` in `parent`.
///
/// # Errors
/// `EEXIST` and what symlinkat(2) says.
pub fn make_symlink(parent: BorrowedFd<'_>, name: &[u8], target: &[u8]) -> io::Result<()> {
    Ok(symlinkat(target, parent, leaf(name)?)?)
}

/// Gives the file or symbolic link `from` in `parent` a second name, `name` in `to`.
///
/// # Errors
/// `EEXIST`, `EMLINK` and what linkat(2) says.
pub fn make_hard_link(
    parent: BorrowedFd<'_>,
    from: &[u8],
    to: BorrowedFd<'_>,
    name: &[u8],
) -> io::Result<()> {
    Ok(linkat(
        parent,
        leaf(from)?,
        to,
        leaf(name)?,
        AtFlags::empty(),
    )?)
}

/// Sets the permission bits (0 to 0777) of the file or directory `name` in `parent`. By name and
/// not by descriptor: a process that may do it to whatever it has open can do it to what it reads,
/// too.
///
/// The caller has made `name` and nobody else can replace it: a symbolic link would be followed.
///
/// # Errors
/// What fchmodat(2) says.
pub fn set_mode(parent: BorrowedFd<'_>, name: &[u8], mode: u32) -> io::Result<()> {
    let mode = Mode::from_raw_mode(mode & 0o777);
    Ok(chmodat(parent, leaf(name)?, mode, AtFlags::empty())?)
}

/// Sets the modification time of `name` in `parent`, seconds and nanoseconds since 1970, and the
/// access time to the same; of a symbolic link its own, and not those of what it points to.
///
/// # Errors
/// What utimensat(2) says.
pub fn set_time(
    parent: BorrowedFd<'_>,
    name: &[u8],
    seconds: i64,
    nanoseconds: u32,
) -> io::Result<()> {
    let times = stamps(seconds, nanoseconds);
    Ok(utimensat(
        parent,
        leaf(name)?,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

fn stamps(seconds: i64, nanoseconds: u32) -> Timestamps {
    let nanoseconds = nanoseconds.min(Duration::from_secs(1).as_nanos() as u32 - 1);
    let stamp = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds.into(),
    };
    Timestamps {
        last_access: stamp,
        last_modification: stamp,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn place() -> (tempfile::TempDir, File) {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("root/a/b")).unwrap();
        fs::create_dir(place.path().join("outside")).unwrap();
        symlink("../outside", place.path().join("root/out")).unwrap();
        symlink("a", place.path().join("root/in")).unwrap();
        let root = File::open(place.path().join("root")).unwrap();
        (place, root)
    }

    type Opens = fn(BorrowedFd<'_>, &[u8]) -> io::Result<OwnedFd>;

    #[test]
    fn both_ways_open_what_is_below_and_follow_no_link() {
        let (_place, root) = place();
        for open in [open_directory as Opens, open_by_component as Opens] {
            assert!(open(root.as_fd(), b"a/b").is_ok());
            for path in [
                &b"out"[..],
                b"in/b",
                b"..",
                b"a/../../outside",
                b"/",
                b"a/b/../..",
            ] {
                assert!(open(root.as_fd(), path).is_err(), "{}", path.escape_ascii());
            }
        }
    }

    #[test]
    fn the_way_back_leads_where_one_came_from_and_nowhere_else() {
        let (place, root) = place();
        let above = open_directory(root.as_fd(), b"a").unwrap();
        let identity = file_identity(&above).unwrap();
        let below = open_directory(above.as_fd(), b"b").unwrap();
        let again = open_above(below.as_fd(), &identity).unwrap();
        assert_eq!(file_identity(&again).unwrap(), identity);
        fs::rename(
            place.path().join("root/a/b"),
            place.path().join("outside/b"),
        )
        .unwrap();
        let error = open_above(below.as_fd(), &identity).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::STALE.raw_os_error()));
    }

    #[test]
    fn names_with_a_way_out_make_nothing() {
        let (place, root) = place();
        for name in [&b"../outside/x"[..], b"..", b".", b"", b"a/x", b"/x"] {
            assert!(create_file(root.as_fd(), name, 0o644).is_err());
            assert!(make_directory(root.as_fd(), name).is_err());
            assert!(make_symlink(root.as_fd(), name, b"x").is_err());
            assert!(make_hard_link(root.as_fd(), name, root.as_fd(), b"x").is_err());
            assert!(make_hard_link(root.as_fd(), b"in", root.as_fd(), name).is_err());
            assert!(set_mode(root.as_fd(), name, 0o777).is_err());
            assert!(set_time(root.as_fd(), name, 0, 0).is_err());
        }
        // A link that is there already is not written through.
        assert!(create_file(root.as_fd(), b"out", 0o644).is_err());
        assert_eq!(
            fs::read_dir(place.path().join("outside")).unwrap().count(),
            0
        );
    }

    #[test]
    fn a_hard_link_names_a_file_or_a_link_itself() {
        let (place, root) = place();
        create_file(root.as_fd(), b"f", 0o640).unwrap();
        let directory = open_directory(root.as_fd(), b"a").unwrap();
        make_hard_link(root.as_fd(), b"f", directory.as_fd(), b"g").unwrap();
        make_hard_link(root.as_fd(), b"out", directory.as_fd(), b"h").unwrap();
        let inode = |path| fs::symlink_metadata(place.path().join(path)).unwrap().ino();
        assert_eq!(inode("root/f"), inode("root/a/g"));
        assert_eq!(inode("root/out"), inode("root/a/h"));
    }

    #[test]
    fn modes_and_times_are_those_given() {
        let (place, root) = place();
        create_file(root.as_fd(), b"f", 0o640).unwrap();
        set_mode(root.as_fd(), b"f", 0o4751).unwrap();
        set_time(root.as_fd(), b"f", 981_173_106, 5).unwrap();
        make_symlink(root.as_fd(), b"l", b"/nowhere").unwrap();
        set_time(root.as_fd(), b"l", 7, 0).unwrap();
        let facts = fs::metadata(place.path().join("root/f")).unwrap();
        assert_eq!(
            (facts.mode() & 0o7777, facts.mtime(), facts.mtime_nsec()),
            (0o751, 981_173_106, 5)
        );
        assert_eq!(
            fs::symlink_metadata(place.path().join("root/l"))
                .unwrap()
                .mtime(),
            7
        );
    }
}
