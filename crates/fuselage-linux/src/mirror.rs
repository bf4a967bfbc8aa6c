//! A new directory where this user may not make one: in a copy of its ancestor.
//!
//! A tmpfs is mounted over the ancestor, every entry of the old directory is attached to it again
//! (with all that is mounted below; symlinks are made anew), the new directory is made, and the
//! tmpfs becomes read-only. It is a snapshot of names: what is created or replaced in the old
//! directory later is not seen, and entries are different mounts (rename(2) between them: `EXDEV`).

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, chroot, fchdir, fchown, symlinkat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string,
    fsmount, fsopen, open_tree,
};

use crate::descriptors::proc_path;
use crate::mount::{MountError, attach, to_nix};
use crate::mount_attributes::{self, MountAttributes};

const WHAT: &str = "mirror a directory to make a mount point";
const NAME: &CStr = c"fuselage-mirror";

/// Makes the directory `new_directory` below `ancestor`, and those between, visible in this mount
/// namespace only. Returns the directory that the last of them is in, open as a place (`O_PATH`).
///
/// `ancestor` is an open directory (`O_PATH` does) whose path is `ancestor_path`, absolute and
/// without symlinks; `new_directory` is relative, of plain names, and its first name must not
/// exist. `ancestor` afterwards still means the old directory: what was mirrored is opened by its
/// path. For `/` the root directory and the working directory of the process become the new `/`;
/// the process must have one thread.
///
/// # Errors
/// `EINVAL`: `new_directory` is not as said, or an entry cannot be attached (an unbindable mount);
/// `EEXIST`: its first name exists; `EACCES`: the ancestor cannot be listed by this user; `EPERM`
/// as with every mount. After an error the ancestor may be covered half-way: the process is good
/// for ending only.
pub fn mirror(
    ancestor: BorrowedFd<'_>,
    ancestor_path: &Path,
    new_directory: &Path,
) -> Result<OwnedFd, MountError> {
    let failed_at = |path: &Path| {
        let path = path.to_owned();
        move |errno| MountError::new(WHAT, &path, errno)
    };
    let names = plain_names(new_directory).map_err(failed_at(new_directory))?;
    // Listed before anything is mounted: opening by path later would find the new directory.
    let entries = entries_of(ancestor).map_err(failed_at(ancestor_path))?;
    let cover = Cover::over(ancestor, ancestor_path).map_err(failed_at(ancestor_path))?;
    for (name, status) in &entries {
        cover.show(ancestor, name, status).map_err(|errno| {
            let name = OsStr::from_bytes(name.to_bytes());
            MountError::new(WHAT, &ancestor_path.join(name), errno)
        })?;
    }
    let parent = make_directories(cover.root.as_fd(), &names)
        .map_err(failed_at(&ancestor_path.join(new_directory)))?;
    cover
        .finish(ancestor_path)
        .map_err(failed_at(ancestor_path))?;
    Ok(parent)
}

/// At least one name, and no `.`, `..` or `/`.
fn plain_names(path: &Path) -> Result<Vec<&OsStr>, Errno> {
    let names: Option<Vec<_>> = path
        .components()
        .map(|part| {
            if let Component::Normal(name) = part {
                Some(name)
            } else {
                None
            }
        })
        .collect();
    names.filter(|names| !names.is_empty()).ok_or(Errno::EINVAL)
}

type Entry = (CString, FileStat);

