//! Random trees, as data: a number names a tree, which is the same one every time.

use crate::contents::{Content, ContentKind};
use crate::differential::random_names::{Names, random_name};
use crate::mutations::Random;

/// What tools and their formats can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holds {
    pub(crate) names: Names,
    /// The first and the last modification time, in seconds since 1970.
    pub(crate) seconds: (i64, i64),
    /// Of a symbolic link, in bytes.
    pub(crate) longest_target: usize,
}

/// An entry of a tree; directories come before what is in them.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) path: Vec<u8>,
    pub(crate) what: What,
    /// 0 to 07777.
    pub(crate) mode: u32,
    /// Since 1970.
    pub(crate) seconds: i64,
}

#[derive(Debug)]
pub(crate) enum What {
    Directory,
    File(Content),
    Symlink(Vec<u8>),
    /// Another name of the entry with that number.
    HardLink(usize),
}

const KIBIBYTE: usize = 1 << 10;
/// Where blocks of the formats and buffers of the extractor end.
const BORDERS: [usize; 6] = [
    4 * KIBIBYTE,
    8 * KIBIBYTE,
    64 * KIBIBYTE,
    128 * KIBIBYTE,
    256 * KIBIBYTE,
    1024 * KIBIBYTE,
];
/// Bytes of all files of a tree together; a few trees have one of [`LARGE`] more.
const BYTES: usize = 1200 * KIBIBYTE;
/// Above what an extractor gives to one thread.
const LARGE: usize = 4200 * KIBIBYTE;

/// The tree with that number.
pub(crate) fn random_tree(number: u64, holds: &Holds) -> Vec<Node> {
    let mut tree = RandomTree {
        random: Random::of(number),
        holds: *holds,
        nodes: Vec::new(),
        directories: vec![Vec::new()],
    };
    tree.add_directories();
    tree.add_files();
    tree.add_links();
    tree.nodes
}

struct RandomTree {
    random: Random,
    holds: Holds,
    nodes: Vec<Node>,
    /// Their paths; the root is among them.
    directories: Vec<Vec<u8>>,
}

impl RandomTree {
    fn add_directories(&mut self) {
        for _ in 0..self.random.below(12) {
            let parent = self.any_directory();
            self.add_directory(parent);
        }
        if self.random.below(3) == 0 {
            let mut parent = self.any_directory();
            for _ in 0..self.random.below(30) {
                let path = [&parent[..], b"/d"].concat();
                parent = path.strip_prefix(b"/").unwrap_or(&path).to_vec();
                if self.nodes.iter().any(|node| node.path == parent) {
                    break;
                }
                self.add(parent.clone(), What::Directory);
                self.directories.push(parent.clone());
            }
        }
    }

    fn add_directory(&mut self, parent: Vec<u8>) {
        let path = self.new_path(&parent);
        self.directories.push(path.clone());
        self.add(path, What::Directory);
    }

    fn add_files(&mut self) {
        let mut left = BYTES;
        for _ in 0..3 + self.random.below(30) {
            let content = self.content(left);
            left -= content.length.min(left);
            self.add_file(content);
        }
        // Of all processors.
        let length = 80 * KIBIBYTE + self.random.below(80 * KIBIBYTE);
        let seed = self.random.next() % 5;
        self.add_file(Content {
            kind: ContentKind::Calls,
            length,
            seed,
        });
        if self.random.below(8) == 0 {
            let length = LARGE + self.random.below(LARGE);
            let kind = self.kind();
            self.add_file(Content {
                kind,
                length,
                seed: 7,
            });
        }
        if self.random.below(4) == 0 {
            // More than one block of a directory's listing, and of inodes, holds.
            let parent = self.any_directory();
            for _ in 0..self.random.below(700) {
                let path = self.new_path(&parent);
                let content = Content {
                    kind: ContentKind::Text,
                    length: self.random.below(40),
                    seed: self.random.next() % 1000,
                };
                self.add(path, What::File(content));
            }
        }
    }

    fn add_file(&mut self, content: Content) {
        let parent = self.any_directory();
        let path = self.new_path(&parent);
        self.add(path, What::File(content));
    }

