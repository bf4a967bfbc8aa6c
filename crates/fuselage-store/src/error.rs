//! Why a directory cannot be used.

use std::fmt;
use std::io;
use std::path::PathBuf;

use fuselage_linux::causes::exhausted;
use thiserror::Error;

use crate::user::Intruder;

/// A directory of ours that cannot be used.
#[derive(Debug, Error)]
#[error("cannot use {} as the {purpose}", path.display())]
pub struct StoreError {
    /// The directory, as it was given.
    pub path: PathBuf,
    /// What it was to be.
    pub purpose: Purpose,
    /// What is wrong with it.
    #[source]
    pub reason: Reason,
}

/// What a directory of ours is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// All that fuselage keeps for one user.
    Home,
    /// The directories of all runs.
    AllRuns,
    /// The cache, or a part of it.
    Cache,
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Home => "home directory",
            Self::AllRuns => "directory of all runs",
            Self::Cache => "cache",
        })
    }
}

/// What is wrong with a directory.
#[derive(Debug, Error)]
pub enum Reason {
    /// Its path depends on the working directory.
    #[error("the path is relative, so each directory would have a home of its own")]
    Relative,
    /// It is somebody else's.
    #[error("{} belongs to uid {owner}, and this is uid {user}", path.display())]
    Owner {
        /// The directory, or the nearest one that exists above it.
        path: PathBuf,
        /// Who it belongs to.
        owner: u32,
        /// The real uid of this process.
        user: u32,
    },
    /// The owner that is shown stands for every user who is not mapped.
    #[error(
        "{} belongs to uid {owner}, which in this user namespace stands for every owner that it does not \
         know",
        path.display()
    )]
    OwnerUnknown {
        /// The directory.
        path: PathBuf,
        /// The overflow uid.
        owner: u32,
    },
    /// It is no directory, or something above it is none.
    #[error("{} is not a directory", path.display())]
    NotDirectory {
        /// What is none.
        path: PathBuf,
    },
    /// It is not there, and is not made.
    #[error("{} is missing", path.display())]
    Missing {
        /// What is missing.
        path: PathBuf,
    },
    /// A symbolic link that leads nowhere.
    #[error("{} is a symbolic link that leads nowhere", path.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// A symbolic link where none is followed.
    #[error("{} is a symbolic link, and none is followed there", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Somebody else could put another directory in its place while it is used.
    #[error("{} {}, who could replace what is below it", path.display(), open_to(*intruder))]
    Replaceable {
        /// The directory on the way, or a symbolic link.
        path: PathBuf,
        /// Who could.
        intruder: Intruder,
    },
    /// Its owner has not all rights to it.
    #[error(
        "the mode {mode:04o} of {} gives not even its owner all rights",
        path.display()
    )]
    OwnerLockedOut {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Its file system is read-only.
    #[error("{} is on a read-only file system", path.display())]
    ReadOnly {
        /// The directory, or the nearest one that exists above it.
        path: PathBuf,
    },
    /// Others have access to it, and taking that away could break what it is really for.
    #[error(
        "{} is open to other users (mode {mode:04o}) and holds files that are not fuselage's",
        path.display()
    )]
    Shared {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A call failed.
    #[error("cannot {what} {}", path.display())]
    Call {
        /// What was tried, as in "cannot …".
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// The reason of the operating system.
        source: io::Error,
    },
}

const ANOTHER: &str = "set FUSELAGE_HOME to a directory of your own that you may write in";
const ANOTHER_CACHE: &str =
    "give the path of a directory that is yours or root's, and that nobody else may write in";

fn open_to(intruder: Intruder) -> String {
    match intruder {
        Intruder::Owner(owner) => format!("belongs to uid {owner}"),
        Intruder::Group(group) => format!("may be written by the group with gid {group}"),
        Intruder::Anybody => "may be written by everybody".to_owned(),
    }
}

impl StoreError {
    /// The word by which programs know the error.
    pub fn code(&self) -> &'static str {
        match (self.purpose, &self.reason) {
            (Purpose::Cache, _) => "ERR_CACHE_UNUSABLE",
            (_, Reason::Relative) => "ERR_HOME_RELATIVE",
            (_, Reason::Owner { .. } | Reason::OwnerUnknown { .. }) => "ERR_HOME_OWNER",
            _ => "ERR_HOME_UNUSABLE",
        }
    }

    /// What can be done about it.
    pub fn hints(&self) -> Vec<String> {
        if self.purpose == Purpose::Cache {
            return vec![self.hint_of_cache()];
        }
        let mut hints = Vec::new();
        match &self.reason {
            Reason::Relative => hints.push("give FUSELAGE_HOME an absolute path".to_owned()),
            Reason::Owner { user: 0, .. } => hints.push(
                "sudo with HOME kept leaves root in its user's home: use `sudo -H`, or set \
                 FUSELAGE_HOME to a directory of root's"
                    .to_owned(),
            ),
            Reason::Shared { path, .. } => {
                hints.push(
                    "set FUSELAGE_HOME to a directory that is used for nothing else".to_owned(),
                );
                hints.push(format!(
                    "if it is meant to be the home: chmod 0700 {}",
                    path.display()
                ));
            }
            Reason::Replaceable {
                path,
                intruder: Intruder::Group(_) | Intruder::Anybody,
            } => {
                hints.push("set FUSELAGE_HOME to a directory below one of your own".to_owned());
                hints.push(format!(
                    "if they need not write there: chmod go-w {}",
                    path.display()
                ));
            }
            Reason::Replaceable {
                intruder: Intruder::Owner(_),
                ..
            } => hints.push("set FUSELAGE_HOME to a directory below one of your own".to_owned()),
            Reason::OwnerLockedOut { path, .. } => {
                hints.push(format!("chmod 0700 {}", path.display()));
            }
            Reason::Link { path } => {
                hints.push(format!("remove the link: rm {}", path.display()));
            }
            Reason::DanglingLink { path } => hints.push(format!(
                "make the directory that {} names, or remove the link",
                path.display()
            )),
            Reason::Owner { .. }
            | Reason::OwnerUnknown { .. }
            | Reason::NotDirectory { .. }
            | Reason::Missing { .. }
            | Reason::ReadOnly { .. } => hints.push(ANOTHER.to_owned()),
            Reason::Call { source, .. } => {
                hints.push(exhausted(source).unwrap_or(ANOTHER).to_owned());
            }
        }
        hints
    }

    fn hint_of_cache(&self) -> String {
        match &self.reason {
            Reason::Link { path } => format!("remove the link: rm {}", path.display()),
            Reason::OwnerLockedOut { path, .. } => format!("chmod 0700 {}", path.display()),
            Reason::Replaceable {
                path,
                intruder: Intruder::Group(_) | Intruder::Anybody,
            } => format!(
                "if they need not write there: chmod go-w {}",
                path.display()
            ),
            Reason::Call { source, .. } => exhausted(source).unwrap_or(ANOTHER_CACHE).to_owned(),
            _ => ANOTHER_CACHE.to_owned(),
        }
    }
}
