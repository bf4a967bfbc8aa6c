//! The way to a directory, by the names on it.

/// The path of a directory that was found last, and what was found on the way: the next is most
/// often near.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) path: Vec<u8>,
    /// Where each component ends in the path, and the number of the directory there.
    pub(super) found: Vec<(usize, u32)>,
}

impl Way {
    /// Goes back to the last directory that is on the way to `path` too: where what follows it
    /// begins in `path`, and its number.
    pub(super) fn to(&mut self, path: &[u8]) -> (usize, u32) {
        let pairs = path.iter().zip(&self.path);
        let common = pairs.take_while(|(one, other)| one == other).count();
        while let Some((end, number)) = self.found.last() {
            if *end <= common && path.get(*end).is_none_or(|byte| *byte == b'/') {
                return (end + 1, *number);
            }
            self.found.pop();
        }
        (0, 0)
    }
}
