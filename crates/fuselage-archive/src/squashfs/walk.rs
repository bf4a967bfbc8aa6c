//! The walk through all directories of an image: each is read once, and its entries are added to
//! the tree while it is read, which counts each of them before anything is kept of it.

use std::collections::HashMap;

use crate::error::{ArchiveError, shown};
use crate::limits::Limits;
use crate::path::{check_component, check_place};
use crate::source::Source;
use crate::squashfs::blocks::Bounds;
use crate::squashfs::damaged;
use crate::squashfs::directories::{Entry, Fault, ListingReader, Run};
use crate::squashfs::fragments::FragmentTable;
use crate::squashfs::inodes::{Content, FileFields, Listing, read_inode};
use crate::squashfs::metadata::{MetadataReader, Reference};
use crate::squashfs::records::{FileRecord, Tail, Walked};
use crate::squashfs::superblock::Superblock;
use crate::tree::{More, Tree};

/// Reads all directories and inodes of an image; nothing of the files' data is looked at.
pub(crate) fn walk(
    source: Source<'_>,
    superblock: &Superblock,
    limits: &Limits,
) -> Result<Walked, ArchiveError> {
    let mut walk = Walk {
        superblock,
        metadata: MetadataReader::new(source, superblock),
        fragments: FragmentTable::read(&source, superblock)?,
        seen: HashMap::new(),
        listings_left: superblock.directory_table().most_unpacked(),
        walked: Walked::new(limits, superblock.bytes_used),
    };
    let mut open = vec![(0, walk.root()?)];
    while let Some((number, listing)) = open.pop() {
        let below = walk.list(number, listing)?;
        // The first one next: inodes lie in the order of such a walk.
        open.extend(below.into_iter().rev());
    }
    let mut walked = walk.walked;
    walked.tree.finish()?;
    Ok(walked)
}

/// Directories may have entries in common, whose files then have several names, but their listings
/// together cannot be longer than what the table can unpack to.
const SHARED: &str = "shares its entries with too many other directories";

struct Walk<'a> {
    superblock: &'a Superblock,
    metadata: MetadataReader<'a>,
    fragments: FragmentTable,
    /// By the numbers of their inodes.
    seen: HashMap<u32, Seen>,
    walked: Walked,
    /// Bytes of listings that may still be read.
    listings_left: u64,
}

/// An inode that was met before.
#[derive(Clone, Copy)]
struct Seen {
    inode: Reference,
    /// The number of its leaf; `None`: it is a directory.
    leaf: Option<u32>,
}

