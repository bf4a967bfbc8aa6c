//! Removing what was decided on.
//!
//! First everything is moved to the trash, where no run finds it any more; an entry's sentinel goes
//! before its data. One scan of all mount tables after that tells what nobody has: that is deleted.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use fuselage_linux::entry_facts::{EntryFacts, entry_facts, open_facts};
use fuselage_linux::file_lock::{lock, open_lock};
use fuselage_linux::in_use::{Mounted, Sight};
use fuselage_linux::own_file::open_file;
use fuselage_linux::remove_tree::{open_place_below, remove_entry};

use super::Cache;
use super::decision::{Decision, Outcome, Removed, Target};
use super::file_name::{self, AnyEntryName, Role};
use super::index::INDEX;
use super::leavings::{LeavingKind, subdirectory};
use super::listing::{Use, now};
use super::lock_file::LockFile;
use super::staging::STAGING;
use super::trash::{TRASH, Trash};
use crate::living_directory::LOCK;

/// How long ago last use and eviction must be, of what somebody may use who cannot be seen.
const UNSEEN: Duration = Duration::from_secs(24 * 60 * 60);

/// Why something is not removed.
type Stopped = Outcome;

impl Cache {
    /// Removes what is still as it was when that was decided; a result for each decision, in order.
    pub fn remove(&self, decisions: &[Decision]) -> Vec<Removed> {
        let trash = Trash::open(self);
        let evicted: Vec<Result<Vec<String>, Stopped>> = decisions
            .iter()
            .map(|decision| match &trash {
                Ok(trash) => self.evict(trash, decision),
                Err(error) => Err(Outcome::Failed(format!(
                    "the trash cannot be used: {error}"
                ))),
            })
            .collect();
        let is_all_gone = evicted
            .iter()
            .all(|items| items.as_ref().map_or(true, Vec::is_empty));
        // Not until everything is there: who has something mounted has it then by its new name.
        let mounted = (!is_all_gone).then(Mounted::scan);
        let outcomes = evicted
            .into_iter()
            .map(|items| match (items, &mounted, &trash) {
                (Err(stopped), ..) => stopped,
                (Ok(items), Some(mounted), Ok(trash)) => self.delete(trash, &items, mounted),
                (Ok(_), ..) => Outcome::Removed,
            });
        let names = decisions.iter().map(|decision| decision.name.clone());
        names
            .zip(outcomes)
            .map(|(name, outcome)| Removed { name, outcome })
            .collect()
    }

    /// Moves what a decision is about to the trash; the names that it has there.
    fn evict(&self, trash: &Trash, decision: &Decision) -> Result<Vec<String>, Stopped> {
        let Decision {
            name,
            target,
            token,
        } = decision;
        let cache = self.directory();
        match *target {
            Target::Entry => {
                let entry = AnyEntryName::parse(name).ok_or_else(no_such_name)?;
                evict_entry(cache, trash, entry, token)
            }
            Target::Leaving(LeavingKind::Data | LeavingKind::List) => {
                let (entry, _) = file_name::parse(name)
                    .filter(|(_, role)| matches!(role, Role::Data | Role::List))
                    .ok_or_else(no_such_name)?;
                evict_orphan(cache, trash, name, entry, token)
            }
            Target::Leaving(LeavingKind::Lock) => {
                let (entry, _) = file_name::parse(name)
                    .filter(|(_, role)| *role == Role::Lock)
                    .ok_or_else(no_such_name)?;
                facts(cache, name, token)?;
                let build = take_build(cache, entry)?;
                build.remove().map_err(failed("remove", name))?;
                Ok(Vec::new())
            }
            Target::Leaving(LeavingKind::Staging) => {
                let (staging, name) = below(cache, STAGING, name)?;
                evict_staging(staging.as_fd(), trash, name, token)
            }
            Target::Leaving(LeavingKind::Trash) => {
                let (directory, name) = below(cache, TRASH, name)?;
                facts(directory.as_fd(), name, token)?;
                Ok(vec![name.to_owned()])
            }
            Target::Leaving(LeavingKind::Index) => {
                let (index, name) = below(cache, INDEX, name)?;
                facts(index.as_fd(), name, token)?;
                remove_entry(index.as_fd(), name.as_bytes()).map_err(failed("remove", name))?;
                Ok(Vec::new())
            }
            Target::Leaving(LeavingKind::Temporary) => match below(cache, INDEX, name) {
                Ok((index, name)) => evict_any(index.as_fd(), trash, name, token),
                Err(_) => {
                    file_name::parse(name)
                        .filter(|(_, role)| *role == Role::Temporary)
                        .ok_or_else(no_such_name)?;
                    evict_any(cache, trash, name, token)
                }
            },
        }
    }

