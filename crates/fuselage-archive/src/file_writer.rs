//! Writes the files of a tree with several threads.

use std::cmp::Reverse;
use std::fs::File;
use std::num::NonZeroU64;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fuselage_linux::{beneath, look_beneath};

use crate::archive::{Archive, Contents};
use crate::digest::{Digest, Digester};
use crate::digested::Digested;
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::large_file::LargeFile;
use crate::listing::Listing;
use crate::opened::Opened;
use crate::output::{ContentError, Counted, FilePart};
use crate::stop::Stop;
use crate::tree::{Leaf, LeafKind, Tree};

/// Files of one directory that one thread writes in a row.
const RUN: usize = 128;
/// And bytes of them, unpacked, after which its run ends: a few milliseconds of work.
const RUN_BYTES: u64 = 4 << 20;
/// Files of one group that one thread writes in a row: another thread would have to unpack again
/// what they have in common.
const GROUP_RUN: usize = 512;

/// What one thread does in a row.
enum Work<'a> {
    Files(&'a [&'a Leaf]),
    Part {
        of: usize,
        part: usize,
    },
    /// Entries of directories that are to be checked.
    Directories(&'a [u32]),
}

/// Writes all files of `archive` below `into` with `jobs` threads; `listing` gets what is known of
/// them then.
pub(crate) fn write_files(
    archive: &dyn Archive,
    into: BorrowedFd<'_>,
    jobs: usize,
    permissions: u32,
    progress: Option<&(dyn Progress + Sync)>,
    listing: Option<&Listing>,
) -> Result<(), ArchiveError> {
    let tree = archive.tree();
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for leaf in tree.leaves_of(LeafKind::File) {
        match archive.parts(leaf) {
            0 | 1 => small.push(leaf),
            parts => large.push((leaf, parts)),
        }
    }
    large.sort_by_key(|(leaf, _)| Reverse(leaf.size));
    let shared: Vec<LargeFile<'_>> = large
        .iter()
        .map(|(leaf, parts)| LargeFile::new(leaf, *parts))
        .collect();
    // Parts of one file follow each other, so that no more files are open than there are threads.
    let parts = large
        .iter()
        .enumerate()
        .flat_map(|(of, (_, parts))| (0..*parts).map(move |part| Work::Part { of, part }));
    let directories = archive.directory_entries();
    let work: Vec<Work<'_>> = parts
        .chain(runs(&mut small).into_iter().map(Work::Files))
        .chain(directories.chunks(RUN).map(Work::Directories))
        .collect();
    let stop = Stop::new();
    let stop_all = || {
        stop.raise();
        archive.wake();
    };
    share_out(&work, jobs, &stop_all, || Writer {
        tree,
        into,
        permissions,
        progress,
        stop: &stop,
        large: &shared,
        listing,
        digester: Digester::new(),
        contents: archive.contents(),
        open: Opened::of_threads(jobs),
        at: At::default(),
    })
}

/// Runs of files of one group or directory, the biggest first; those of a few milliseconds in the
/// order of their directories, so that the next one is near by.
fn runs<'a, 'b>(files: &'b mut [&'a Leaf]) -> Vec<&'b [&'a Leaf]> {
    fn group(leaf: &Leaf) -> (Option<NonZeroU64>, u32) {
        match leaf.group {
            Some(group) => (Some(group), 0),
            None => (None, leaf.directory),
        }
    }
    files.sort_by_key(|leaf| (group(leaf), leaf.directory));
    let mut runs: Vec<&[&Leaf]> = files
        .chunk_by(|one, other| group(one) == group(other))
        .flat_map(|files| match files.first().and_then(|leaf| leaf.group) {
            Some(_) => files.chunks(GROUP_RUN).collect(),
            None => cut(files),
        })
        .collect();
    runs.sort_by_cached_key(|files| {
        let data = files
            .iter()
            .map(|leaf| leaf.size.saturating_sub(leaf.holes))
            .sum::<u64>();
        Reverse(data.max(RUN_BYTES))
    });
    runs
}

