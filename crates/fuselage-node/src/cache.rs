//! The cache of a home: what is in it, and removing some of it.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuselage_linux::causes;
use fuselage_linux::in_use::Sight;
use fuselage_store::cache::{
    Cache, Decision, Leaving, LeavingKind, ListedEntry, Listing, Outcome, Removed, State, Target,
    Use,
};
use fuselage_store::{HomeState, StoreError, inspect_home, open_home};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::{CacheListingOutcome, CacheRemovalsOutcome};
use crate::path::path;
use crate::report::ErrorReport;

/// A cache entry: its sentinel, and what was found out about it.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct CacheEntryFacts {
    /// Its name in the cache directory.
    pub name: String,
    /// `tree`, `image`.
    #[napi(ts_type = "'tree' | 'image'")]
    pub kind: &'static str,
    /// Of the decoded archive.
    pub digest: String,
    /// File name of the archive.
    pub source: String,
    /// Its format.
    pub archive_format: String,
    /// Bytes of it.
    pub archive_bytes: i64,
    /// Entries of it.
    pub entries: i64,
    /// Bytes of the unpacked tree.
    pub bytes: i64,
    /// Seconds since the epoch.
    pub created: i64,
    /// Milliseconds since the epoch.
    pub last_use: i64,
    /// It is on the disk.
    pub synced: bool,
    /// `valid`, `doubtful`, `invalid`.
    #[napi(ts_type = "'valid' | 'doubtful' | 'invalid'")]
    pub state: &'static str,
    /// Why it is not valid.
    pub why: Option<String>,
    /// `yes`, `no`, `unknown`.
    #[napi(ts_type = "'yes' | 'no' | 'unknown'")]
    pub in_use: &'static str,
    /// For a decision.
    pub token: String,
}

/// Something in the cache directory that is no entry.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct CacheLeaving {
    /// Its path below the cache directory.
    pub name: String,
    /// A word of [`KINDS`].
    pub kind: &'static str,
    /// Milliseconds since the epoch.
    pub changed: i64,
    /// `yes`, `no`, `unknown`.
    #[napi(ts_type = "'yes' | 'no' | 'unknown'")]
    pub in_use: &'static str,
    /// Its builder lives.
    pub alive: bool,
    /// For a decision.
    pub token: String,
}

/// What is in a cache directory.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct CacheListing {
    /// The directory, for people.
    pub path: String,
    /// Milliseconds since the epoch.
    pub now: i64,
    /// What has a sentinel.
    pub entries: Vec<CacheEntryFacts>,
    /// What has none.
    pub leavings: Vec<CacheLeaving>,
    /// `whole`, `partial`.
    #[napi(ts_type = "'whole' | 'partial'")]
    pub sight: &'static str,
    /// What was not seen.
    pub why: Option<String>,
    /// Milliseconds since the epoch.
    pub last_prune: Option<i64>,
}

/// One thing that is to be removed.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct CacheDecision {
    /// As listed.
    pub name: String,
    /// `entry` or a word of [`KINDS`].
    pub kind: String,
    /// As listed.
    pub token: String,
}

/// What has become of a decision.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct CacheRemoval {
    /// That of the decision.
    pub name: String,
    /// `removed`, `inUse`, `unknown`, `busy`, `changed`, `failed`.
    #[napi(ts_type = "'removed' | 'inUse' | 'unknown' | 'busy' | 'changed' | 'failed'")]
    pub outcome: &'static str,
    /// In words.
    pub why: Option<String>,
}

const KINDS: [(&str, LeavingKind); 7] = [
    ("data", LeavingKind::Data),
    ("list", LeavingKind::List),
    ("staging", LeavingKind::Staging),
    ("trash", LeavingKind::Trash),
    ("lock", LeavingKind::Lock),
    ("index", LeavingKind::Index),
    ("temporary", LeavingKind::Temporary),
];

/// Lists the cache of a home; makes and changes nothing in it.
#[napi(catch_unwind)]
pub fn cache_listing(home: Buffer) -> CacheListingOutcome {
    list(path(&home)).into()
}

/// Removes what is still as it was listed.
#[napi(catch_unwind)]
pub fn cache_remove(home: Buffer, decisions: Vec<CacheDecision>) -> CacheRemovalsOutcome {
    remove(path(&home), decisions).into()
}

fn list(home: &Path) -> Result<CacheListing, ErrorReport> {
    let cache = open(home)?;
    let listed = cache.as_ref().map(Cache::listing).transpose();
    let listing = listed.map_err(|error| {
        let hint = "check its owner and its mode, or remove it: it is made again";
        ErrorReport::call("ERR_HOME_UNUSABLE", "read the cache", home, &error, hint)
    })?;
    let (sight, why) = match listing.as_ref().map(|listing| &listing.sight) {
        Some(Sight::Partial(why)) => ("partial", Some(why.clone())),
        _ => ("whole", None),
    };
    let last_prune = listing.as_ref().and_then(|listing| listing.last_prune);
    let (entries, leavings) = match listing {
        Some(Listing {
            entries, leavings, ..
        }) => (entries, leavings),
        None => Default::default(),
    };
    Ok(CacheListing {
        path: home.join("cache").display().to_string(),
        now: milliseconds_of(SystemTime::now()),
        entries: entries.into_iter().map(CacheEntryFacts::from).collect(),
        leavings: leavings.into_iter().map(CacheLeaving::from).collect(),
        sight,
        why,
        last_prune: last_prune.map(milliseconds_of),
    })
}

