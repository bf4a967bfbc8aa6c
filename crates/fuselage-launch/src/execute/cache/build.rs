//! Puts an archive into the cache: once, however many ask for it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use fuselage_linux::file_identity::file_identity;
use fuselage_linux::own_directory::set_mode;
use fuselage_plan::CacheKind;
use fuselage_store::cache::{BuildLock, Cache, Entry, EntryName, Found, Kind, NewEntry, Staging};

use crate::error::LaunchError;
use crate::execute::cache::closed::is_closed;
use crate::execute::cache::{Cached, Compared, Measured, Unusable, Wanted, compare, say};
use crate::execute::extract::{Extraction, Work};
use crate::execute::image;
use crate::execute::procdir::{Procdir, Storage};
use crate::execute::sources::Archive;

/// What is said of an entry that was built now.
pub(crate) const BUILT: &str = "built";
/// How long another builder is waited for in silence.
const SILENCE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(5);
/// The root directory of a tree, until the archive gives it another mode.
const ROOT: u32 = 0o755;

/// Builds the entry of an archive that was read, unless somebody else does meanwhile.
pub(crate) fn build(
    cache: &Cache,
    wanted: &Wanted<'_>,
    measured: Measured<'_>,
) -> Result<Cached, Unusable> {
    let name = wanted.name(measured.digest);
    let lock = take_turn(cache, name, wanted)?;
    if let Found::Entry(entry) = cache.find(&name) {
        let how = "built by another run";
        return Ok(Cached { entry, how });
    }
    if let Some(entry) = seal(cache, &lock, wanted.jobs)? {
        let how = "found, and compared with the list of its files";
        return Ok(Cached { entry, how });
    }
    let unwritable = |error: &(dyn std::error::Error + 'static)| {
        Unusable::because("it cannot be written", error)
    };
    let (staging, copy) = match measured.copy {
        Some((staging, copy)) => (staging, Some(copy)),
        None => (cache.stage().map_err(|error| unwritable(&error))?, None),
    };
    let is_copied = copy.is_some();
    let (entries, bytes) = match (wanted.kind, copy) {
        (CacheKind::Tree, copy) => extract(wanted, &staging, copy.map(|copy| copy.reader))?,
        (CacheKind::Image, Some(copy)) => {
            image::fill_up(&copy.writer).map_err(|error| unwritable(&error))?;
            (1, measured.length)
        }
        (CacheKind::Image, None) => {
            let why = "it keeps no image that is a file already".to_owned();
            return Err(Unusable::Because(why));
        }
    };
    if !is_copied {
        unchanged(wanted)?;
    }
    // Looked at for those alone who cannot rely on the mode of the cache itself.
    let closed = cache.is_shared()
        && (wanted.kind == CacheKind::Image
            || is_closed(&staging.path().join("tree")).map_err(|error| unwritable(&error))?);
    if cache.is_shared() && !closed {
        let why = "the archive has entries that everybody or their group may write".to_owned();
        return Err(Unusable::Because(why));
    }
    let source = wanted.archive.path.file_name().unwrap_or_default();
    let new = NewEntry {
        source: source.to_string_lossy().into_owned(),
        archive_format: match &wanted.file.format {
            Some(format) => format.0.clone(),
            None => "base64".to_owned(),
        },
        archive_bytes: measured.length,
        entries,
        bytes,
        closed,
    };
    let entry = staging
        .publish(&lock, new)
        .map_err(|error| unwritable(&error))?;
    Ok(Cached { entry, how: BUILT })
}

/// Uses what is there and not known to be whole, if it is as its list says.
fn seal(
    cache: &Cache,
    lock: &BuildLock<'_>,
    jobs: Option<u32>,
) -> Result<Option<Entry>, LaunchError> {
    let name = lock.name();
    let Ok(examined) = cache.examine(&name) else {
        return Ok(None);
    };
    if name.kind != Kind::Tree {
        return Ok(None);
    }
    match compare(cache, &name, &examined.entry, jobs)? {
        Compared::Differs(differences) if differences.is_empty() => {
            Ok(cache.seal(examined, lock).ok())
        }
        Compared::Differs(_) | Compared::WithoutList(_) => Ok(None),
    }
}

/// Waits for the right to build.
fn take_turn<'a>(
    cache: &'a Cache,
    name: EntryName,
    wanted: &Wanted<'_>,
) -> Result<BuildLock<'a>, Unusable> {
    let failed = |error| Unusable::because("it cannot be locked", &error);
    let end = Instant::now() + SILENCE;
    loop {
        if let Some(lock) = cache.try_build(name).map_err(failed)? {
            return Ok(lock);
        }
        if Instant::now() >= end {
            break;
        }
        sleep(PAUSE);
    }
    let archive = wanted.archive.path.display();
    say(&format!(
        "waiting for another run that puts {archive} into the cache"
    ));
    cache.wait_to_build(name).map_err(failed)
}

/// Extracts the archive, or the copy of it; how many entries and bytes it has.
fn extract(
    wanted: &Wanted<'_>,
    staging: &Staging<'_>,
    copy: Option<std::fs::File>,
) -> Result<(u64, u64), Unusable> {
    let made = |error: std::io::Error| Unusable::because("it cannot be written", &error);
    let tree = staging.make_tree().map_err(made)?;
    set_mode(&tree, ROOT).map_err(made)?;
    let list = staging.make_list().map_err(made)?;
    let place = Procdir {
        root: staging.directory().try_clone_to_owned().map_err(made)?,
        path: staging.path().to_owned(),
        storage: Storage::Disk,
    };
    let is_copy = copy.is_some();
    let copy = copy.map(|file| Archive {
        file,
        path: wanted.archive.path.clone(),
    });
    let id = fuselage_plan::StepId("cache".to_owned());
    let work = Work {
        id: &id,
        archive: copy.as_ref().unwrap_or(wanted.archive),
        format: wanted.file.format.as_ref(),
        // The copy begins where the archive does.
        offset: if is_copy { 0 } else { wanted.file.offset },
        into: tree,
        list: Some(list),
        without_permission: false,
        limits: wanted.limits,
        jobs: wanted.jobs,
    };
    let mut extraction = Extraction::begin(vec![work], &place).map_err(Unusable::of_writing)?;
    let needs = extraction.needs();
    extraction.write(&id).map_err(Unusable::of_writing)?;
    Ok((needs.entries, needs.bytes))
}

/// What was digested is what was extracted, if nothing of the file has changed from before the one to
/// after the other.
fn unchanged(wanted: &Wanted<'_>) -> Result<(), LaunchError> {
    let path = wanted.archive.path.clone();
    match file_identity(&wanted.archive.file) {
        Ok(identity) if identity == wanted.file.source.identity.0 => Ok(()),
        Ok(_) => Err(LaunchError::ArchiveChanged { path }),
        Err(source) => Err(LaunchError::ArchiveOpen { path, source }),
    }
}
