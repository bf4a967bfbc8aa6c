//! `cache verify`: whether what is in a cache is as it was made.

use std::fs::File;
use std::io::{self, Read, Seek};

use fuselage_archive::Digester;
use fuselage_plan::CachePlace;
use fuselage_store::cache::{
    Cache, Decision, Entry, EntryName, Kind, ListedEntry, Outcome, Target,
};
use serde::Serialize;

use crate::error::LaunchError;
use crate::execute::{Compared, compare};
use crate::jobs::{NEGATIVE, make_cache, output};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    path: String,
    ok: bool,
    entries: Vec<VerifiedEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifiedEntry {
    name: String,
    source: String,
    ok: bool,
    differences: Vec<String>,
    /// What became of it, where it was to be repaired: `removed`, or why not.
    repaired: Option<String>,
}

/// Compares the entries called `names`, or all; 1 if one is not as it was made.
pub(crate) fn verify(
    place: &CachePlace,
    names: &[String],
    repair: bool,
    jobs: Option<u32>,
    json: bool,
) -> Result<u8, LaunchError> {
    let cache = make_cache(place)?;
    let failed = |error| LaunchError::system("list the cache", error);
    let listing = cache.listing().map_err(failed)?;
    let mut entries = Vec::new();
    for name in names {
        if !listing.entries.iter().any(|entry| entry.name == *name) {
            let differences = vec!["there is no such entry".to_owned()];
            entries.push(VerifiedEntry {
                name: name.clone(),
                source: String::new(),
                ok: false,
                differences,
                repaired: None,
            });
        }
    }
    for listed in &listing.entries {
        if !names.is_empty() && !names.contains(&listed.name) {
            continue;
        }
        let differences = differences(&cache, listed, jobs)?;
        let ok = differences.is_empty();
        entries.push(VerifiedEntry {
            name: listed.name.clone(),
            source: listed.source.clone(),
            ok,
            differences,
            repaired: (!ok && repair).then(|| remove(&cache, listed)),
        });
    }
    let ok = entries.iter().all(|entry| entry.ok);
    let result = Verified {
        path: cache.path().display().to_string(),
        ok,
        entries,
    };
    output::print(&result, json, text)?;
    Ok(if ok { 0 } else { NEGATIVE })
}

fn text(verified: &Verified) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in &verified.entries {
        let is = if entry.ok { "ok" } else { "NOT as it was made" };
        lines.push(format!("{} {}: {is}", entry.source, entry.name));
        lines.extend(entry.differences.iter().map(|one| format!("  {one}")));
        lines.extend(entry.repaired.iter().map(|one| format!("  repair: {one}")));
    }
    if verified.entries.is_empty() {
        lines.push("The cache has no entries.".to_owned());
    }
    lines
}

fn differences(
    cache: &Cache,
    listed: &ListedEntry,
    jobs: Option<u32>,
) -> Result<Vec<String>, LaunchError> {
    let Ok(name) = listed.name.parse::<EntryName>() else {
        // Of another format, which is never used.
        return Ok(vec!["it is of a format that is not used".to_owned()]);
    };
    let entry = match cache.examine(&name) {
        Ok(examined) => examined.entry,
        Err(why) => return Ok(vec![why.to_owned()]),
    };
    match name.kind {
        Kind::Image => image(&name, &entry)
            .map_err(|error| LaunchError::system("read an image of the cache", error)),
        Kind::Tree => Ok(match compare(cache, &name, &entry, jobs)? {
            Compared::Differs(differences) => differences.iter().map(ToString::to_string).collect(),
            Compared::WithoutList(why) => vec![why],
        }),
    }
}

/// An image has the digest that its name says, but for what fills its last block.
fn image(name: &EntryName, entry: &Entry) -> io::Result<Vec<String>> {
    const PIECE: usize = 128 << 10;
    let mut file = File::from(entry.data().try_clone_to_owned()?);
    file.rewind()?;
    let mut rest = file.take(entry.sentinel().archive_bytes);
    let (mut digester, mut piece) = (Digester::new(), vec![0; PIECE]);
    loop {
        match rest.read(&mut piece)? {
            0 => break,
            count => digester.update(&piece[..count]),
        }
    }
    Ok(match digester.finish() == name.digest {
        true => Vec::new(),
        false => vec!["its content is not what was decoded".to_owned()],
    })
}

/// Takes an entry away, so that the next run builds it; what became of that.
fn remove(cache: &Cache, listed: &ListedEntry) -> String {
    let decision = Decision {
        name: listed.name.clone(),
        target: Target::Entry,
        token: listed.token.clone(),
    };
    match cache
        .remove(&[decision])
        .pop()
        .map(|removed| removed.outcome)
    {
        Some(Outcome::Removed) => "removed; the next run that wants it builds it".to_owned(),
        Some(Outcome::InUse | Outcome::Unknown(_)) => {
            "taken away; it is deleted when nobody uses it".to_owned()
        }
        Some(Outcome::Busy(why) | Outcome::Changed(why) | Outcome::Failed(why)) => {
            format!("not removed: {why}")
        }
        None => "not removed".to_owned(),
    }
}
