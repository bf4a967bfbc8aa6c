//! The paths of entries, which hold names only.

use crate::tree::{Leaf, Tree};

impl Tree {
    /// The path of a file or a link.
    pub(crate) fn path(&self, leaf: &Leaf) -> Vec<u8> {
        self.path_in(leaf.directory, self.name(leaf.name))
    }

    /// Whether that is the path of a file or a link.
    pub(crate) fn is_path(&self, path: &[u8], leaf: &Leaf) -> bool {
        let above = path.strip_suffix(self.name(leaf.name));
        above.is_some_and(|above| self.leads_to(above, leaf.directory))
    }

    /// Whether that is the path of a directory.
    pub(crate) fn is_directory_path(&self, path: &[u8], number: u32) -> bool {
        let directory = &self.directories[number as usize];
        let above = path.strip_suffix(self.name(directory.name));
        above.is_some_and(|above| self.leads_to(above, directory.parent))
    }

    /// Whether that is what paths of what is in a directory begin with.
    fn leads_to(&self, mut rest: &[u8], mut number: u32) -> bool {
        while number != 0 {
            let directory = &self.directories[number as usize];
            let above = rest.strip_suffix(b"/");
            match above.and_then(|above| above.strip_suffix(self.name(directory.name))) {
                Some(above) => rest = above,
                None => return false,
            }
            number = directory.parent;
        }
        rest.is_empty()
    }

    /// The path of a directory; empty for the root.
    pub(crate) fn directory_path(&self, mut number: u32) -> Vec<u8> {
        let mut names = Vec::new();
        while number != 0 {
            let directory = &self.directories[number as usize];
            names.push(self.name(directory.name));
            number = directory.parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// The path of `name` in a directory.
    pub(crate) fn path_in(&self, directory: u32, name: &[u8]) -> Vec<u8> {
        let mut path = self.directory_path(directory);
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// Components and bytes of the path of `name` in a directory.
    pub(crate) fn place_in(&self, parent: u32, name: &[u8]) -> (u32, usize) {
        let parent = &self.directories[parent as usize];
        let separator = usize::from(parent.depth > 0);
        (
            parent.depth.saturating_add(1),
            parent.path_length + separator + name.len(),
        )
    }
}
