//! The loop over the steps of a plan.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use fuselage_linux::mirror::mirror;
use fuselage_linux::mount::{MountError, bind_read_only};
use fuselage_linux::own_directory::{open_place_at, set_mode};
use fuselage_linux::{beneath, open};
use fuselage_plan::{
    MountPlan, MountPointWay, Place, ProcdirParent, ReadOnlyWay, Source, Step, StepId,
};

use crate::error::LaunchError;
use crate::execute::decode;
use crate::execute::extract::{Extraction, Work};
use crate::execute::image::{self, Image};
use crate::execute::mount_place::MountPlace;
use crate::execute::procdir::{self, Procdir};
use crate::execute::sources::{Archive, Opened};

/// The root directory of a tree that is read-only by permissions.
const READ_ONLY_DIRECTORY: u32 = 0o500;

/// What the steps have made so far.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) procdir: Option<Procdir>,
    mount_points: BTreeMap<StepId, MountPlace>,
    /// Where each tree is.
    trees: BTreeMap<StepId, Place>,
    /// Each until the last step that reads it is done.
    decoded: BTreeMap<StepId, Archive>,
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
    fn make_directory(&self, at: &Place) -> Result<(), LaunchError> {
        let (root, path) = self.in_procdir(at)?;
        let made = match path.iter().rposition(|byte| *byte == b'/') {
            None => beneath::make_directory(root.as_fd(), path),
            Some(slash) => beneath::open_directory(root.as_fd(), &path[..slash])
                .and_then(|parent| beneath::make_directory(parent.as_fd(), &path[slash + 1..])),
        };
        made.map_err(|source| self.failed(at, source))
    }

    /// Opens a directory that was made.
    fn open(&self, at: &Place) -> Result<OwnedFd, LaunchError> {
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

    /// Gives back the memory of what was decoded and no `later` step reads: the worker that had it
    /// open, too, has ended.
    fn free_decoded(&mut self, later: &[Step]) {
        self.decoded
            .retain(|id, _| later.iter().any(|step| reads(step, id)));
    }

    fn failed(&self, at: &Place, source: io::Error) -> LaunchError {
        let path = self.locate(at);
        match &self.procdir {
            Some(procdir) => procdir.failed_at(path, source),
            None => LaunchError::Directory { path, source },
        }
    }
}

/// What the steps are made with.
struct Making<'a> {
    plan: &'a MountPlan,
    opened: &'a Opened,
    /// The private directory of a run without namespaces, until its step comes.
    extracted: Option<Procdir>,
    made: Made,
    /// Begun by the first step that extracts.
    extraction: Option<Extraction>,
}

