//! The one writer of trees. Entries are made below an open directory, never through a link: links
//! come last, modes of directories after everything in them.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fuselage_linux::beneath;

use crate::archive::{Archive, Contents};
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::output::ContentError;
use crate::path::split;
use crate::tree::{Leaf, LeafKind, Tree};

/// Files of one directory that one thread writes in a row.
const RUN: usize = 128;

/// Makes the tree of `archive` below `into`, which is empty, with `jobs` threads.
pub(crate) fn write_tree(
    archive: &dyn Archive,
    into: BorrowedFd<'_>,
    jobs: usize,
    progress: Option<&(dyn Progress + Sync)>,
) -> Result<(), ArchiveError> {
    let tree = archive.tree();
    make_directories(tree, into)?;
    write_files(archive, into, jobs, progress)?;
    make_symlinks(tree, into, &mut *archive.contents())?;
    make_hard_links(tree, into)?;
    finish_directories(tree, into)
}

/// Directories come in an order in which each parent is before its children.
fn make_directories(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let mut order: Vec<usize> = (1..tree.directories.len()).collect();
    order.sort_by_key(|number| {
        let path = &tree.directories[*number].path;
        (
            path.iter().filter(|byte| **byte == b'/').count(),
            tree.directories[*number].parent,
        )
    });
    let mut open = Opened::default();
    for number in order {
        let directory = &tree.directories[number];
        let failed = |error| ArchiveError::write(&directory.path, error);
        let parent = open.get(tree, into, directory.parent).map_err(failed)?;
        beneath::make_directory(parent, split(&directory.path).1).map_err(failed)?;
    }
    Ok(())
}

/// The directory that was opened last.
#[derive(Default)]
struct Opened(Option<(usize, OwnedFd)>);

impl Opened {
    fn get(
        &mut self,
        tree: &Tree,
        into: BorrowedFd<'_>,
        number: usize,
    ) -> io::Result<BorrowedFd<'_>> {
        if self.0.as_ref().is_none_or(|(open, _)| *open != number) {
            let directory = beneath::open_directory(into, &tree.directories[number].path)?;
            self.0 = Some((number, directory));
        }
        self.0
            .as_ref()
            .map(|(_, open)| open.as_fd())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Runs of files of one group and directory, the biggest first.
fn runs(tree: &Tree) -> Vec<Vec<&Leaf>> {
    let mut files: Vec<&Leaf> = tree.leaves_of(LeafKind::File).collect();
    let group = |leaf: &Leaf| leaf.group.unwrap_or(leaf.directory as u64);
    files.sort_by_key(|leaf| (group(leaf), leaf.directory));
    let mut runs: Vec<Vec<&Leaf>> = files
        .chunk_by(|one, other| group(one) == group(other))
        .flat_map(|files| files.chunks(RUN))
        .map(<[&Leaf]>::to_vec)
        .collect();
    runs.sort_by_key(|run| std::cmp::Reverse(run.iter().map(|leaf| leaf.size).sum::<u64>()));
    runs
}

fn write_files(
    archive: &dyn Archive,
    into: BorrowedFd<'_>,
    jobs: usize,
    progress: Option<&(dyn Progress + Sync)>,
) -> Result<(), ArchiveError> {
    let tree = archive.tree();
    let runs = runs(tree);
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    // Of several errors the one of the first entry is told, whichever thread was faster.
    let failure: Mutex<Option<(usize, ArchiveError)>> = Mutex::new(None);
    let work = || {
        let mut contents = archive.contents();
        let mut open = Opened::default();
        while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            for leaf in run {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                if let Some(progress) = progress {
                    progress.entering(&leaf.path);
                }
                if let Err(error) = write_file(tree, into, leaf, &mut open, &mut *contents) {
                    stop.store(true, Ordering::Relaxed);
                    let mut failure = match failure.lock() {
                        Ok(failure) => failure,
                        Err(poisoned) => poisoned.into_inner(),
                    };
                    if failure
                        .as_ref()
                        .is_none_or(|(index, _)| leaf.index < *index)
                    {
                        *failure = Some((leaf.index, error));
                    }
                    return;
                }
                if let Some(progress) = progress {
                    progress.advanced(1, leaf.size);
                }
            }
        }
    };
    let threads = jobs.clamp(1, runs.len().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // One that cannot be had leaves its work to the others.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let failure = match failure.into_inner() {
        Ok(failure) => failure,
        Err(poisoned) => poisoned.into_inner(),
    };
    failure.map_or(Ok(()), |(_, error)| Err(error))
}

