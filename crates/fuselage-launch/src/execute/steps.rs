//! The loop over the steps of a plan.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::Path;

use fuselage_linux::beneath;
use fuselage_linux::mirror::mirror;
use fuselage_linux::mount::{MountError, bind_read_only, bind_read_only_at};
use fuselage_linux::open;
use fuselage_linux::overlay::{Attributes, Layers, mount_overlay};
use fuselage_linux::own_directory::{open_place_at, set_mode};
use fuselage_plan::{
    MountPlan, MountPointWay, OverlayAttributes, Place, PlanPath, ProcdirParent, ReadOnlyWay,
    Reason, Step, StepId,
};

use crate::error::LaunchError;
use crate::execute::decode;
use crate::execute::extract::{Extraction, Work};
use crate::execute::image::{self, Image};
use crate::execute::made::{Made, mounts};
use crate::execute::mount_place::MountPlace;
use crate::execute::procdir::{self, Procdir};
use crate::execute::sources::{Archive, Opened};

/// The root directory of a tree that is read-only by permissions.
const READ_ONLY_DIRECTORY: u32 = 0o500;

/// What the steps are made with.
struct Making<'a> {
    opened: &'a Opened,
    /// The private directory of a run without namespaces, until its step comes.
    extracted: Option<Procdir>,
    made: Made,
    /// Begun by the first of the steps that are being done which extracts.
    extraction: Option<Extraction>,
}

/// Does every step, in order; `extracted` is the private directory of a run without namespaces.
pub(crate) fn make(
    plan: &MountPlan,
    opened: &Opened,
    extracted: Option<Procdir>,
) -> Result<Made, LaunchError> {
    let mut making = Making {
        opened,
        extracted,
        made: Made::default(),
        extraction: None,
    };
    making.steps(&plan.steps)?;
    Ok(making.made)
}