    /// A content of `most` bytes, now and then that of a file before it.
    fn content(&mut self, most: usize) -> Content {
        let before = self.random.below(self.nodes.len() + 1);
        let again = match self.nodes.get(before).map(|node| &node.what) {
            Some(What::File(content)) if content.length <= most => Some(*content),
            _ => None,
        };
        match again {
            Some(content) if self.random.below(3) == 0 => content,
            _ => Content {
                kind: self.kind(),
                length: self.length().min(most),
                seed: self.random.next() % 50,
            },
        }
    }

    fn kind(&mut self) -> ContentKind {
        match self.random.below(8) {
            0 | 1 => ContentKind::Noise,
            2 => ContentKind::Zeros,
            3 => ContentKind::Islands,
            4 => ContentKind::Calls,
            _ => ContentKind::Text,
        }
    }

    fn length(&mut self) -> usize {
        let border = BORDERS[self.random.below(BORDERS.len())];
        match self.random.below(10) {
            0 => 0,
            1 => 1,
            2..=5 => border - 1 + self.random.below(3),
            6 => border + self.random.below(border),
            _ => self.random.below(10_000),
        }
    }

    fn add_links(&mut self) {
        for _ in 0..self.random.below(8) {
            let target = self.target();
            let parent = self.any_directory();
            let path = self.new_path(&parent);
            self.add(path, What::Symlink(target));
        }
        for _ in 0..self.random.below(5) {
            let to = self.random.below(self.nodes.len());
            if matches!(self.nodes[to].what, What::File(_) | What::Symlink(_)) {
                let parent = self.any_directory();
                let path = self.new_path(&parent);
                self.add(path, What::HardLink(to));
            }
        }
    }

    fn target(&mut self) -> Vec<u8> {
        let target = match self.random.below(7) {
            0 => b"/nowhere/at all".to_vec(),
            1 => b"../../..".to_vec(),
            2 => b".".to_vec(),
            3 => b"/proc/self/cwd".to_vec(),
            4 => {
                let length = 1 + self.random.below(self.holds.longest_target);
                b"long/".iter().copied().cycle().take(length).collect()
            }
            5 => {
                let node = self.random.below(self.nodes.len());
                self.nodes[node].path.clone()
            }
            _ => random_name(&mut self.random, self.holds.names),
        };
        match target.len() > self.holds.longest_target {
            true => b"shorter".to_vec(),
            false => target,
        }
    }

    fn add(&mut self, path: Vec<u8>, what: What) {
        let mode = match self.random.below(3) {
            0 => 0o755,
            1 => self.random.below(0o1000) as u32,
            _ => self.random.below(0o10000) as u32,
        };
        let seconds = self.seconds();
        self.nodes.push(Node {
            path,
            what,
            mode,
            seconds,
        });
    }

    fn seconds(&mut self) -> i64 {
        const YEAR_1980: i64 = 315_532_800;
        const LAST_OF_32_BITS: i64 = i32::MAX as i64;
        let (first, last) = self.holds.seconds;
        let near = self.random.below(100_000) as i64 - 50_000;
        let seconds = match self.random.below(10) {
            0 => first,
            1 => last,
            2 => near,
            3 => YEAR_1980 + near,
            4 => LAST_OF_32_BITS + near,
            5 => LAST_OF_32_BITS + 1,
            6 => first + self.random.below((last - first) as usize) as i64,
            _ => 1_000_000_000 + self.random.below(500_000_000) as i64,
        };
        seconds.clamp(first, last)
    }

    fn any_directory(&mut self) -> Vec<u8> {
        let number = self.random.below(self.directories.len());
        self.directories[number].clone()
    }

    fn new_path(&mut self, parent: &[u8]) -> Vec<u8> {
        loop {
            let mut path = parent.to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend(random_name(&mut self.random, self.holds.names));
            // With room below it.
            let fits = path.len() < 3000 && path.split(|byte| *byte == b'/').count() < 30;
            if fits && !self.nodes.iter().any(|node| node.path == path) {
                return path;
            }
            if !fits {
                return self.new_path(b"");
            }
        }
    }
}
