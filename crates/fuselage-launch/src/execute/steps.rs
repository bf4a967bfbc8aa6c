//! The loop over the steps of a plan.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use fuselage_linux::mirror::mirror;
use fuselage_linux::mount::{MountError, bind_read_only};
use fuselage_linux::open;
use fuselage_plan::{MountPlan, MountPointWay, Place, ProcdirParent, Source, Step, StepId};

use crate::error::LaunchError;
use crate::execute::decode;
use crate::execute::extract::{Extraction, Work};
use crate::execute::procdir::{self, Procdir};
use crate::execute::sources::{Archive, Opened};

/// What the steps have made so far.
#[derive(Default)]
pub(crate) struct Made {
    pub(crate) procdir: Option<Procdir>,
    paths: BTreeMap<StepId, PathBuf>,
    /// Each until the last step that reads it is done.
    decoded: BTreeMap<StepId, Archive>,
}

impl Made {
    /// The absolute path of a place in this run.
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
}

/// What the steps are made with.
struct Making<'a> {
    plan: &'a MountPlan,
    opened: &'a Opened,
    made: Made,
    /// Begun by the first step that extracts.
    extraction: Option<Extraction>,
}

/// Does every step, in order.
pub(crate) fn make(plan: &MountPlan, opened: &Opened) -> Result<Made, LaunchError> {
    let mut making = Making {
        plan,
        opened,
        made: Made::default(),
        extraction: None,
    };
    for (index, step) in plan.steps.iter().enumerate() {
        let path = making.step(step)?;
        making.made.paths.insert(step.id().clone(), path);
        making.made.free_decoded(&plan.steps[index + 1..])?;
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
        _ => false,
    }
}

impl Making<'_> {
    /// Does one step; returns the path of what it made. That its references are good was validated.
    fn step(&mut self, step: &Step) -> Result<PathBuf, LaunchError> {
        let made = &mut self.made;
        match step {
            Step::MountPoint { path, how, .. } => {
                let path = PathBuf::from(path.as_os_str());
                if let MountPointWay::Mirror { ancestor } = how {
                    make_mirror(Path::new(ancestor.as_os_str()), &path)?;
                }
                Ok(path)
            }
            Step::Procdir { on, size, .. } => {
                let parent = match on {
                    ProcdirParent::Home => procdir::home_parent(self.opened.procdirs.as_ref())?,
                    ProcdirParent::MountPoint(id) => procdir::parent(&made.path(id)?)?,
                };
                let procdir = procdir::make(parent, *size, self.plan.namespaces)?;
                let path = procdir.path.clone();
                made.procdir = Some(procdir);
                Ok(path)
            }
            Step::Directory { at, .. } => {
                let path = made.locate(at);
                make_directory(&path)?;
                Ok(path)
            }
            Step::Decode { id, .. } => {
                let text = self.opened.archives.get(id).ok_or_else(|| missing(id))?;
                let procdir = made.procdir.as_ref().ok_or_else(|| missing(id))?;
                let path = procdir.path.clone();
                made.decoded
                    .insert(id.clone(), decode::decode(text, &path)?);
                Ok(path)
            }
            Step::Extract { id, at, .. } => {
                let path = made.locate(at);
                make_directory(&path)?;
                self.extraction(id)?.write(id)?;
                Ok(path)
            }
            Step::ReadOnly { tree, .. } => {
                let path = made.path(tree)?;
                let opened = open::open_place(&path).map_err(|source| LaunchError::Directory {
                    path: path.clone(),
                    source,
                })?;
                bind_read_only(opened.as_fd()).map_err(|error| mount_failed(&path, &error))?;
                Ok(path)
            }
        }
    }

    /// What extracts the archives of all steps, of which `first` is the first.
    fn extraction(&mut self, first: &StepId) -> Result<&mut Extraction, LaunchError> {
        let begun = match self.extraction.take() {
            Some(begun) => begun,
            None => Extraction::begin(&self.works()?, first)?,
        };
        Ok(self.extraction.insert(begun))
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
                let archive = match source {
                    Source::File(_) => self.opened.archives.get(id),
                    Source::Decoded(source) => self.made.decoded.get(&source.decoded),
                };
                works.push(Work {
                    id,
                    archive: archive.ok_or_else(|| missing(id))?,
                    format: format.as_ref(),
                    offset: *offset,
                    into: self.made.locate(at),
                    limits,
                    jobs: *jobs,
                });
            }
        }
        Ok(works)
    }
}

impl Made {
    /// Gives back the memory of what was decoded and no `later` step reads. The worker that
    /// extracts has those files open, too, so that closing them would not be enough.
    fn free_decoded(&mut self, later: &[Step]) -> Result<(), LaunchError> {
        for (id, archive) in &self.decoded {
            if !later.iter().any(|step| reads(step, id)) {
                archive
                    .file
                    .set_len(0)
                    .map_err(|error| LaunchError::system("free a decoded archive", error))?;
            }
        }
        self.decoded
            .retain(|id, _| later.iter().any(|step| reads(step, id)));
        Ok(())
    }

    fn path(&self, id: &StepId) -> Result<PathBuf, LaunchError> {
        self.paths.get(id).cloned().ok_or_else(|| missing(id))
    }
}

fn missing(id: &StepId) -> LaunchError {
    LaunchError::PlanInvalid {
        why: format!("the step `{}` was not made", id.0),
    }
}

fn make_directory(path: &Path) -> Result<(), LaunchError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(|source| LaunchError::Directory {
            path: path.to_owned(),
            source,
        })
}

fn make_mirror(ancestor: &Path, path: &Path) -> Result<(), LaunchError> {
    let opened = open::open_place(ancestor).map_err(|source| LaunchError::Directory {
        path: ancestor.to_owned(),
        source,
    })?;
    let below = path.strip_prefix(ancestor).unwrap_or(path);
    mirror(opened.as_fd(), ancestor, below).map_err(|error| mount_failed(path, &error))
}

/// The error of a mount on `path`, which says more than the descriptor the kernel was given.
pub(crate) fn mount_failed(path: &Path, error: &MountError) -> LaunchError {
    LaunchError::Mount {
        what: error.what,
        path: path.to_owned(),
        source: error.errno.into(),
    }
}