fn entries_of(directory: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut listing = Dir::openat(directory, c".", flags, Mode::empty())?;
    let mut entries = Vec::new();
    for entry in listing.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let how = AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_NO_AUTOMOUNT;
        match fstatat(directory, name, how) {
            Ok(status) => entries.push((name.to_owned(), status)),
            // Gone since: it is a snapshot.
            Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(entries)
}

fn kind(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

/// Returns the directory that the last one is in.
fn make_directories(root: BorrowedFd<'_>, names: &[&OsStr]) -> Result<OwnedFd, Errno> {
    let mut parent = root.try_clone_to_owned().map_err(|_| Errno::EMFILE)?;
    let mut last = None;
    for name in names {
        if let Some(made) = last.take() {
            parent = made;
        }
        mkdirat(&parent, *name, Mode::from_bits_truncate(0o755))?;
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let made = openat(&parent, *name, flags, Mode::empty())?;
        // The umask may have taken away what others need to pass.
        let opened = openat(
            &made,
            c".",
            OFlag::O_RDONLY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        fchmod(&opened, Mode::from_bits_truncate(0o755))?;
        last = Some(made);
    }
    Ok(parent)
}

/// The tmpfs that covers the ancestor.
struct Cover {
    root: OwnedFd,
    /// By the calls of Linux 5.2 and 5.12; else by mount(2).
    by_descriptor: bool,
}

impl Cover {
    fn over(ancestor: BorrowedFd<'_>, path: &Path) -> Result<Self, Errno> {
        let status = fstat(ancestor)?;
        let cover = match new_tmpfs().and_then(|root| {
            attach(root.as_fd(), ancestor)?;
            Ok(root)
        }) {
            Ok(root) => Self {
                root,
                by_descriptor: true,
            },
            // EPERM: what old seccomp lists answer to calls they do not know.
            Err(Errno::ENOSYS | Errno::EPERM) => Self {
                root: old_tmpfs(ancestor, path)?,
                by_descriptor: false,
            },
            Err(error) => return Err(error),
        };
        let root = openat(
            &cover.root,
            c".",
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        // Only root can give it to another owner, and in a user namespace only mapped ones have a
        // number: there the owner is the user, which changes nothing since nobody can write.
        let owner = (Uid::from_raw(status.st_uid), Gid::from_raw(status.st_gid));
        match fchown(&root, Some(owner.0), Some(owner.1)) {
            Ok(()) | Err(Errno::EPERM | Errno::EINVAL) => {}
            Err(error) => return Err(error),
        }
        fchmod(&root, Mode::from_bits_truncate(status.st_mode & 0o7777))?;
        Ok(cover)
    }

    /// Attaches one entry of the old directory under its name.
    fn show(&self, old: BorrowedFd<'_>, name: &CStr, status: &FileStat) -> Result<(), Errno> {
        match kind(status) {
            SFlag::S_IFLNK => {
                let target = match readlinkat(old, name) {
                    Err(Errno::ENOENT) => return Ok(()),
                    other => other?,
                };
                symlinkat(target.as_os_str(), &self.root, name)
            }
            SFlag::S_IFDIR => self.bind(old, name, true),
            _ => self.bind(old, name, false),
        }
    }

    fn bind(&self, old: BorrowedFd<'_>, name: &CStr, directory: bool) -> Result<(), Errno> {
        // Mounts do not follow: a name that has become a symlink since gives an error.
        let source = match entry_of(old, name, self.by_descriptor) {
            // Gone since: it is a snapshot.
            Err(Errno::ENOENT) => return Ok(()),
            other => other?,
        };
        let place = self.make_place(name, directory)?;
        if self.by_descriptor {
            return attach(source.as_fd(), place.as_fd());
        }
        let (none, flags) = (None::<&CStr>, MsFlags::MS_BIND | MsFlags::MS_REC);
        mount(
            Some(&proc_path(&source)),
            &proc_path(&place),
            none,
            flags,
            none,
        )
    }

    /// What the entry is mounted over.
    fn make_place(&self, name: &CStr, directory: bool) -> Result<OwnedFd, Errno> {
        let path = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        if directory {
            mkdirat(&self.root, name, Mode::empty())?;
            return openat(&self.root, name, path | OFlag::O_DIRECTORY, Mode::empty());
        }
        let new = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        openat(&self.root, name, new, Mode::empty())
    }

    /// Read-only from here on, and the root directory where that was mirrored.
    fn finish(self, path: &Path) -> Result<(), Errno> {
        if path == Path::new("/") {
            fchdir(&self.root)?;
            chroot(c".")?;
        }
        match mount_attributes::add(self.root.as_fd(), MountAttributes::RDONLY) {
            Err(Errno::ENOSYS | Errno::EPERM) => {}
            other => return other,
        }
        let none = None::<&CStr>;
        let flags = MsFlags::MS_REMOUNT
            | MsFlags::MS_BIND
            | MsFlags::MS_RDONLY
            | MsFlags::MS_NOSUID
            | MsFlags::MS_NODEV;
        mount(none, &proc_path(&self.root), none, flags, none)
    }
}

/// Linux 5.2: detached. Without limits, since it holds names only and becomes read-only.
fn new_tmpfs() -> Result<OwnedFd, Errno> {
    let make = || {
        let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in [(c"source", NAME), (c"size", c"0"), (c"nr_inodes", c"0")] {
            fsconfig_set_string(&context, key, value)?;
        }
        fsconfig_create(&context)?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    make().map_err(to_nix)
}

/// Mounted by mount(2), then opened by the path, which finds what is on top.
fn old_tmpfs(ancestor: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let data = Some(c"size=0,nr_inodes=0");
    mount(
        Some(NAME),
        &proc_path(ancestor),
        Some(c"tmpfs"),
        flags,
        data,
    )?;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    // The root directory of a process is what it was; going up from it finds what covers it.
    let on_top = if path == Path::new("/") {
        Path::new("/..")
    } else {
        path
    };
    let root = openat(AT_FDCWD, on_top, flags, Mode::empty())?;
    let (below, above) = (fstat(ancestor)?, fstat(&root)?);
    let covered = (below.st_dev, below.st_ino) != (above.st_dev, above.st_ino);
    if covered {
        Ok(root)
    } else {
        Err(Errno::ESTALE)
    }
}

/// The entry with all that is mounted below it: a detached copy, or for mount(2) what to bind.
fn entry_of(old: BorrowedFd<'_>, name: &CStr, by_descriptor: bool) -> Result<OwnedFd, Errno> {
    if !by_descriptor {
        return openat(
            old,
            name,
            OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
            Mode::empty(),
        );
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_SYMLINK_NOFOLLOW
        | OpenTreeFlags::AT_NO_AUTOMOUNT;
    open_tree(old, name, flags).map_err(to_nix)
}