/// Files of one directory in runs.
fn cut<'a, 'b>(mut files: &'b [&'a Leaf]) -> Vec<&'b [&'a Leaf]> {
    let mut runs = Vec::new();
    while !files.is_empty() {
        let mut bytes = 0u64;
        let length = files.iter().take(RUN).take_while(|leaf| {
            let before = bytes;
            bytes = bytes.saturating_add(leaf.size);
            before < RUN_BYTES
        });
        let (run, rest) = files.split_at(length.count());
        runs.push(run);
        files = rest;
    }
    runs
}

/// Does all of `work` in `jobs` threads, each with a writer of its own; when one fails, `stop_all`
/// stops them.
fn share_out<'a>(
    work: &[Work<'_>],
    jobs: usize,
    stop_all: &(dyn Fn() + Sync),
    writer: impl Fn() -> Writer<'a> + Sync,
) -> Result<(), ArchiveError> {
    let next = AtomicUsize::new(0);
    // Of several errors the one of the first entry is told, whichever thread was faster.
    let failure: Mutex<Option<Failure>> = Mutex::new(None);
    let run = || {
        let mut writer = writer();
        while let Some(work) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = writer.write(work) {
                stop_all();
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                if failure
                    .as_ref()
                    .is_none_or(|first| error.index < first.index)
                {
                    *failure = Some(error);
                }
            }
            if writer.stop.is_raised() {
                return;
            }
        }
    };
    let threads = jobs.clamp(1, work.len().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // One that cannot be had leaves its work to the others.
            let _ = std::thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), |failure| Err(failure.error))
}

/// The entry that failed, and why.
struct Failure {
    index: u32,
    error: ArchiveError,
}

/// Why an entry was not written.
enum Unwritten {
    /// Another one had failed.
    Stopped,
    Failed(ArchiveError),
}

impl From<ArchiveError> for Unwritten {
    fn from(error: ArchiveError) -> Self {
        Self::Failed(error)
    }
}

/// What is to be told of an entry.
fn failure(index: u32, written: Result<(), Unwritten>) -> Result<(), Failure> {
    match written {
        Ok(()) | Err(Unwritten::Stopped) => Ok(()),
        Err(Unwritten::Failed(error)) => Err(Failure { index, error }),
    }
}

/// What one thread writes with.
struct Writer<'a> {
    tree: &'a Tree,
    into: BorrowedFd<'a>,
    /// The bits of modes that are given.
    permissions: u32,
    progress: Option<&'a (dyn Progress + Sync)>,
    stop: &'a Stop,
    large: &'a [LargeFile<'a>],
    listing: Option<&'a Listing>,
    digester: Digester,
    contents: Box<dyn Contents + 'a>,
    open: Opened,
    at: At,
}