    /// Deletes what is in the trash and nobody has.
    fn delete(&self, trash: &Trash, items: &[String], mounted: &Mounted) -> Outcome {
        let sight = self.sight(mounted);
        let mut worst = Outcome::Removed;
        for item in items {
            let outcome = match Use::of(mounted, &sight, item) {
                Use::Yes => Outcome::InUse,
                Use::Unknown if !is_forgotten(trash, item) => Outcome::Unknown(unseen(&sight)),
                Use::No | Use::Unknown => {
                    let removed = remove_entry(trash.directory(), item.as_bytes());
                    removed
                        .map_err(failed("delete", item))
                        .err()
                        .unwrap_or(Outcome::Removed)
                }
            };
            worst = worse(worst, outcome);
        }
        worst
    }
}

/// Whether nobody can have used an item for long.
fn is_forgotten(trash: &Trash, item: &str) -> bool {
    let long_ago = now() - i128::try_from(UNSEEN.as_nanos()).unwrap_or(i128::MAX);
    trash
        .times(item)
        .is_ok_and(|times| times.last_use.max(times.evicted) < long_ago)
}

fn unseen(sight: &Sight) -> String {
    match sight {
        Sight::Whole => String::new(),
        Sight::Partial(why) => why.clone(),
    }
}

/// Of two outcomes for one decision, the one that matters.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Removed => 0,
        Outcome::Unknown(_) => 1,
        Outcome::InUse => 2,
        _ => 3,
    };
    if rank(&other) > rank(&one) {
        other
    } else {
        one
    }
}

fn evict_entry(
    cache: BorrowedFd<'_>,
    trash: &Trash,
    entry: AnyEntryName<'_>,
    token: &str,
) -> Result<Vec<String>, Stopped> {
    let sentinel = entry.sentinel();
    // Who builds would put new data under the name while this goes on.
    let _build = take_build(cache, entry)?;
    let found = facts(cache, &sentinel, token)?;
    let mut items = Vec::new();
    let locked = match found.status.is_file {
        true => Some(lock_sentinel(cache, &sentinel, token)?),
        // No run holds what is no file.
        false => None,
    };
    let mut take = |name: &str| {
        let taken = trash.take(cache, name, found.status.modified);
        items.extend(taken.map_err(failed("move", name))?);
        Ok(())
    };
    match locked {
        Some(_) => remove_entry(cache, sentinel.as_bytes()).map_err(failed("remove", &sentinel))?,
        None => take(&sentinel)?,
    }
    take(&entry.list())?;
    take(entry.whole)?;
    Ok(items)
}

/// Locks a sentinel that is as it was when it was decided on.
fn lock_sentinel(cache: BorrowedFd<'_>, name: &str, token: &str) -> Result<OwnedFd, Stopped> {
    // One that its owner may not write can still be locked, but for network file systems.
    let file = open_file(cache, name).map_err(failed("open", name))?;
    if !lock(&file).map_err(failed("lock", name))? {
        return Err(Outcome::Busy("a run that starts has it".to_owned()));
    }
    // A run may have used it between the look and the lock.
    let held = open_facts(&file).map_err(failed("look at", name))?;
    if held.identity != token {
        return Err(changed());
    }
    facts(cache, name, token)?;
    Ok(file.into())
}

