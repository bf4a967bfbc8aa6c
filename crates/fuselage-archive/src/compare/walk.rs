//! Goes through the tree and its list together: both have the entries of a directory by name.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use fuselage_linux::beneath::open_directory;
use fuselage_linux::look_beneath::{link_target, names, status, status_of};

use crate::compare::difference::{Change, Kind};
use crate::compare::files::{Files, Listed, Reader, Run, join};
use crate::compare::not_compared;
use crate::compare::queue::Queue;
use crate::descent::Descent;
use crate::error::ArchiveError;
use crate::list::{Entry, ListReader, Record};
use crate::tree::Time;

/// Files that one thread compares in a row, at most.
const RUN: usize = 64;
/// And bytes of them after which its run ends.
const RUN_BYTES: u64 = 4 << 20;

pub(crate) struct Walk<'a> {
    files: &'a Files<'a>,
    queue: &'a Queue,
    reader: Reader,
    descent: Descent<'a>,
    /// Of the directory where the walk is; empty for the root.
    path: Vec<u8>,
    /// That directory last; none before the list has begun.
    levels: Vec<Level>,
    /// A directory of that depth is not looked into: what is in it is left out.
    left_out: Option<u32>,
    /// Files of the directory where the walk is.
    run: Vec<Listed>,
    run_bytes: u64,
}

/// A directory on the way.
struct Level {
    /// Those that are there and were not come to yet, the next one last.
    names: Vec<Vec<u8>>,
    /// The last that the list had.
    listed: Vec<u8>,
    /// Bytes of the path of the directory that it is in.
    above: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(tree: BorrowedFd<'a>, files: &'a Files<'a>, queue: &'a Queue) -> Self {
        Self {
            files,
            queue,
            reader: Reader::new(),
            descent: Descent::new(tree),
            path: Vec::new(),
            levels: Vec::new(),
            left_out: None,
            run: Vec::new(),
            run_bytes: 0,
        }
    }

    /// Goes through all of `list`.
    pub(crate) fn run(mut self, mut list: ListReader<'_>) -> Result<(), ArchiveError> {
        let root = match list.next()? {
            Some(Record {
                depth: 0,
                entry: Entry::Directory { mode, time },
                ..
            }) => Some((mode, time)),
            _ => None,
        };
        let Some((mode, time)) = root else {
            return Err(list.bad("is not the root of the tree"));
        };
        self.root(mode, time);
        while !self.files.found.is_over() {
            let wrong = match list.next()? {
                Some(record) => self.record(&record)?,
                None => {
                    self.leave_to(0)?;
                    return Ok(());
                }
            };
            if let Some(what) = wrong {
                return Err(list.bad(what));
            }
        }
        Ok(())
    }

    fn root(&mut self, mode: u32, time: Option<Time>) {
        let compared = status_of(self.descent.last()).map(|is| {
            if self.files.is_kind(b"", Kind::Directory, is) {
                self.files.compare_status(b"", mode, time, is);
            }
        });
        // Its own descriptor may have been read already, or be one to go through alone (O_PATH).
        let read = compared
            .and_then(|()| open_directory(self.descent.last(), b""))
            .and_then(|root| Level::read(root.as_fd(), 0));
        self.enter(0, read);
    }

    /// Goes into a directory of that depth, which was read.
    fn enter(&mut self, depth: u32, read: io::Result<Level>) {
        match read {
            Ok(level) => self.levels.push(level),
            Err(error) => {
                self.files.found.failed(&self.path, error);
                self.left_out = Some(depth);
            }
        }
    }