impl Writer<'_> {
    fn write(&mut self, work: &Work<'_>) -> Result<(), Failure> {
        match work {
            Work::Files(files) => {
                for leaf in *files {
                    if self.stop.is_raised() {
                        break;
                    }
                    failure(leaf.index, self.write_file(leaf))?;
                }
                Ok(())
            }
            Work::Part { of, part } => {
                let large = &self.large[*of];
                failure(large.leaf.index, self.write_part(large, *part))
            }
            Work::Directories(entries) => {
                for index in *entries {
                    if self.stop.is_raised() {
                        break;
                    }
                    let checked = self.contents.check_directory(*index);
                    failure(*index, checked.map_err(Unwritten::Failed))?;
                }
                Ok(())
            }
        }
    }

    fn write_file(&mut self, leaf: &Leaf) -> Result<(), Unwritten> {
        self.entering(leaf);
        let file = self.create(leaf)?;
        let progress = self.progress;
        let told = |bytes| {
            if let Some(progress) = progress {
                progress.advanced(0, bytes);
            }
        };
        let mut to = Counted::new(file, told, self.stop);
        let copied = match self.listing {
            None => self.contents.copy(leaf, &mut to),
            Some(_) => {
                let mut to = Digested::new(&mut to, &mut self.digester);
                self.contents.copy(leaf, &mut to)
            }
        };
        copied.map_err(|error| self.unwritten(leaf, error))?;
        self.finish(leaf)?;
        if self.listing.is_some() {
            let digest = self.digester.finish();
            self.list(leaf, to.file(), digest)?;
        }
        self.advanced(1, 0);
        Ok(())
    }

    fn write_part(&mut self, large: &LargeFile<'_>, part: usize) -> Result<(), Unwritten> {
        let leaf = large.leaf;
        self.entering(leaf);
        let file = large.open(|| {
            let file = self.create(leaf)?;
            file.set_len(leaf.size)
                .map_err(|error| ArchiveError::write(&self.tree.path(leaf), error))?;
            Ok::<_, ArchiveError>(file)
        })?;
        let mut to = FilePart::new(&file, self.stop);
        let copied = self.contents.copy_part(leaf, part, &mut to);
        copied.map_err(|error| self.unwritten(leaf, error))?;
        let (given, end) = (to.given(), to.position());
        let failed = |error| self.unwritten(leaf, ContentError::Write(error));
        if self.listing.is_some() {
            large
                .digest_as_far(&file, part, end, self.stop)
                .map_err(failed)?;
        }
        let last = large.part_done();
        if last {
            if self.listing.is_some() {
                let digest = large.digest(&file, self.stop).map_err(failed)?;
                self.finish(leaf)?;
                self.list(leaf, &file, digest)?;
            } else {
                self.finish(leaf)?;
            }
        }
        self.advanced(last.into(), given);
        Ok(())
    }

    fn create(&mut self, leaf: &Leaf) -> Result<File, ArchiveError> {
        let (tree, mode) = (self.tree, u32::from(leaf.mode) & self.permissions);
        self.open
            .get(tree, self.into, leaf.directory)
            .and_then(|directory| beneath::create_file(directory, tree.name(leaf.name), mode))
            .map(File::from)
            .map_err(|error| ArchiveError::write(&tree.path(leaf), error))
    }

    fn unwritten(&self, leaf: &Leaf, error: ContentError) -> Unwritten {
        match error.is_stop() {
            true => Unwritten::Stopped,
            false => Unwritten::Failed(error.of(|| self.tree.path(leaf))),
        }
    }

    fn finish(&mut self, leaf: &Leaf) -> Result<(), ArchiveError> {
        let (name, time) = (self.tree.name(leaf.name), leaf.time);
        self.open
            .get(self.tree, self.into, leaf.directory)
            .and_then(|parent| beneath::set_time(parent, name, time.seconds, time.nanoseconds))
            .map_err(|error| ArchiveError::write(&self.tree.path(leaf), error))
    }

    /// Lists a file that is finished.
    fn list(&self, leaf: &Leaf, file: &File, digest: Digest) -> Result<(), ArchiveError> {
        if let Some(listing) = self.listing {
            let status = look_beneath::status_of(file)
                .map_err(|error| ArchiveError::write(&self.tree.path(leaf), error))?;
            listing.file(leaf.index, digest, status);
        }
        Ok(())
    }

    fn entering(&mut self, leaf: &Leaf) {
        if let Some(progress) = self.progress {
            progress.entering(self.at.path(self.tree, leaf));
        }
    }

    fn advanced(&self, entries: u64, bytes: u64) {
        if let Some(progress) = self.progress {
            progress.advanced(entries, bytes);
        }
    }
}

/// The path of the entry that a thread is at: from one to the next its end changes.
#[derive(Default)]
struct At {
    directory: u32,
    path: Vec<u8>,
}

impl At {
    fn path(&mut self, tree: &Tree, leaf: &Leaf) -> &[u8] {
        let directory = |number: u32| &tree.directories[number as usize];
        let (mut above, mut to, mut below) = (self.directory, leaf.directory, Vec::new());
        while above != to {
            if directory(above).depth > directory(to).depth {
                above = directory(above).parent;
            } else {
                below.push(directory(to).name);
                to = directory(to).parent;
            }
        }
        self.path.truncate(directory(above).path_length);
        for name in below.into_iter().rev().chain([leaf.name]) {
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(tree.name(name));
        }
        self.directory = leaf.directory;
        &self.path
    }
}

#[cfg(test)]
mod tests;
