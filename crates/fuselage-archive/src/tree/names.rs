//! The names of entries, each once and all in one piece of memory.

/// Names without end would be memory without end: so many bytes all names of one archive may have
/// together. That are the names of two million files of a content-addressed store, which are the
/// longest that there are in such numbers: pnpm's have 126 bytes, those of honest trees 12 to 20.
pub(crate) const MOST: u64 = 256 << 20;

/// Where a name is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Name {
    begin: u32,
    length: u8,
}

/// All names.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<u8>);

impl Names {
    /// Adds a component: 255 bytes at most, and [`MOST`] with all others.
    pub(crate) fn add(&mut self, name: &[u8]) -> Name {
        let begin = self.0.len() as u32;
        self.0.extend_from_slice(name);
        Name {
            begin,
            length: name.len() as u8,
        }
    }

    /// Bytes of all of them.
    pub(crate) fn length(&self) -> u64 {
        self.0.len() as u64
    }

    /// The bytes of a name.
    pub(crate) fn get(&self, name: Name) -> &[u8] {
        let begin = name.begin as usize;
        &self.0[begin..begin + usize::from(name.length)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_length_come_back() {
        let mut names = Names::default();
        let added: Vec<Name> = (0..=255)
            .map(|length| names.add(&vec![length; length.into()]))
            .collect();
        for (length, name) in (0..=255).zip(added) {
            assert_eq!(names.get(name), vec![length; length.into()]);
        }
    }
}
