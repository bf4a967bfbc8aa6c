//! Everything that is opened before anything is made.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open;
use fuselage_plan::{MountPlan, Source, SourceFile, Step, StepId};
use fuselage_store::open_home;

use crate::error::LaunchError;

/// The opened sources and the home of a plan.
pub(crate) struct Opened {
    pub(crate) archives: BTreeMap<StepId, Archive>,
    pub(crate) procdirs: Option<Procdirs>,
}

/// A file that an archive is read from: the one that node looked at, or one decoded from it.
pub(crate) struct Archive {
    pub(crate) file: File,
    /// Of the file that the user gave.
    pub(crate) path: PathBuf,
}

/// The directory of all runs below the home, as it was before the namespaces.
pub(crate) struct Procdirs {
    pub(crate) path: PathBuf,
    pub(crate) identity: String,
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
        let procdirs = plan
            .home
            .as_ref()
            .map(|home| home_procdirs(home.as_os_str().into()));
        Ok(Self {
            archives,
            procdirs: procdirs.transpose()?,
        })
    }
}

/// The file of the user that a step reads.
fn source_file(step: &Step) -> Option<&SourceFile> {
    match step {
        Step::Decode { source, .. }
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

fn home_procdirs(home: PathBuf) -> Result<Procdirs, LaunchError> {
    let opened: OwnedFd = open_home(&home)?.procdirs()?;
    let path = home.join("procdirs");
    let identity = file_identity(&opened).map_err(|source| LaunchError::Directory {
        path: path.clone(),
        source,
    })?;
    Ok(Procdirs { path, identity })
}
