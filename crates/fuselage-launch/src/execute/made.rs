//! What the steps of a plan have made so far.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use fuselage_linux::{beneath, remove_tree};
use fuselage_plan::{Place, Reason, Source, Step, StepId};

use crate::error::LaunchError;
use crate::execute::mount_place::MountPlace;
use crate::execute::procdir::Procdir;
use crate::execute::sources::Archive;

/// What the steps have made so far.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) procdir: Option<Procdir>,
    pub(crate) mount_points: BTreeMap<StepId, MountPlace>,
    /// Where each tree is.
    pub(crate) trees: BTreeMap<StepId, Place>,
    /// Each until the last step that reads it is done.
    pub(crate) decoded: BTreeMap<StepId, Archive>,
    /// What was done otherwise than the plan hoped, for `--explain`.
    pub(crate) reasons: Vec<Reason>,
}

impl Made {
    /// The absolute path of a place in this run, for the command; nothing is made by it.
    pub(crate) fn locate(&self, place: &Place) -> PathBuf {
        match place {
            Place::Path(path) => PathBuf::from(path.as_os_str()),
            Place::Procdir(inner) => {
                let base = self
                    .procdir
                    .as_ref()
                    .map_or(Path::new(""), |procdir| &procdir.path);
                base.join(inner.procdir.as_os_str())
            }
        }
    }

    /// Makes sure that the paths of [`Made::locate`] lead to what was made.
    pub(crate) fn check_paths(&self) -> Result<(), LaunchError> {
        self.procdir.as_ref().map_or(Ok(()), Procdir::check_path)
    }

    /// Makes an empty directory, 0700.
    pub(crate) fn make_directory(&self, at: &Place) -> Result<(), LaunchError> {
        let (root, path) = self.in_procdir(at)?;
        let made = match path.iter().rposition(|byte| *byte == b'/') {
            None => beneath::make_directory(root.as_fd(), path),
            Some(slash) => beneath::open_directory(root.as_fd(), &path[..slash])
                .and_then(|parent| beneath::make_directory(parent.as_fd(), &path[slash + 1..])),
        };
        made.map_err(|source| self.failed(at, source))
    }

    /// Removes an empty directory that was made.
    pub(crate) fn remove_directory(&self, at: &Place) -> Result<(), LaunchError> {
        let (root, path) = self.in_procdir(at)?;
        remove_tree::remove_directory(root.as_fd(), path).map_err(|source| self.failed(at, source))
    }

    /// Opens a directory that was made.
    pub(crate) fn open(&self, at: &Place) -> Result<OwnedFd, LaunchError> {
        let (root, path) = self.in_procdir(at)?;
        beneath::open_directory(root.as_fd(), path).map_err(|source| self.failed(at, source))
    }

    /// The private directory and the bytes of the path below it.
    fn in_procdir<'a>(&self, at: &'a Place) -> Result<(&OwnedFd, &'a [u8]), LaunchError> {
        match (&self.procdir, at) {
            (Some(procdir), Place::Procdir(inner)) => {
                Ok((&procdir.root, inner.procdir.as_os_str().as_bytes()))
            }
            _ => Err(LaunchError::PlanInvalid {
                why: "a tree is not below the private directory".to_owned(),
            }),
        }
    }

    /// Gives back the memory of what one of `steps` has decoded and none behind `done` reads: the
    /// worker that had it open, too, has ended.
    pub(crate) fn free_decoded(&mut self, steps: &[Step], done: usize) {
        let (before, later) = steps.split_at(done + 1);
        self.decoded.retain(|id, _| {
            later.iter().any(|step| reads(step, id)) || !before.iter().any(|step| step.id() == id)
        });
    }

    pub(crate) fn failed(&self, at: &Place, source: io::Error) -> LaunchError {
        let path = self.locate(at);
        match &self.procdir {
            Some(procdir) => procdir.failed_at(path, source),
            None => LaunchError::Directory { path, source },
        }
    }
}

/// Whether `step` reads what the step `decoded` has decoded.
fn reads(step: &Step, decoded: &StepId) -> bool {
    match step {
        Step::Extract {
            source: Source::Decoded(source),
            ..
        } => source.decoded == *decoded,
        _ => mounts(step, decoded),
    }
}

/// Whether `step` mounts what the step `decoded` has decoded.
pub(crate) fn mounts(step: &Step, decoded: &StepId) -> bool {
    match step {
        Step::Image {
            source: Source::Decoded(source),
            ..
        } => source.decoded == *decoded,
        _ => false,
    }
}
