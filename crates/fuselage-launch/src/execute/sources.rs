//! Everything that is opened before anything is made.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open;
use fuselage_plan::{MountPlan, MountPointWay, Step, StepId};

use crate::error::LaunchError;
use crate::execute::mount_place::Checked;

/// The opened sources and the checked directories of a plan.
pub(crate) struct Opened {
    pub(crate) archives: BTreeMap<StepId, Archive>,
    /// The directory of all runs in the home.
    pub(crate) home: Option<Checked>,
    /// Mount points that are directories of the host.
    pub(crate) mount_points: BTreeMap<StepId, Checked>,
}

/// An archive that is the file that node looked at.
pub(crate) struct Archive {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

impl Opened {
    /// Opens them, in the order of the plan.
    pub(crate) fn open(plan: &MountPlan) -> Result<Self, LaunchError> {
        let mut archives = BTreeMap::new();
        for step in &plan.steps {
            if let Step::Extract { id, source, .. } = step {
                let path = PathBuf::from(source.path.as_os_str());
                let file = open::open_source(&path).map_err(|source| LaunchError::ArchiveOpen {
                    path: path.clone(),
                    source,
                })?;
                let identity = file_identity(&file).map_err(|source| LaunchError::ArchiveOpen {
                    path: path.clone(),
                    source,
                })?;
                if identity != source.identity.0 {
                    return Err(LaunchError::ArchiveChanged { path });
                }
                archives.insert(id.clone(), Archive { file, path });
            }
        }
        let home = plan
            .home
            .as_ref()
            .map(|home| Checked::home(home.as_os_str().into()));
        Ok(Self {
            archives,
            home: home.transpose()?,
            mount_points: mount_points(plan)?,
        })
    }
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
