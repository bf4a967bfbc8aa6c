//! Everything that is opened before anything is made.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open;
use fuselage_plan::{
    ArchiveFile, MountPlan, MountPointWay, Namespaces, Source, SourceFile, Step, StepId,
};
use fuselage_store::{Home, open_home};

use crate::error::LaunchError;
use crate::execute::cache::{self, CachedSteps};
use crate::execute::mount_place::Checked;
use crate::execute::steps::missing;

/// The opened sources and the checked directories of a plan.
pub(crate) struct Opened {
    pub(crate) archives: BTreeMap<StepId, Rc<Archive>>,
    /// The directory of all runs in the home.
    pub(crate) home: Option<Checked>,
    /// The home itself, for a run without namespaces.
    pub(crate) store: Option<Home>,
    /// What the caches have for the steps.
    pub(crate) cached: CachedSteps,
    /// Mount points that are directories of the host.
    pub(crate) mount_points: BTreeMap<StepId, Checked>,
}

/// A file that an archive is read from: the one that node looked at, or one decoded from it.
pub(crate) struct Archive {
    pub(crate) file: File,
    /// Of the file that the user gave.
    pub(crate) path: PathBuf,
}

impl Opened {
    /// Opens them, in the order of the plan.
    pub(crate) fn open(
        plan: &MountPlan,
        package: Option<&Path>,
        environment: &[CString],
    ) -> Result<Self, LaunchError> {
        let mut archives = Archives::default();
        archives.open_all(&plan.steps)?;
        let archives = archives.by_step;
        let path = plan
            .home
            .as_ref()
            .map(|path| PathBuf::from(path.as_os_str()));
        let opened = path.as_deref().map(open_home).transpose()?;
        if let Some(opened) = &opened {
            // Every run tidies up, whatever its own way: what a killed one has left is somebody's data.
            opened.sweep_extracted();
            if plan.cache.prune {
                cache::prune_in_background(opened, package, environment);
            }
        }
        let cached = cache::find_all(plan, opened.as_ref(), &archives)?;
        let (mut home, mut store) = (None, None);
        if let (Some(path), Some(opened)) = (path, opened) {
            match plan.namespaces {
                Namespaces::None => store = Some(opened),
                Namespaces::User | Namespaces::Mount => home = Some(Checked::home(path, &opened)?),
            }
        }
        Ok(Self {
            cached,
            archives,
            home,
            store,
            mount_points: mount_points(plan)?,
        })
    }

    /// The image of the cache that a step mounts, if it mounts one of those.
    pub(crate) fn cached_image(&self, source: &Source) -> Result<Option<Archive>, LaunchError> {
        let Source::Cached(source) = source else {
            return Ok(None);
        };
        let cached = self.cached.found.get(&source.cached);
        let cached = cached.ok_or_else(|| missing(&source.cached))?;
        cached.image().map(Some)
    }

    /// What the step `id` reads; `decoded` is what was decoded so far.
    pub(crate) fn archive<'a>(
        &'a self,
        id: &StepId,
        source: &Source,
        decoded: &'a BTreeMap<StepId, Archive>,
    ) -> Result<&'a Archive, LaunchError> {
        match source {
            Source::File(_) => self.archives.get(id).map(Rc::as_ref),
            Source::Decoded(source) => decoded.get(&source.decoded),
            Source::Cached(_) => None,
        }
        .ok_or_else(|| missing(id))
    }
}

/// The files of the user, each opened once: the steps that one of others is chosen by, and those
/// others, read the same.
#[derive(Default)]
struct Archives<'a> {
    by_step: BTreeMap<StepId, Rc<Archive>>,
    opened: Vec<(&'a SourceFile, Rc<Archive>)>,
}

impl<'a> Archives<'a> {
    /// Opens what `steps` read, also those that may be done in place of others.
    fn open_all(&mut self, steps: &'a [Step]) -> Result<(), LaunchError> {
        for step in steps {
            if let Some(source) = source_file(step) {
                let archive = self.open(source)?;
                self.by_step.insert(step.id().clone(), archive);
            }
            match step {
                Step::Cache {
                    then, otherwise, ..
                } => {
                    self.open_all(then)?;
                    self.open_all(otherwise)?;
                }
                Step::Overlay { otherwise, .. } => self.open_all(otherwise)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn open(&mut self, source: &'a SourceFile) -> Result<Rc<Archive>, LaunchError> {
        let known = self.opened.iter().find(|(known, _)| *known == source);
        if let Some((_, archive)) = known {
            return Ok(Rc::clone(archive));
        }
        let archive = Rc::new(open_archive(source)?);
        self.opened.push((source, Rc::clone(&archive)));
        Ok(archive)
    }
}

/// The file of the user that a step reads.
fn source_file(step: &Step) -> Option<&SourceFile> {
    match step {
        Step::Cache {
            archive: ArchiveFile { source, .. },
            ..
        }
        | Step::Decode { source, .. }
        | Step::Image {
            source: Source::File(source),
            ..
        }
        | Step::Extract {
            source: Source::File(source),
            ..
        } => Some(source),
        _ => None,
    }
}

/// Opens a file that is still what it was when it was looked at.
pub(crate) fn open_archive(source: &SourceFile) -> Result<Archive, LaunchError> {
    let path = PathBuf::from(source.path.as_os_str());
    let failed = |source| LaunchError::ArchiveOpen {
        path: path.clone(),
        source,
    };
    let file = open::open_source(&path).map_err(failed)?;
    if file_identity(&file).map_err(failed)? != source.identity.0 {
        return Err(LaunchError::ArchiveChanged { path });
    }
    Ok(Archive { file, path })
}

fn mount_points(plan: &MountPlan) -> Result<BTreeMap<StepId, Checked>, LaunchError> {
    let mut checked = BTreeMap::new();
    for step in &plan.steps {
        if let Step::MountPoint {
            id,
            path,
            how: MountPointWay::Directory,
        } = step
        {
            checked.insert(id.clone(), Checked::fallback(path.as_os_str().into())?);
        }
    }
    Ok(checked)
}
