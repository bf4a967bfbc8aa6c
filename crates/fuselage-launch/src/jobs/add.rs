//! `cache add`: puts archives into a cache, and on the disk.

use fuselage_plan::{CachePlace, CachedArchive, ExtractLimits};
use serde::Serialize;

use crate::error::LaunchError;
use crate::execute::{Caches, Unusable};
use crate::jobs::{NEGATIVE, make_cache, output, with_wanted};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddResult {
    path: String,
    archives: Vec<Added>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    file: String,
    /// `built`, `found` and so on; of one that is not added, `failed`.
    outcome: String,
    name: Option<String>,
    path: Option<String>,
    entries: Option<u64>,
    bytes: Option<u64>,
    why: Option<String>,
}

/// Adds `archives` in order; 1 if one could not be added.
pub(crate) fn add(
    place: &CachePlace,
    archives: &[CachedArchive],
    limits: &ExtractLimits,
    jobs: Option<u32>,
    json: bool,
) -> Result<u8, LaunchError> {
    let cache = make_cache(place)?;
    let path = cache.path().display().to_string();
    let caches = Caches::of(cache);
    let mut added = Vec::new();
    for archive in archives {
        let file = archive.archive.source.path.to_string();
        let got = with_wanted(archive, limits, jobs, |wanted| caches.get(wanted))?;
        let got = match got {
            Ok(cached) => match caches.write_to_disk(&cached) {
                Ok(()) => Ok(cached),
                Err(error) => Err(format!("it cannot be written to the disk: {error}")),
            },
            Err(Unusable::Because(why)) => Err(why),
            Err(Unusable::Failed(error)) => return Err(error),
        };
        added.push(match got {
            Ok(cached) => Added {
                file,
                outcome: cached.how.to_owned(),
                name: cached
                    .entry
                    .path()
                    .file_name()
                    .map(|name| name.to_string_lossy().into()),
                path: Some(cached.entry.path().display().to_string()),
                entries: Some(cached.entry.sentinel().entries),
                bytes: Some(cached.entry.sentinel().bytes),
                why: None,
            },
            Err(why) => Added {
                file,
                outcome: "failed".to_owned(),
                name: None,
                path: None,
                entries: None,
                bytes: None,
                why: Some(why),
            },
        });
    }
    let failed = added.iter().any(|one| one.why.is_some());
    let result = AddResult {
        path,
        archives: added,
    };
    output::print(&result, json, |result| {
        let line = |one: &Added| match (&one.path, &one.why) {
            (Some(path), _) => format!("{}: {}: {path}", one.file, one.outcome),
            (None, why) => format!(
                "{}: not added: {}",
                one.file,
                why.as_deref().unwrap_or_default()
            ),
        };
        result.archives.iter().map(line).collect()
    })?;
    Ok(if failed { NEGATIVE } else { 0 })
}
