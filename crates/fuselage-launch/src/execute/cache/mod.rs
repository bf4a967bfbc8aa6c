//! What the cache has of the archives of a run: found, or put there. All of this is done before the
//! namespaces are entered, where owners can still be told apart.

mod background;
mod build;
mod closed;
mod compare;
mod measure;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;

use fuselage_archive::Digest;
use fuselage_linux::causes;
use fuselage_linux::file_identity::file_identity;
use fuselage_linux::open;
use fuselage_plan::{
    ArchiveFile, CacheKind, CachePlan, ExtractLimits, MountPlan, PlanPath, Reason, Step, StepId,
};
use fuselage_store::Home;
use fuselage_store::cache::{Cache, Entry, EntryName, Found, Kind};

use crate::error::LaunchError;
use crate::execute::mount_place::same;
use crate::execute::sources::Archive;
use crate::execute::steps::missing;
use crate::report;

pub(crate) use background::prune_in_background;
use background::write_in_background;
use build::{BUILT, build};
pub(crate) use compare::{Compared, compare};
use measure::{Measured, measure};

/// An archive that the cache is asked for.
pub(crate) struct Wanted<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) file: &'a ArchiveFile,
    pub(crate) kind: CacheKind,
    pub(crate) limits: &'a ExtractLimits,
    /// Threads; `None`: as many as there are processors for this process.
    pub(crate) jobs: Option<u32>,
}

impl Wanted<'_> {
    /// The absolute path of the archive; `None`: the working directory has no name.
    fn path(&self) -> Option<PathBuf> {
        let path = &self.archive.path;
        match path.is_absolute() {
            true => Some(path.clone()),
            false => Some(std::env::current_dir().ok()?.join(path)),
        }
    }

    pub(crate) fn name(&self, digest: Digest) -> EntryName {
        let kind = match self.kind {
            CacheKind::Tree => Kind::Tree,
            CacheKind::Image => Kind::Image,
        };
        EntryName { digest, kind }
    }
}

/// What the cache has for the steps of a plan.
#[derive(Default)]
pub(crate) struct CachedSteps {
    /// By the step; what is missing is done otherwise.
    pub(crate) found: BTreeMap<StepId, Cached>,
    /// What came of each, for `--explain`.
    pub(crate) reasons: Vec<Reason>,
}

/// Finds or builds what each `cache` step of `plan` wants. Where the cache cannot be used, one line says
/// so.
pub(crate) fn find_all(
    plan: &MountPlan,
    home: Option<&Home>,
    archives: &BTreeMap<StepId, Rc<Archive>>,
) -> Result<CachedSteps, LaunchError> {
    let mut steps = CachedSteps::default();
    let mut caches = None;
    for step in &plan.steps {
        let Step::Cache {
            id,
            archive: file,
            kind,
            limits,
            jobs,
            ..
        } = step
        else {
            continue;
        };
        let archive = archives.get(id).ok_or_else(|| missing(id))?;
        let wanted = Wanted {
            archive,
            file,
            kind: *kind,
            limits,
            jobs: *jobs,
        };
        let caches = caches.get_or_insert_with(|| Caches::open(home, &plan.cache));
        let path = archive.path.display();
        let (strategy, why) = match caches.get(&wanted) {
            Ok(cached) => {
                let how = cached.how.to_owned();
                let why = format!("{path} is {}", cached.entry.path().display());
                steps.found.insert(id.clone(), cached);
                (how, why)
            }
            Err(Unusable::Because(why)) => {
                say(&format!("the cache is not used for {path}: {why}"));
                ("not used".to_owned(), why)
            }
            Err(Unusable::Failed(error)) => return Err(error),
        };
        let subject = "cache".to_owned();
        steps.reasons.push(Reason {
            subject,
            strategy,
            why,
            at: None,
        });
    }
    Ok(steps)
}

/// What was found or built for one archive.
pub(crate) struct Cached {
    /// Locked, so that nobody takes it away, until the mounts are there.
    pub(crate) entry: Entry,
    /// What came of it, in words.
    pub(crate) how: &'static str,
}

impl Cached {
    /// Opens the root of its tree in this mount namespace.
    pub(crate) fn open_again(&self) -> Result<OwnedFd, LaunchError> {
        let path = self.entry.path();
        let identity = file_identity(self.entry.data())
            .map_err(|error| LaunchError::system("look at an entry of the cache", error))?;
        same(open::open_place(&path), &identity, &path)
    }

    /// Its image, as an archive.
    pub(crate) fn image(&self) -> Result<Archive, LaunchError> {
        let file = self.entry.data().try_clone_to_owned();
        let file = file.map_err(|error| LaunchError::system("use an entry of the cache", error))?;
        Ok(Archive {
            file: file.into(),
            path: self.entry.path(),
        })
    }
}

/// Why the cache is not used.
pub(crate) enum Unusable {
    /// In words; the run goes on without.
    Because(String),
    /// The archive is at fault, so that the run would meet the same without a cache.
    Failed(LaunchError),
}

impl From<LaunchError> for Unusable {
    fn from(error: LaunchError) -> Self {
        Self::Failed(error)
    }
}

