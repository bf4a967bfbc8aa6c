//! The table that finds entries by directory and name.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

/// Which entries there are: their numbers, by hashes of directory and name. Whoever makes an
/// archive must not be able to choose names that collide, so the hash is SipHash with a random key.
#[derive(Debug, Default)]
pub(super) struct Known {
    table: HashTable<Hashed>,
    hasher: RandomState,
}

/// The number of a directory or of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbered {
    Directory(u32),
    Leaf(u32),
}

/// So many entries have numbers.
pub(super) const MOST_ENTRIES: u64 = (1 << 31) - 1;

#[derive(Clone, Copy, Debug)]
struct Hashed {
    hash: u32,
    /// Shifted by one; the lowest bit is set for a leaf.
    number: u32,
}

impl Hashed {
    fn new(hash: u32, numbered: Numbered) -> Self {
        let number = match numbered {
            Numbered::Directory(number) => number << 1,
            Numbered::Leaf(number) => number << 1 | 1,
        };
        Self { hash, number }
    }

    fn numbered(self) -> Numbered {
        match self.number & 1 {
            0 => Numbered::Directory(self.number >> 1),
            _ => Numbered::Leaf(self.number >> 1),
        }
    }

    /// For a table that looks at the upper and at the lower bits.
    fn spread(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

impl Known {
    /// What a name in a directory is found by.
    pub(super) fn hash(&self, directory: u32, name: &[u8]) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(directory);
        hasher.write(name);
        hasher.finish() as u32
    }

    /// The entry with that hash that `is_it`.
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(Numbered) -> bool) -> Option<Numbered> {
        self.table
            .find(Hashed::spread(hash), |hashed| {
                hashed.hash == hash && is_it(hashed.numbered())
            })
            .map(|hashed| hashed.numbered())
    }

    /// Adds an entry that was not found.
    pub(super) fn insert(&mut self, hash: u32, numbered: Numbered) {
        let hashed = Hashed::new(hash, numbered);
        self.table
            .insert_unique(Hashed::spread(hash), hashed, |hashed| {
                Hashed::spread(hashed.hash)
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_hash_are_told_apart() {
        let mut known = Known::default();
        let most = MOST_ENTRIES as u32;
        let entries = [
            Numbered::Directory(0),
            Numbered::Leaf(0),
            Numbered::Directory(most),
            Numbered::Leaf(most),
        ];
        for numbered in entries {
            assert_eq!(known.find(7, |found| found == numbered), None);
            known.insert(7, numbered);
        }
        for numbered in entries {
            assert_eq!(known.find(7, |found| found == numbered), Some(numbered));
            assert_eq!(known.find(8, |found| found == numbered), None);
        }
    }

    #[test]
    fn directory_and_name_both_count() {
        let known = Known::default();
        assert_eq!(known.hash(1, b"a"), known.hash(1, b"a"));
        // Two of them are the same by chance, one time in four billion; nine are not.
        let of_directories: Vec<u32> = (1..10).map(|number| known.hash(number, b"a")).collect();
        let of_names: Vec<u32> = (1..10).map(|byte| known.hash(1, &[byte])).collect();
        for hashes in [of_directories, of_names] {
            assert!(hashes.iter().any(|hash| *hash != hashes[0]), "{hashes:?}");
        }
    }
}
