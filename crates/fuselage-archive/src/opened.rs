//! The directories that one thread has open: the one that it was in last, and those on the way to
//! it. A step to a directory near by costs the same however deep it is.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use fuselage_linux::beneath;

use crate::tree::Tree;

/// Directories that one thread holds open at most; honest trees are hardly deeper.
const HELD: usize = 32;
/// And all threads together, of the 1,024 descriptors that a process has where nobody raised it.
const TOGETHER: usize = 128;

pub(crate) struct Opened {
    /// Each is in the one before it.
    way: VecDeque<(u32, OwnedFd)>,
    most: usize,
}

impl Opened {
    /// For one of so many threads.
    pub(crate) fn of_threads(threads: usize) -> Self {
        Self {
            way: VecDeque::new(),
            most: (TOGETHER / threads.max(1)).clamp(2, HELD),
        }
    }

    /// The directory of `tree`, whose root is `into`, with that number.
    pub(crate) fn get<'a>(
        &'a mut self,
        tree: &Tree,
        into: BorrowedFd<'a>,
        number: u32,
    ) -> io::Result<BorrowedFd<'a>> {
        let below = self.leave_for(tree, number);
        let (near, far) = below.split_at(below.len().min(self.most));
        if let Some(last) = far.first() {
            let names: Vec<&[u8]> = far.iter().rev().map(|far| name(tree, *far)).collect();
            self.enter(into, *last, &names.join(&b'/'))?;
        }
        for number in near.iter().rev() {
            self.enter(into, *number, name(tree, *number))?;
        }
        Ok(self.last(into))
    }

    /// Closes what is not on the way to a directory; the numbers of those that are to be opened,
    /// itself first.
    fn leave_for(&mut self, tree: &Tree, number: u32) -> Vec<u32> {
        let directory = |number: u32| &tree.directories[number as usize];
        let (mut at, mut below) = (number, Vec::new());
        loop {
            let held = self.way.back().map_or(0, |(held, _)| *held);
            if at == held {
                return below;
            }
            if directory(at).depth > directory(held).depth {
                below.push(at);
                at = directory(at).parent;
            } else {
                self.way.pop_back();
            }
        }
    }

    fn last<'a>(&'a self, into: BorrowedFd<'a>) -> BorrowedFd<'a> {
        self.way.back().map_or(into, |(_, last)| last.as_fd())
    }

    fn enter(&mut self, into: BorrowedFd<'_>, number: u32, path: &[u8]) -> io::Result<()> {
        let opened = beneath::open_directory(self.last(into), path)?;
        self.way.push_back((number, opened));
        if self.way.len() > self.most {
            self.way.pop_front();
        }
        Ok(())
    }
}

fn name(tree: &Tree, number: u32) -> &[u8] {
    tree.name(tree.directories[number as usize].name)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::directory_writer::make_directories;
    use crate::limits::Limits;
    use crate::tree::Time;

    const LIMITS: Limits = Limits {
        entries: 10_000,
        bytes: 0,
        depth: 1000,
        name_length: 4095,
        ratio: 1,
    };
    const DEEP: u32 = 300;

    /// A way down, and at each step of it, and at its end, some directories beside it; the numbers
    /// of the way, and of those at its end.
    fn tree() -> (Tree, Vec<u32>, Vec<u32>) {
        let mut tree = Tree::new(&LIMITS, 1);
        let time = Time {
            seconds: 0,
            nanoseconds: 0,
        };
        let mut add =
            |parent, name: &[u8]| tree.add_directory_in(parent, name, 0o755, time).unwrap();
        let mut way = vec![0];
        for step in 0..DEEP as usize {
            let beside = add(way[step], b"beside");
            add(beside, b"below");
            way.push(add(way[step], b"d"));
        }
        let last = way[DEEP as usize];
        let ends = (0..10)
            .map(|number| add(last, format!("{number}").as_bytes()))
            .collect();
        (tree, way, ends)
    }

    #[test]
    fn a_step_opens_one_directory_however_deep() {
        let (tree, way, ends) = tree();
        let place = tempfile::tempdir().unwrap();
        let root = File::open(place.path()).unwrap();
        make_directories(&tree, root.as_fd()).unwrap();
        let mut opened = Opened::of_threads(2);
        for number in way[1..].iter().chain(&ends) {
            assert_eq!(opened.leave_for(&tree, *number), [*number]);
            opened.get(&tree, root.as_fd(), *number).unwrap();
            assert!(opened.way.len() <= HELD);
        }
        // Back to the root and down again, all at once.
        opened.get(&tree, root.as_fd(), 0).unwrap();
        assert_eq!(opened.leave_for(&tree, ends[0]).len(), DEEP as usize + 1);
    }

    #[test]
    fn every_directory_is_found_from_every_other() {
        let (tree, ..) = tree();
        let place = tempfile::tempdir().unwrap();
        let root = File::open(place.path()).unwrap();
        make_directories(&tree, root.as_fd()).unwrap();
        let expected: Vec<u64> = (0..tree.directories.len() as u32)
            .map(|number| {
                let open = beneath::open_directory(root.as_fd(), &tree.directory_path(number));
                File::from(open.unwrap()).metadata().unwrap().ino()
            })
            .collect();
        for threads in [1, 16, 1000] {
            let mut opened = Opened::of_threads(threads);
            for step in [1, 2, 3, 97, 451] {
                for number in 0..expected.len() {
                    let number = number * step % expected.len();
                    let found = opened.get(&tree, root.as_fd(), number as u32).unwrap();
                    let found = File::from(found.try_clone_to_owned().unwrap());
                    assert_eq!(found.metadata().unwrap().ino(), expected[number]);
                }
            }
        }
    }
}