impl Unusable {
    /// What cannot be written is the fault of the cache, and anything else that of the archive.
    fn of_writing(error: LaunchError) -> Self {
        let LaunchError::Reported(report) = error else {
            return Self::Failed(error);
        };
        match report.code.as_str() {
            "ERR_EXTRACT_NO_SPACE" | "ERR_EXTRACT_FAILED" => {
                Self::Because(report.causes.join(": "))
            }
            _ => Self::Failed(LaunchError::Reported(report)),
        }
    }

    pub(crate) fn because(what: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Because(format!("{what}: {}", words(error)))
    }
}

/// The caches of a run.
pub(crate) struct Caches {
    /// That of the home, or why there is none.
    own: Result<Cache, String>,
    /// Further ones, which are never changed.
    others: Vec<Cache>,
    /// Whether what is built may be written to the disk by a process in the background.
    background: bool,
}

impl Caches {
    /// Opens them; of further ones that cannot be used it is said why.
    pub(crate) fn open(home: Option<&Home>, plan: &CachePlan) -> Self {
        let own = match home {
            Some(home) => home.make_cache().map_err(|error| words(&error)),
            None => Err("there is no usable home".to_owned()),
        };
        Self {
            own,
            others: others(&plan.others),
            background: plan.background,
        }
    }

    /// One cache, which is written.
    pub(crate) fn of(cache: Cache) -> Self {
        Self {
            own: Ok(cache),
            others: Vec::new(),
            // Whoever asks writes to the disk himself.
            background: false,
        }
    }

    /// As [`Caches::open`], and makes nothing.
    pub(crate) fn there(home: Option<&Home>, plan: &CachePlan) -> Self {
        let own = home.and_then(Home::cache);
        Self {
            own: own.ok_or_else(|| "there is none".to_owned()),
            others: others(&plan.others),
            background: false,
        }
    }

    /// Writes an entry to the disk, if it is one of the own cache's and is not there yet.
    ///
    /// # Errors
    /// What syncfs(2), pwrite(2) and fdatasync(2) say.
    pub(crate) fn write_to_disk(&self, cached: &Cached) -> io::Result<()> {
        match &self.own {
            Ok(own) => cached.entry.mark_synced(own.directory()),
            Err(_) => Ok(()),
        }
    }

    /// Finds the entry of an archive; `None`: no cache has it.
    pub(crate) fn look_for(&self, wanted: &Wanted<'_>) -> Result<Option<Cached>, Unusable> {
        let how = "found";
        if let Some(entry) = self.indexed(wanted) {
            return Ok(Some(Cached { entry, how }));
        }
        let digest = measure(wanted, None)?.digest;
        let found = self.find(&wanted.name(digest));
        Ok(found.map(|entry| Cached { entry, how }))
    }

    fn indexed(&self, wanted: &Wanted<'_>) -> Option<Entry> {
        let (own, path) = (self.own.as_ref().ok()?, wanted.path()?);
        let digest = own.indexed(&path, wanted.archive.file.as_fd())?;
        self.find(&wanted.name(digest))
    }

    /// Finds the entry of an archive, or builds it.
    pub(crate) fn get(&self, wanted: &Wanted<'_>) -> Result<Cached, Unusable> {
        if let Some(entry) = self.indexed(wanted) {
            let how = "found";
            return Ok(Cached { entry, how });
        }
        let cached = self.measure_and_get(wanted)?;
        if let Ok(own) = &self.own
            && cached.how == BUILT
        {
            write_in_background(own, &cached.entry, self.background);
        }
        Ok(cached)
    }

    fn measure_and_get(&self, wanted: &Wanted<'_>) -> Result<Cached, Unusable> {
        let measured = measure(wanted, self.own.as_ref().ok())?;
        let digest = measured.digest;
        if let (Ok(own), Some(path)) = (&self.own, wanted.path()) {
            // It is only found again sooner.
            let file = wanted.archive.file.as_fd();
            let _ = own.index(&path, file, measured.begun, &digest);
        }
        if let Some(entry) = self.find(&wanted.name(digest)) {
            let how = "found, after the archive was read";
            return Ok(Cached { entry, how });
        }
        match &self.own {
            Ok(own) => build(own, wanted, measured),
            Err(why) => Err(Unusable::Because(why.clone())),
        }
    }

    fn find(&self, name: &EntryName) -> Option<Entry> {
        let own = self.own.as_ref().ok();
        own.into_iter()
            .chain(&self.others)
            .find_map(|cache| match cache.find(name) {
                Found::Entry(entry) => Some(entry),
                Found::Doubtful(_) | Found::Nothing(_) => None,
            })
    }
}

/// Further caches, those that are trusted.
fn others(paths: &[PlanPath]) -> Vec<Cache> {
    let mut caches = Vec::new();
    for path in paths {
        match Cache::open_other(path.as_os_str().as_ref()) {
            Ok(cache) => caches.push(cache),
            Err(error) => say(&format!("a cache is not used: {}", words(&error))),
        }
    }
    caches
}

fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = vec![error.to_string()];
    words.extend(causes::causes(error));
    words.join(": ")
}

/// No limits, for who extracts nothing.
pub(crate) fn unlimited() -> ExtractLimits {
    ExtractLimits {
        entries: u64::MAX,
        bytes: u64::MAX,
        depth: u32::MAX,
        name_length: u32::MAX,
        ratio: u32::MAX,
    }
}

/// One line on standard error.
pub(crate) fn say(text: &str) {
    let text = report::printable(&format!("fuselage: {text}"));
    report::print_text(&format!("{text}\n"));
}