fn remove(home: &Path, decisions: Vec<CacheDecision>) -> Result<Vec<CacheRemoval>, ErrorReport> {
    let decisions: Vec<Decision> = decisions
        .into_iter()
        .map(Decision::try_from)
        .collect::<Result<_, _>>()?;
    let all = |outcome: &dyn Fn() -> Outcome| {
        let each = |decision: &Decision| Removed {
            name: decision.name.clone(),
            outcome: outcome(),
        };
        decisions.iter().map(each).collect()
    };
    let removed: Vec<Removed> = match open(home)? {
        None => all(&|| Outcome::Changed("there is no cache".to_owned())),
        Some(cache) => match cache.lock_prune() {
            Ok(Some(_held)) => {
                // That it cannot be noted keeps nothing from being removed.
                let _ = cache.claim_prune(Duration::ZERO);
                cache.remove(&decisions)
            }
            Ok(None) => all(&|| Outcome::Busy("another prune of this cache is at work".to_owned())),
            Err(error) => all(&|| Outcome::Failed(format!("cannot lock prune.lock: {error}"))),
        },
    };
    Ok(removed.into_iter().map(CacheRemoval::from).collect())
}

/// The cache of a home; `None`: there is none, and none is made.
fn open(home: &Path) -> Result<Option<Cache>, ErrorReport> {
    if inspect_home(home) == HomeState::Creatable {
        return Ok(None);
    }
    Ok(open_home(home).map_err(unusable)?.cache())
}

fn unusable(error: StoreError) -> ErrorReport {
    let causes = causes::causes(&error);
    ErrorReport::new(error.code(), error.to_string(), causes, error.hints())
}

impl From<ListedEntry> for CacheEntryFacts {
    fn from(entry: ListedEntry) -> Self {
        let (state, why) = match entry.state {
            State::Valid => ("valid", None),
            State::Doubtful(why) => ("doubtful", Some(why)),
            State::Invalid(why) => ("invalid", Some(why)),
        };
        Self {
            name: entry.name,
            kind: match entry.is_image {
                true => "image",
                false => "tree",
            },
            digest: entry.digest,
            source: entry.source,
            archive_format: entry.archive_format,
            archive_bytes: number(entry.archive_bytes),
            entries: number(entry.entries),
            bytes: number(entry.bytes),
            created: entry.created,
            last_use: milliseconds(entry.last_use),
            synced: entry.synced,
            state,
            why,
            in_use: word(entry.in_use),
            token: entry.token,
        }
    }
}

impl From<Leaving> for CacheLeaving {
    fn from(leaving: Leaving) -> Self {
        let kind = KINDS.iter().find(|(_, kind)| *kind == leaving.kind);
        Self {
            name: leaving.name,
            kind: kind.map_or("temporary", |(word, _)| word),
            changed: milliseconds(leaving.changed),
            in_use: word(leaving.in_use),
            alive: leaving.is_alive,
            token: leaving.token,
        }
    }
}

impl TryFrom<CacheDecision> for Decision {
    type Error = ErrorReport;

    fn try_from(decision: CacheDecision) -> Result<Self, ErrorReport> {
        let leaving = || KINDS.iter().find(|(word, _)| *word == decision.kind);
        let target = match decision.kind.as_str() {
            "entry" => Some(Target::Entry),
            _ => leaving().map(|(_, kind)| Target::Leaving(*kind)),
        };
        let target = target.ok_or_else(|| {
            let message = format!("nothing in a cache is a `{}`", decision.kind);
            ErrorReport::new("ERR_INTERNAL", message, Vec::new(), Vec::new())
        })?;
        Ok(Self {
            name: decision.name,
            target,
            token: decision.token,
        })
    }
}

impl From<Removed> for CacheRemoval {
    fn from(removed: Removed) -> Self {
        let (outcome, why) = match removed.outcome {
            Outcome::Removed => ("removed", None),
            Outcome::InUse => ("inUse", None),
            Outcome::Unknown(why) => ("unknown", Some(why)),
            Outcome::Busy(why) => ("busy", Some(why)),
            Outcome::Changed(why) => ("changed", Some(why)),
            Outcome::Failed(why) => ("failed", Some(why)),
        };
        Self {
            name: removed.name,
            outcome,
            why,
        }
    }
}

fn word(in_use: Use) -> &'static str {
    match in_use {
        Use::Yes => "yes",
        Use::No => "no",
        Use::Unknown => "unknown",
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn milliseconds(nanoseconds: i128) -> i64 {
    i64::try_from(nanoseconds.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

fn milliseconds_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
