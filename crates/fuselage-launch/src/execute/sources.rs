//! Everything that is opened before anything is made.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open;
use fuselage_plan::{MountPlan, MountPointWay, Namespaces, Source, SourceFile, Step, StepId};
use fuselage_store::{Home, open_home};

use crate::error::LaunchError;
use crate::execute::mount_place::Checked;
use crate::execute::steps::missing;

/// The opened sources and the checked directories of a plan.
pub(crate) struct Opened {
    pub(crate) archives: BTreeMap<StepId, Archive>,
    /// The directory of all runs in the home.
    pub(crate) home: Option<Checked>,
    /// The home itself, for a run without namespaces.
    pub(crate) store: Option<Home>,
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
    pub(crate) fn open(plan: &MountPlan) -> Result<Self, LaunchError> {
        let mut archives = BTreeMap::new();
        for step in &plan.steps {
            if let Some(source) = source_file(step) {
                archives.insert(step.id().clone(), open_archive(source)?);
            }
        }
        let (mut home, mut store) = (None, None);
        if let Some(path) = &plan.home {
            let path = PathBuf::from(path.as_os_str());
            let opened = open_home(&path)?;
            // Every run tidies up, whatever its own way: what a killed one has left is somebody's data.
            opened.sweep_extracted();
            match plan.namespaces {
                Namespaces::None => store = Some(opened),
                Namespaces::User | Namespaces::Mount => home = Some(Checked::home(path, &opened)?),
            }
        }
        Ok(Self {
            archives,
            home,
            store,
            mount_points: mount_points(plan)?,
        })
    }

    /// What the step `id` reads; `decoded` is what was decoded so far.
    pub(crate) fn archive<'a>(
        &'a self,
        id: &StepId,
        source: &Source,
        decoded: &'a BTreeMap<StepId, Archive>,
    ) -> Result<&'a Archive, LaunchError> {
        match source {
            Source::File(_) => self.archives.get(id),
            Source::Decoded(source) => decoded.get(&source.decoded),
            Source::Cached(_) => None,
        }
        .ok_or_else(|| missing(id))
    }
}

/// The file of the user that a step reads.
fn source_file(step: &Step) -> Option<&SourceFile> {
    match step {
        Step::Decode { source, .. }
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

fn open_archive(source: &SourceFile) -> Result<Archive, LaunchError> {
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