fn write_file(
    tree: &Tree,
    into: BorrowedFd<'_>,
    leaf: &Leaf,
    open: &mut Opened,
    contents: &mut dyn Contents,
) -> Result<(), ArchiveError> {
    let failed = |error| ArchiveError::write(&leaf.path, error);
    let directory = open.get(tree, into, leaf.directory).map_err(failed)?;
    let file = beneath::create_file(directory, leaf.name(), leaf.mode).map_err(failed)?;
    let mut file = File::from(file);
    contents
        .copy(leaf, &mut file)
        .map_err(|error| match error {
            ContentError::Archive(error) => error,
            ContentError::Write(error) => failed(error),
        })?;
    beneath::set_time(&file, leaf.time.seconds, leaf.time.nanoseconds).map_err(failed)
}

fn make_symlinks(
    tree: &Tree,
    into: BorrowedFd<'_>,
    contents: &mut dyn Contents,
) -> Result<(), ArchiveError> {
    let mut open = Opened::default();
    let mut links: Vec<&Leaf> = tree.leaves_of(LeafKind::Symlink).collect();
    links.sort_by_key(|leaf| leaf.directory);
    for leaf in links {
        let failed = |error| ArchiveError::write(&leaf.path, error);
        let mut target = Vec::new();
        contents
            .copy(leaf, &mut target)
            .map_err(|error| match error {
                ContentError::Archive(error) => error,
                ContentError::Write(error) => failed(error),
            })?;
        if target.contains(&0) {
            return Err(ArchiveError::hostile(
                &leaf.path,
                "is a link with a NUL byte in its target",
            ));
        }
        let directory = open.get(tree, into, leaf.directory).map_err(failed)?;
        beneath::make_symlink(directory, leaf.name(), &target).map_err(failed)?;
        beneath::set_symlink_time(
            directory,
            leaf.name(),
            leaf.time.seconds,
            leaf.time.nanoseconds,
        )
        .map_err(failed)?;
    }
    Ok(())
}

/// Names a second time what this extraction has made itself: never anything that was there.
fn make_hard_links(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let (mut open, mut open_target) = (Opened::default(), Opened::default());
    for leaf in &tree.leaves {
        let LeafKind::HardLink { to } = leaf.kind else {
            continue;
        };
        let failed = |error| ArchiveError::write(&leaf.path, error);
        let target = &tree.leaves[to];
        let from = open_target
            .get(tree, into, target.directory)
            .map_err(failed)?;
        let directory = open.get(tree, into, leaf.directory).map_err(failed)?;
        beneath::make_hard_link(from, target.name(), directory, leaf.name()).map_err(failed)?;
    }
    Ok(())
}

/// Modes and times of directories, the deepest first: what is below is done, and a mode that locks
/// the owner out locks nobody out of what is still to do.
fn finish_directories(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let mut order: Vec<usize> = (1..tree.directories.len()).collect();
    order.sort_by_key(|number| {
        let path = &tree.directories[*number].path;
        std::cmp::Reverse(path.iter().filter(|byte| **byte == b'/').count())
    });
    for number in order {
        let directory = &tree.directories[number];
        let failed = |error| ArchiveError::write(&directory.path, error);
        let opened = beneath::open_directory(into, &directory.path).map_err(failed)?;
        let (mode, time) = directory
            .given
            .map_or((0o755, None), |(mode, time)| (mode, Some(time)));
        if let Some(time) = time {
            beneath::set_time(&opened, time.seconds, time.nanoseconds).map_err(failed)?;
        }
        beneath::set_mode(&opened, mode).map_err(failed)?;
    }
    Ok(())
}
