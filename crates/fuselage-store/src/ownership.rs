//! Whether an open directory is this user's alone.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use fuselage_linux::own_directory::{
    Ownership, has_entry, is_empty, may_make_entries, open_to_read, ownership,
};

use crate::error::Reason;
use crate::locate::{OWNERS, call};
use crate::user::{STICKY, User};

/// The bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// By one of these a directory is known to have been a home before.
const NAMES_OF_A_HOME: [&str; 3] = ["procdirs", "extracted", "cache"];

/// What is left to do to a directory that is this user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nobody else has any.
    Private,
    /// Others have some; without it the mode is this.
    TakeAway {
        /// Permission bits to set.
        mode: u32,
        /// Permission bits as they are.
        from: u32,
    },
}

/// Looks at an existing directory that is to be the home.
pub(crate) fn judge_home(directory: &OwnedFd, path: &Path, user: &User) -> Result<Access, Reason> {
    let access = judge(directory, path, user)?;
    if let Access::TakeAway { mode, from } = access
        // Of `/`, `/tmp` or a login directory given by mistake, nothing may be taken away.
        && (mode & STICKY != 0 || !is_new_or_a_home(directory, path)?)
    {
        return Err(Reason::Shared {
            path: path.to_owned(),
            mode: from,
        });
    }
    Ok(access)
}

/// Looks at an existing directory that is to be this user's alone.
pub(crate) fn judge(directory: &OwnedFd, path: &Path, user: &User) -> Result<Access, Reason> {
    let found = ownership(directory).map_err(call("look at", path))?;
    judge_owner(found.owner, path, user)?;
    usable(directory, found, path)?;
    Ok(match found.mode & OTHERS {
        0 => Access::Private,
        _ => Access::TakeAway {
            mode: found.mode & !OTHERS,
            from: found.mode,
        },
    })
}

/// Whether its owner can use it. Root mostly can, whatever the mode.
fn usable(directory: &OwnedFd, found: Ownership, path: &Path) -> Result<(), Reason> {
    let writable = may_make_entries(directory);
    if found.mode & OWNERS == OWNERS {
        return writable.map_err(call("make files in", path));
    }
    let locked_out = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => Reason::OwnerLockedOut {
            path: path.to_owned(),
            mode: found.mode,
        },
        _ => call("make files in", path)(error),
    };
    writable
        .and_then(|()| open_to_read(directory).map(drop))
        .map_err(locked_out)
}

/// Looks at the directory in which the home would be made; that it can be relied on is known.
pub(crate) fn judge_ancestor(directory: &OwnedFd, path: &Path) -> Result<(), Reason> {
    may_make_entries(directory).map_err(call("make files in", path))
}

fn judge_owner(owner: u32, path: &Path, user: &User) -> Result<(), Reason> {
    if owner != user.uid {
        return Err(Reason::Owner {
            path: path.to_owned(),
            owner,
            user: user.uid,
        });
    }
    if Some(owner) == user.unmapped() {
        return Err(Reason::OwnerUnknown {
            path: path.to_owned(),
            owner,
        });
    }
    Ok(())
}

fn is_new_or_a_home(directory: &OwnedFd, path: &Path) -> Result<bool, Reason> {
    for name in NAMES_OF_A_HOME {
        if has_entry(directory, OsStr::new(name)).map_err(call("look at", path))? {
            return Ok(true);
        }
    }
    is_empty(directory).map_err(call("read", path))
}