/// Data or a list that no sentinel is of.
fn evict_orphan(
    cache: BorrowedFd<'_>,
    trash: &Trash,
    name: &str,
    entry: AnyEntryName<'_>,
    token: &str,
) -> Result<Vec<String>, Stopped> {
    let _build = take_build(cache, entry)?;
    let sentinel = entry.sentinel();
    let there = entry_facts(cache, sentinel.as_bytes()).map_err(failed("look at", &sentinel))?;
    if there.is_some() {
        return Err(Outcome::Changed("it has a sentinel now".to_owned()));
    }
    evict_any(cache, trash, name, token)
}

fn evict_staging(
    staging: BorrowedFd<'_>,
    trash: &Trash,
    name: &str,
    token: &str,
) -> Result<Vec<String>, Stopped> {
    let found = facts(staging, name, token)?;
    if !found.status.is_directory {
        return evict_any(staging, trash, name, token);
    }
    let directory = open_place_below(staging, name.as_bytes()).map_err(failed("open", name))?;
    let builder = open_lock(directory.as_fd(), LOCK.as_bytes());
    if let Some(builder) = builder.map_err(failed("open the lock of", name))?
        && !lock(&builder).map_err(failed("lock", name))?
    {
        return Err(Outcome::Busy("its builder is alive".to_owned()));
    }
    // The lock is not let go before this: nobody takes the directory for its own meanwhile.
    evict_any(staging, trash, name, token)
}

fn evict_any(
    parent: BorrowedFd<'_>,
    trash: &Trash,
    name: &str,
    token: &str,
) -> Result<Vec<String>, Stopped> {
    let found = facts(parent, name, token)?;
    let taken = trash.take(parent, name, found.status.last_change());
    Ok(taken.map_err(failed("move", name))?.into_iter().collect())
}

/// Takes the right to build an entry, of this format or another.
fn take_build<'a>(cache: BorrowedFd<'a>, entry: AnyEntryName<'_>) -> Result<LockFile<'a>, Stopped> {
    let name = entry.lock();
    let Some(file) = open_lock(cache, name.as_bytes()).map_err(failed("open", &name))? else {
        return Err(Outcome::Failed(format!("{name} is no file")));
    };
    let busy = || Outcome::Busy("a builder has it".to_owned());
    if !lock(&file).map_err(failed("lock", &name))? {
        return Err(busy());
    }
    let held = LockFile::locked(cache, name.clone(), file).map_err(failed("look at", &name))?;
    held.ok_or_else(busy)
}

/// Looks at something that must be as it was when it was decided on.
fn facts(parent: BorrowedFd<'_>, name: &str, token: &str) -> Result<EntryFacts, Stopped> {
    let found = entry_facts(parent, name.as_bytes()).map_err(failed("look at", name))?;
    match found {
        None => Err(Outcome::Changed("it is gone".to_owned())),
        Some(found) if found.identity != token => Err(changed()),
        Some(found) => Ok(found),
    }
}

/// The directory of the cache and the name in it that a path is.
fn below<'a>(
    cache: BorrowedFd<'_>,
    directory: &str,
    path: &'a str,
) -> Result<(OwnedFd, &'a str), Stopped> {
    let name = path
        .strip_prefix(directory)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|name| !name.is_empty() && !name.contains('/') && !matches!(*name, "." | ".."))
        .ok_or_else(no_such_name)?;
    let gone = || Outcome::Changed("it is gone".to_owned());
    Ok((subdirectory(cache, directory).ok_or_else(gone)?, name))
}

fn changed() -> Outcome {
    Outcome::Changed("it was used or changed meanwhile".to_owned())
}

fn no_such_name() -> Outcome {
    Outcome::Failed("nothing of this kind is named so".to_owned())
}

fn failed<'a>(what: &'a str, name: &'a str) -> impl Fn(io::Error) -> Outcome + 'a {
    move |error| Outcome::Failed(format!("cannot {what} {name}: {error}"))
}
