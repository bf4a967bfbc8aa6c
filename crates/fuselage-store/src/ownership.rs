//! Whether an open directory is this user's alone.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

use fuselage_linux::own_directory::{has_entry, is_empty, may_make_entries, ownership};
use fuselage_linux::process;
use fuselage_linux::user_ids::{in_user_namespace, overflow_uid};

use crate::error::Reason;
use crate::locate::call;

/// The bits of everybody but the owner.
const OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;
/// By one of these a directory is known to have been a home before.
const NAMES_OF_A_HOME: [&str; 2] = ["procdirs", "cache"];

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
pub(crate) fn judge_home(directory: &OwnedFd, path: &Path) -> Result<Access, Reason> {
    let access = judge(directory, path)?;
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
pub(crate) fn judge(directory: &OwnedFd, path: &Path) -> Result<Access, Reason> {
    let found = ownership(directory).map_err(call("look at", path))?;
    judge_owner(found.owner, path)?;
    may_make_entries(directory).map_err(call("make files in", path))?;
    Ok(match found.mode & OTHERS {
        0 => Access::Private,
        _ => Access::TakeAway {
            mode: found.mode & !OTHERS,
            from: found.mode,
        },
    })
}

/// Looks at the directory in which the home would be made.
pub(crate) fn judge_ancestor(directory: &OwnedFd, path: &Path) -> Result<(), Reason> {
    // Root may write everywhere; in somebody's home it would make a home that is root's, which that
    // user then cannot use.
    let found = ownership(directory).map_err(call("look at", path))?;
    if process::ids()[0] == 0 {
        judge_owner(found.owner, path)?;
    }
    may_make_entries(directory).map_err(call("make files in", path))
}

fn judge_owner(owner: u32, path: &Path) -> Result<(), Reason> {
    let user = process::ids()[0];
    if owner != user {
        return Err(Reason::Owner {
            path: path.to_owned(),
            owner,
            user,
        });
    }
    if owner == overflow_uid() && in_user_namespace() {
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
