//! The one writer of trees. Entries are made below an open directory, never through a link: links
//! come last, modes of directories after everything in them.

use std::os::fd::BorrowedFd;

use fuselage_linux::{beneath, look_beneath};

use crate::archive::{Archive, Contents};
use crate::directory_writer::{finish_directories, make_directories};
use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::file_writer::write_files;
use crate::listing::Listing;
use crate::opened::Opened;
use crate::tree::{Leaf, LeafKind, Tree};

/// Makes the tree of `archive` below `into`, which is empty, with `jobs` threads; of modes only the
/// bits of `permissions` are given. `listing` gets what a list of the files says.
pub(crate) fn write_tree(
    archive: &dyn Archive,
    into: BorrowedFd<'_>,
    jobs: usize,
    permissions: u32,
    progress: Option<&(dyn Progress + Sync)>,
    listing: Option<&Listing>,
) -> Result<(), ArchiveError> {
    let tree = archive.tree();
    let advanced = |entries: usize, bytes| {
        if let Some(progress) = progress {
            progress.advanced(entries as u64, bytes);
        }
    };
    make_directories(tree, into)?;
    advanced(tree.directories.len() - 1, 0);
    write_files(archive, into, jobs, permissions, progress, listing)?;
    make_symlinks(tree, into, &mut *archive.contents(), listing)?;
    make_hard_links(tree, into)?;
    let links = || {
        tree.leaves
            .iter()
            .filter(|leaf| leaf.kind != LeafKind::File)
    };
    advanced(links().count(), links().map(|leaf| leaf.size).sum());
    finish_directories(tree, into, permissions, listing)
}

fn make_symlinks(
    tree: &Tree,
    into: BorrowedFd<'_>,
    contents: &mut dyn Contents,
    listing: Option<&Listing>,
) -> Result<(), ArchiveError> {
    let mut open = Opened::of_threads(1);
    let mut links: Vec<&Leaf> = tree.leaves_of(LeafKind::Symlink).collect();
    links.sort_by_key(|leaf| leaf.directory);
    for leaf in links {
        let failed = |error| ArchiveError::write(&tree.path(leaf), error);
        let mut target = Vec::new();
        contents
            .copy(leaf, &mut target)
            .map_err(|error| error.of(|| tree.path(leaf)))?;
        if target.contains(&0) {
            return Err(ArchiveError::hostile(
                &tree.path(leaf),
                "is a link with a NUL byte in its target",
            ));
        }
        let directory = open.get(tree, into, leaf.directory).map_err(failed)?;
        beneath::make_symlink(directory, tree.name(leaf.name), &target).map_err(failed)?;
        beneath::set_time(
            directory,
            tree.name(leaf.name),
            leaf.time.seconds,
            leaf.time.nanoseconds,
        )
        .map_err(failed)?;
        if let Some(listing) = listing {
            let status = look_beneath::status(directory, tree.name(leaf.name)).map_err(failed)?;
            listing.symlink(leaf.index, target, status);
        }
    }
    Ok(())
}

/// Names a second time what this extraction has made itself: never anything that was there.
fn make_hard_links(tree: &Tree, into: BorrowedFd<'_>) -> Result<(), ArchiveError> {
    let (mut open, mut open_target) = (Opened::of_threads(2), Opened::of_threads(2));
    let with_target = |leaf| match leaf {
        leaf @ &Leaf {
            kind: LeafKind::HardLink { to },
            ..
        } => Some((leaf, &tree.leaves[to as usize])),
        _ => None,
    };
    let mut links: Vec<(&Leaf, &Leaf)> = tree.leaves.iter().filter_map(with_target).collect();
    links.sort_by_key(|(leaf, target)| (leaf.directory, target.directory));
    for (leaf, target) in links {
        let failed = |error| ArchiveError::write(&tree.path(leaf), error);
        let from = open_target
            .get(tree, into, target.directory)
            .map_err(failed)?;
        let directory = open.get(tree, into, leaf.directory).map_err(failed)?;
        let (from_name, name) = (tree.name(target.name), tree.name(leaf.name));
        beneath::make_hard_link(from, from_name, directory, name).map_err(failed)?;
    }
    Ok(())
}