/// Does every step, in order; `extracted` is the private directory of a run without namespaces.
pub(crate) fn make(
    plan: &MountPlan,
    opened: &Opened,
    extracted: Option<Procdir>,
) -> Result<Made, LaunchError> {
    let mut making = Making {
        plan,
        opened,
        extracted,
        made: Made::default(),
        extraction: None,
    };
    for (index, step) in plan.steps.iter().enumerate() {
        making.step(step)?;
        making.made.free_decoded(&plan.steps[index + 1..]);
    }
    Ok(making.made)
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
fn mounts(step: &Step, decoded: &StepId) -> bool {
    match step {
        Step::Image {
            source: Source::Decoded(source),
            ..
        } => source.decoded == *decoded,
        _ => false,
    }
}

impl Making<'_> {
    /// Does one step. That its references are good was validated.
    fn step(&mut self, step: &Step) -> Result<(), LaunchError> {
        let made = &mut self.made;
        match step {
            Step::MountPoint { id, path, how } => {
                let place = match how {
                    MountPointWay::Directory => {
                        let checked = self.opened.mount_points.get(id);
                        checked.ok_or_else(|| missing(id))?.open_again()?
                    }
                    MountPointWay::Mirror { ancestor } => {
                        make_mirror(ancestor.as_os_str().as_ref(), path.as_os_str().as_ref())?
                    }
                };
                made.mount_points.insert(id.clone(), place);
            }
            Step::Procdir { id, on, size } => {
                let procdir = match on {
                    ProcdirParent::Home => {
                        let home = self.opened.home.as_ref().ok_or_else(|| missing(id))?;
                        procdir::make(&home.open_again()?, *size)?
                    }
                    ProcdirParent::MountPoint(id) => {
                        let place = made.mount_points.get(id).ok_or_else(|| missing(id))?;
                        procdir::make(place, *size)?
                    }
                    ProcdirParent::Extracted => self.extracted.take().ok_or_else(|| missing(id))?,
                };
                made.procdir = Some(procdir);
            }
            Step::Directory { id, at } => {
                made.make_directory(at)?;
                made.trees.insert(id.clone(), at.clone());
            }
            Step::Decode { id, .. } => {
                let text = self.opened.archives.get(id).ok_or_else(|| missing(id))?;
                let procdir = made.procdir.as_ref().ok_or_else(|| missing(id))?;
                let to_be_mounted = self.plan.steps.iter().any(|step| mounts(step, id));
                let decoded = decode::decode(text, procdir, to_be_mounted)?;
                made.decoded.insert(id.clone(), decoded);
            }
            Step::Image {
                id,
                source,
                file_system,
                offset,
                length,
                at,
            } => {
                made.make_directory(at)?;
                let target = made.open(at)?;
                let archive = self.opened.archive(id, source, &made.decoded)?;
                let image = Image {
                    archive,
                    file_system: *file_system,
                    offset: *offset,
                    length: *length,
                };
                image::mount(&image, &target, &made.locate(at))?;
                made.trees.insert(id.clone(), at.clone());
            }
            Step::Extract { id, at, .. } => {
                made.trees.insert(id.clone(), at.clone());
                self.extraction(id)?.write(id)?;
            }
            Step::ReadOnly { tree, how, .. } => {
                let at = made.trees.get(tree).ok_or_else(|| missing(tree))?;
                let root = made.open(at)?;
                match how {
                    ReadOnlyWay::Mount => bind_read_only(root.as_fd())
                        .map_err(|error| mount_failed(&made.locate(at), &error))?,
                    // What is in it was made so.
                    ReadOnlyWay::Permissions => set_mode(&root, READ_ONLY_DIRECTORY)
                        .map_err(|error| made.failed(at, error))?,
                }
            }
        }
        Ok(())
    }

    /// What extracts the archives of all steps, `id` among them, each into its own directory: the
    /// first step makes them all.
    fn extraction(&mut self, id: &StepId) -> Result<&mut Extraction, LaunchError> {
        let begun = match self.extraction.take() {
            Some(begun) => begun,
            None => {
                let procdir = self.made.procdir.as_ref().ok_or_else(|| missing(id))?;
                Extraction::begin(self.works()?, procdir)?
            }
        };
        Ok(self.extraction.insert(begun))
    }

    /// Whether a later step makes the tree read-only by permissions.
    fn is_without_permission(&self, id: &StepId) -> bool {
        self.plan.steps.iter().any(|step| match step {
            Step::ReadOnly { tree, how, .. } => tree == id && *how == ReadOnlyWay::Permissions,
            _ => false,
        })
    }

    fn works(&self) -> Result<Vec<Work<'_>>, LaunchError> {
        let mut works = Vec::new();
        for step in &self.plan.steps {
            if let Step::Extract {
                id,
                source,
                format,
                offset,
                at,
                limits,
                jobs,
            } = step
            {
                self.made.make_directory(at)?;
                works.push(Work {
                    without_permission: self.is_without_permission(id),
                    id,
                    archive: self.opened.archive(id, source, &self.made.decoded)?,
                    format: format.as_ref(),
                    offset: *offset,
                    into: self.made.open(at)?,
                    limits,
                    jobs: *jobs,
                });
            }
        }
        Ok(works)
    }
}

pub(crate) fn missing(id: &StepId) -> LaunchError {
    LaunchError::PlanInvalid {
        why: format!("the step `{}` was not made", id.0),
    }
}

fn make_mirror(ancestor: &Path, path: &Path) -> Result<MountPlace, LaunchError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LaunchError::Directory { path, source }
    };
    let opened = open::open_place(ancestor).map_err(failed(ancestor))?;
    let below = path.strip_prefix(ancestor).unwrap_or(path);
    let parent = mirror(opened.as_fd(), ancestor, below).map_err(|e| mount_failed(path, &e))?;
    let name = path.file_name().map(OsString::from).unwrap_or_default();
    let directory = open_place_at(&parent, &name).map_err(failed(path))?;
    Ok(MountPlace {
        parent,
        name,
        directory,
        path: path.to_owned(),
    })
}

/// The error of a mount on `path`, which says more than the descriptor the kernel was given.
pub(crate) fn mount_failed(path: &Path, error: &MountError) -> LaunchError {
    if error.is_of_another_directory() {
        return LaunchError::replaced(path);
    }
    LaunchError::Mount {
        what: error.what,
        path: path.to_owned(),
        source: error.errno.into(),
    }
}