impl Making<'_> {
    /// Does some steps, in order. What they extract is compared together with what there is room for.
    fn steps(&mut self, steps: &[Step]) -> Result<(), LaunchError> {
        let outer = self.extraction.take();
        for (index, step) in steps.iter().enumerate() {
            self.step(step, steps)?;
            self.made.free_decoded(steps, index);
        }
        self.extraction = outer;
        Ok(())
    }

    /// Does one of the steps `all`. That its references are good was validated.
    fn step(&mut self, step: &Step, all: &[Step]) -> Result<(), LaunchError> {
        match step {
            Step::MountPoint { id, path, how } => {
                let place = self.mount_point(id, path, how)?;
                self.made.mount_points.insert(id.clone(), place);
            }
            Step::Procdir { id, on, size } => {
                self.made.procdir = Some(self.procdir(id, on, *size)?);
            }
            Step::Directory { id, at } => {
                self.made.make_directory(at)?;
                self.made.trees.insert(id.clone(), at.clone());
            }
            Step::Cache {
                id,
                then,
                otherwise,
                ..
            } => match self.opened.cached.found.contains_key(id) {
                true => self.steps(then)?,
                false => self.steps(otherwise)?,
            },
            Step::Bind { id, cached, at } => {
                self.bind(cached, at)?;
                self.made.trees.insert(id.clone(), at.clone());
            }
            Step::Overlay {
                id,
                lower,
                layer,
                attributes,
                at,
                otherwise,
            } => match self.overlay(lower, layer, *attributes, at)? {
                Ok(()) => {
                    self.made.trees.insert(id.clone(), at.clone());
                }
                Err(error) => {
                    self.made.reasons.push(no_overlay(&error, at));
                    self.steps(otherwise)?;
                }
            },
            Step::Decode { id, .. } => {
                let decoded = self.decode(id, all)?;
                self.made.decoded.insert(id.clone(), decoded);
            }
            Step::Image {
                id,
                source,
                file_system,
                offset,
                length,
                at,
            } => {
                let cached = self.opened.cached_image(source)?;
                let archive = match &cached {
                    Some(cached) => cached,
                    None => self.opened.archive(id, source, &self.made.decoded)?,
                };
                let image = Image {
                    archive,
                    file_system: *file_system,
                    offset: *offset,
                    length: *length,
                };
                self.made.make_directory(at)?;
                let target = self.made.open(at)?;
                image::mount(&image, &target, &self.made.locate(at))?;
                self.made.trees.insert(id.clone(), at.clone());
            }
            Step::Extract { id, at, .. } => {
                self.made.trees.insert(id.clone(), at.clone());
                self.extraction(id, all)?.write(id)?;
            }
            Step::ReadOnly { tree, how, .. } => self.read_only(tree, *how)?,
        }
        Ok(())
    }

    fn mount_point(
        &self,
        id: &StepId,
        path: &PlanPath,
        how: &MountPointWay,
    ) -> Result<MountPlace, LaunchError> {
        match how {
            MountPointWay::Directory => {
                let checked = self.opened.mount_points.get(id);
                checked.ok_or_else(|| missing(id))?.open_again()
            }
            MountPointWay::Mirror { ancestor } => {
                make_mirror(ancestor.as_os_str().as_ref(), path.as_os_str().as_ref())
            }
        }
    }

    fn procdir(
        &mut self,
        id: &StepId,
        on: &ProcdirParent,
        size: Option<u64>,
    ) -> Result<Procdir, LaunchError> {
        match on {
            ProcdirParent::Home => {
                let home = self.opened.home.as_ref().ok_or_else(|| missing(id))?;
                procdir::make(&home.open_again()?, size)
            }
            ProcdirParent::MountPoint(id) => {
                let place = self.made.mount_points.get(id);
                procdir::make(place.ok_or_else(|| missing(id))?, size)
            }
            ProcdirParent::Extracted => self.extracted.take().ok_or_else(|| missing(id)),
        }
    }

    fn bind(&self, cached: &StepId, at: &Place) -> Result<(), LaunchError> {
        let found = self.opened.cached.found.get(cached);
        let tree = found.ok_or_else(|| missing(cached))?.open_again()?;
        self.made.make_directory(at)?;
        let target = self.made.open(at)?;
        bind_read_only_at(tree.as_fd(), target.as_fd())
            .map_err(|error| mount_failed(&self.made.locate(at), &error))
    }

    /// Mounts an overlay; the inner error is why the kernel does not.
    fn overlay(
        &self,
        lower: &StepId,
        layer: &Place,
        attributes: OverlayAttributes,
        at: &Place,
    ) -> Result<Result<(), MountError>, LaunchError> {
        let lower = self.made.trees.get(lower).ok_or_else(|| missing(lower))?;
        let (lower, layer) = (self.made.open(lower)?, self.made.open(layer)?);
        let make = |name: &[u8]| {
            beneath::make_directory(layer.as_fd(), name)
                .and_then(|()| beneath::open_directory(layer.as_fd(), name))
                .map_err(|source| self.made.failed(at, source))
        };
        let (upper, work) = (make(b"upper")?, make(b"work")?);
        self.made.make_directory(at)?;
        let target = self.made.open(at)?;
        let layers = Layers {
            lower: lower.as_fd(),
            upper: upper.as_fd(),
            work: work.as_fd(),
        };
        let attributes = match attributes {
            OverlayAttributes::User => Attributes::User,
            OverlayAttributes::Trusted => Attributes::Trusted,
        };
        let mounted = mount_overlay(&layers, attributes, target.as_fd());
        if mounted.is_err() {
            // The steps in its place make the directory themselves.
            self.made.remove_directory(at)?;
        }
        Ok(mounted)
    }

    fn decode(&self, id: &StepId, all: &[Step]) -> Result<Archive, LaunchError> {
        let text = self.opened.archives.get(id).ok_or_else(|| missing(id))?;
        let procdir = self.made.procdir.as_ref().ok_or_else(|| missing(id))?;
        let to_be_mounted = all.iter().any(|step| mounts(step, id));
        decode::decode(text, procdir, to_be_mounted)
    }

    fn read_only(&self, tree: &StepId, how: ReadOnlyWay) -> Result<(), LaunchError> {
        let at = self.made.trees.get(tree).ok_or_else(|| missing(tree))?;
        let root = self.made.open(at)?;
        match how {
            ReadOnlyWay::Mount => bind_read_only(root.as_fd())
                .map_err(|error| mount_failed(&self.made.locate(at), &error)),
            // What is in it was made so.
            ReadOnlyWay::Permissions => {
                set_mode(&root, READ_ONLY_DIRECTORY).map_err(|error| self.made.failed(at, error))
            }
        }
    }

    /// What extracts the archives of the steps `all`, `id` among them, each into its own directory: the
    /// first step makes them all.
    fn extraction(&mut self, id: &StepId, all: &[Step]) -> Result<&mut Extraction, LaunchError> {
        let begun = match self.extraction.take() {
            Some(begun) => begun,
            None => {
                let procdir = self.made.procdir.as_ref().ok_or_else(|| missing(id))?;
                Extraction::begin(self.works(all)?, procdir)?
            }
        };
        Ok(self.extraction.insert(begun))
    }

    fn works<'a>(&'a self, all: &'a [Step]) -> Result<Vec<Work<'a>>, LaunchError> {
        let mut works = Vec::new();
        for step in all {
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
                    list: None,
                    without_permission: is_without_permission(all, id),
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

fn no_overlay(error: &MountError, at: &Place) -> Reason {
    Reason {
        subject: "overlay".to_owned(),
        strategy: "not used, the tree is extracted".to_owned(),
        why: error.to_string(),
        at: Some(at.clone()),
    }
}

/// Whether one of `steps` makes the tree read-only by permissions.
fn is_without_permission(steps: &[Step], id: &StepId) -> bool {
    steps.iter().any(|step| match step {
        Step::ReadOnly { tree, how, .. } => tree == id && *how == ReadOnlyWay::Permissions,
        _ => false,
    })
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
