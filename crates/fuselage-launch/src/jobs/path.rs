//! `cache path FILE`: where the tree of an archive is.

use fuselage_plan::{CachePlan, CachedArchive, PlanPath};
use fuselage_store::open_home;
use serde::Serialize;

use crate::error::LaunchError;
use crate::execute::{Caches, Unusable, unlimited};
use crate::jobs::{NEGATIVE, output, with_wanted};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    path: Option<String>,
}

/// Prints the path; 1 if no cache has the archive.
pub(crate) fn path(
    home: Option<&PlanPath>,
    others: &[PlanPath],
    archive: &CachedArchive,
    json: bool,
) -> Result<u8, LaunchError> {
    let home = home
        .map(|path| open_home(path.as_os_str().as_ref()))
        .transpose()?;
    let plan = CachePlan {
        others: others.to_vec(),
        ..CachePlan::default()
    };
    let caches = Caches::there(home.as_ref(), &plan);
    let limits = unlimited();
    let found = with_wanted(archive, &limits, None, |wanted| caches.look_for(wanted))?;
    let found = match found {
        Ok(found) => found,
        Err(Unusable::Because(_)) => None,
        Err(Unusable::Failed(error)) => return Err(error),
    };
    let place = Place {
        path: found.map(|cached| cached.entry.path().display().to_string()),
    };
    let status = if place.path.is_some() { 0 } else { NEGATIVE };
    if json || place.path.is_some() {
        output::print(&place, json, |place| place.path.iter().cloned().collect())?;
    } else {
        let file = archive.archive.source.path.to_string();
        crate::execute::say(&format!(
            "{file} is in no cache; `fuselage cache add` adds it"
        ));
    }
    Ok(status)
}