    /// Compares one entry; what is wrong with the list.
    fn record(&mut self, record: &Record<'_>) -> Result<Option<&'static str>, ArchiveError> {
        let depth = record.depth;
        if depth == 0 {
            return Ok(Some("is another root"));
        }
        if self.left_out.is_some_and(|left_out| depth > left_out) {
            return Ok(None);
        }
        self.left_out = None;
        self.leave_to(depth as usize)?;
        if self.levels.len() != depth as usize {
            return Ok(Some("is in no directory"));
        }
        let Some(level) = self.levels.last_mut() else {
            return Ok(Some("is in no directory"));
        };
        if !level.listed.is_empty() && *record.name <= *level.listed {
            return Ok(Some("is not in the order of names"));
        }
        level.listed.clear();
        level.listed.extend_from_slice(record.name);
        let is_there = self.come_to(record.name);
        let is_directory = matches!(record.entry, Entry::Directory { .. });
        match is_there {
            true => self.entry(record)?,
            false => {
                let path = self.path_of(record.name);
                self.files.found.add(&path, Change::Missing);
                self.left_out = is_directory.then_some(depth);
            }
        }
        // In a file there is nothing.
        if !is_directory {
            self.left_out = None;
        }
        Ok(None)
    }

    /// Leaves out the names before `name`, which are not in the list; whether that one is there.
    fn come_to(&mut self, name: &[u8]) -> bool {
        while let Some(next) = self.levels.last_mut().and_then(|level| level.names.pop()) {
            if *next == *name {
                return true;
            }
            if *next > *name {
                if let Some(level) = self.levels.last_mut() {
                    level.names.push(next);
                }
                return false;
            }
            let path = self.path_of(&next);
            self.files.found.add(&path, Change::Extra);
        }
        false
    }

    /// Compares an entry whose name is there.
    fn entry(&mut self, record: &Record<'_>) -> Result<(), ArchiveError> {
        match record.entry {
            Entry::File {
                mode,
                time,
                size,
                digest,
                same,
            } => {
                self.run.push(Listed {
                    name: record.name.to_vec(),
                    mode,
                    time,
                    size,
                    digest,
                    same,
                });
                self.run_bytes = self.run_bytes.saturating_add(size);
                match self.run.len() == RUN || self.run_bytes >= RUN_BYTES {
                    true => self.end_run(),
                    false => Ok(()),
                }
            }
            Entry::Symlink { time, target } => {
                let path = self.path_of(record.name);
                if let Err(error) = self.symlink(&path, record.name, time, target) {
                    self.files.found.failed(&path, error);
                }
                Ok(())
            }
            Entry::Directory { mode, time } => {
                self.end_run()?;
                let above = self.path.len();
                join(&mut self.path, record.name);
                let entered = self.directory(record.name, mode, time, above);
                let was_read = matches!(entered, Ok(Some(_)));
                match entered {
                    Ok(Some(level)) => self.levels.push(level),
                    Ok(None) => self.left_out = Some(record.depth),
                    Err(error) => self.enter(record.depth, Err(error)),
                }
                if !was_read {
                    self.path.truncate(above);
                }
                Ok(())
            }
        }
    }

    fn symlink(&self, path: &[u8], name: &[u8], time: Time, target: &[u8]) -> io::Result<()> {
        let directory = self.descent.last();
        let is = status(directory, name)?;
        if self.files.is_kind(path, Kind::Symlink, is) {
            self.files.compare_status(path, is.mode, Some(time), is);
            if link_target(directory, name)? != target {
                self.files.found.add(path, Change::Target);
            }
        }
        Ok(())
    }

    /// Compares the directory at the path where the walk is and goes into it; `None`: it is none.
    fn directory(
        &mut self,
        name: &[u8],
        mode: u32,
        time: Option<Time>,
        above: usize,
    ) -> io::Result<Option<Level>> {
        let is = status(self.descent.last(), name)?;
        if !self.files.is_kind(&self.path, Kind::Directory, is) {
            return Ok(None);
        }
        self.files.compare_status(&self.path, mode, time, is);
        self.descent.enter(name)?;
        match Level::read(self.descent.last(), above) {
            Ok(level) => Ok(Some(level)),
            Err(error) => {
                self.descent.leave()?;
                Err(error)
            }
        }
    }

    /// Leaves directories until the way has no more than `depth` of them, the root included.
    fn leave_to(&mut self, depth: usize) -> Result<(), ArchiveError> {
        while self.levels.len() > depth {
            self.end_run()?;
            let Some(level) = self.levels.pop() else {
                return Ok(());
            };
            for name in level.names.into_iter().rev() {
                let path = self.path_of(&name);
                self.files.found.add(&path, Change::Extra);
            }
            self.path.truncate(level.above);
            if !self.levels.is_empty() {
                self.descent.leave().map_err(not_compared)?;
            }
        }
        Ok(())
    }

    /// Gives the files that were come to since to another thread, or compares them.
    fn end_run(&mut self) -> Result<(), ArchiveError> {
        self.run_bytes = 0;
        if self.run.is_empty() {
            return Ok(());
        }
        let run = Run {
            directory: self
                .descent
                .last()
                .try_clone_to_owned()
                .map_err(not_compared)?,
            path: self.path.clone(),
            files: std::mem::take(&mut self.run),
        };
        if let Some(run) = self.queue.push(run) {
            self.files.compare(&mut self.reader, &run);
        }
        Ok(())
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        join(&mut path, name);
        path
    }
}

impl Level {
    /// Of an open directory.
    fn read(directory: BorrowedFd<'_>, above: usize) -> io::Result<Self> {
        let mut names = names(directory)?;
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Self {
            names,
            listed: Vec::new(),
            above,
        })
    }
}