impl Walk<'_> {
    fn root(&mut self) -> Result<Listing, ArchiveError> {
        let inode = self.superblock.root;
        let table = self.superblock.inode_table();
        let root = read_inode(&mut self.metadata.at(table, inode)?)?;
        let Content::Directory(listing) = root.content else {
            return Err(damaged("the root of the image is no directory"));
        };
        self.seen.insert(root.number, Seen { inode, leaf: None });
        Ok(listing)
    }

    /// Adds all entries of the directory with this number; what is to be listed next.
    fn list(&mut self, number: u32, listing: Listing) -> Result<Vec<(u32, Listing)>, ArchiveError> {
        let mut below = Vec::new();
        if listing.length == 0 {
            return Ok(below);
        }
        self.listings_left = self
            .listings_left
            .checked_sub(listing.length.into())
            .ok_or_else(|| self.broken(number, SHARED))?;
        let table = self.superblock.directory_table();
        let mut reader = ListingReader::new(&mut self.metadata, table, listing)?;
        let mut run = Run::default();
        loop {
            match reader.next(&mut self.metadata, &mut run) {
                Ok(false) => return Ok(below),
                Ok(true) => {}
                Err(Fault::Listing(what)) => return Err(self.broken(number, what)),
                Err(Fault::Table(error)) => return Err(error),
            }
            for (name, entry) in run.iter() {
                below.extend(self.add(number, name, entry)?);
            }
        }
    }

    /// The directory with that number is damaged.
    fn broken(&self, number: u32, what: &str) -> ArchiveError {
        match number {
            0 => damaged(format!("the root of the image {what}")),
            _ => ArchiveError::damaged(&self.walked.tree.directory_path(number), what),
        }
    }

    /// Adds an entry of the directory with the number `parent`; what is to be listed next if it is
    /// a directory.
    fn add(
        &mut self,
        parent: u32,
        name: &[u8],
        entry: Entry,
    ) -> Result<Option<(u32, Listing)>, ArchiveError> {
        let tree = &self.walked.tree;
        check_component(|| tree.path_in(parent, name), name)?;
        let (depth, length) = tree.place_in(parent, name);
        check_place(|| tree.path_in(parent, name), depth, length, tree.limits())?;
        if let Some(seen) = self.seen.get(&entry.number) {
            let to = first_name(&self.walked, parent, name, &entry, *seen)?;
            self.walked.add_hard_link(parent, name, to)?;
            return Ok(None);
        }
        let path = |walked: &Walked| walked.tree.path_in(parent, name);
        self.metadata.count_entry();
        let table = self.superblock.inode_table();
        let mut cursor = self.metadata.at(table, entry.inode)?;
        let inode = read_inode(&mut cursor)?;
        if inode.number != entry.number || inode.kind != entry.kind {
            let what = "is not what its directory says that it is";
            return Err(ArchiveError::damaged(&path(&self.walked), what));
        }
        let mut seen = Seen {
            inode: entry.inode,
            leaf: None,
        };
        let walked = &mut self.walked;
        match inode.content {
            Content::Special(what) => return Err(ArchiveError::hostile(&path(walked), what)),
            Content::Directory(listing) => {
                let tree = &mut walked.tree;
                let directory = tree.add_directory_in(parent, name, inode.mode, inode.time)?;
                self.seen.insert(entry.number, seen);
                return Ok(Some((directory, listing)));
            }
            Content::Symlink(length) => {
                let target = cursor.reference()?;
                seen.leaf = Some(walked.add_symlink(parent, name, &inode, target, length)?);
            }
            Content::File(fields) => {
                let list = cursor.reference()?;
                let file = self.read_file(list, fields, parent, name)?;
                seen.leaf = Some(self.walked.add_file(parent, name, &inode, file)?);
            }
        }
        self.seen.insert(entry.number, seen);
        Ok(None)
    }

    /// Finds where the content of a file is; `list`: where its list of blocks is.
    fn read_file(
        &mut self,
        list: Reference,
        fields: FileFields,
        parent: u32,
        name: &[u8],
    ) -> Result<FileRecord, ArchiveError> {
        let size = fields.size;
        // Before the list is read, which is as long as the size wants it.
        let path = |tree: &Tree| tree.path_in(parent, name);
        let tree = &self.walked.tree;
        // How many of them are holes is known behind the list.
        let more = More {
            entries: 1,
            bytes: size,
            holes: size,
            ..More::default()
        };
        tree.admit(|| path(tree), more)?;
        let bounds = Bounds {
            block_size: self.superblock.block_size,
            bytes_used: self.superblock.bytes_used,
        };
        let mut tail = None;
        if let Some((number, offset)) = fields.fragment {
            let length = size % u64::from(bounds.block_size);
            if u64::from(offset) + length > bounds.block_size.into() {
                let what = "ends outside of its fragment block";
                return Err(ArchiveError::damaged(&path(&self.walked.tree), what));
            }
            if length > 0 {
                tail = Some(Tail {
                    fragment: self.fragments.get(number, &mut self.metadata)?,
                    offset: offset as usize,
                    length: length as usize,
                });
            }
        }
        let length = size - tail.map_or(0, |tail| tail.length as u64);
        let mut file = FileRecord {
            parts: 0..0,
            tail,
            size,
            holes: 0,
        };
        if length > 0 {
            let table = self.superblock.inode_table();
            let mut cursor = self.metadata.at(table, list)?;
            let Walked { lists, tree, .. } = &mut self.walked;
            (file.parts, file.holes) =
                lists.read(&mut cursor, fields.start, length, bounds, || path(tree))?;
        }
        Ok(file)
    }
}

/// The number of the leaf that `entry` is another name of, since its inode was met before.
fn first_name(
    walked: &Walked,
    parent: u32,
    name: &[u8],
    entry: &Entry,
    seen: Seen,
) -> Result<u32, ArchiveError> {
    let path = || walked.tree.path_in(parent, name);
    match seen.leaf {
        Some(leaf) if seen.inode == entry.inode => Ok(leaf),
        Some(leaf) => {
            let first = &walked.tree.leaves[leaf as usize];
            let other = shown(&walked.tree.path(first));
            let what = format!("has the inode number of `{other}` and is not the same file");
            Err(ArchiveError::damaged(&path(), what))
        }
        None => {
            let what = "is a directory that is in the image twice, or holds itself";
            Err(ArchiveError::hostile(&path(), what))
        }
    }
}
