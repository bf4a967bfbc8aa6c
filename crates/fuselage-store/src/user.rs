//! Who runs this, and whose directories are relied on.

use std::sync::OnceLock;

use fuselage_linux::own_directory::Ownership;
use fuselage_linux::process;
use fuselage_linux::user_ids::{in_user_namespace, overflow_uid};

/// Only the owner of an entry, or of the directory, may rename it.
pub(crate) const STICKY: u32 = 0o1000;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const ROOT: u32 = 0;

/// The user of this process.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// The real uid.
    pub(crate) uid: u32,
    gid: u32,
    effective_uid: u32,
    unmapped: OnceLock<Option<u32>>,
}

/// Who may put something else in the place of an entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intruder {
    /// The user it belongs to.
    Owner(u32),
    /// The members of its group.
    Group(u32),
    /// Everybody.
    Anybody,
}

impl User {
    pub(crate) fn current() -> Self {
        let [uid, effective_uid, gid, _] = process::ids();
        Self {
            uid,
            gid,
            effective_uid,
            unmapped: OnceLock::new(),
        }
    }

    /// The uid that, here, stands for every owner without a place in the uid map; `None` where
    /// every owner has one.
    pub(crate) fn unmapped(&self) -> Option<u32> {
        let read = || in_user_namespace().then(overflow_uid);
        *self.unmapped.get_or_init(read)
    }

    /// Whether what `owner` may do is no danger: root's and the user's own doing. Of a user who has
    /// the rights of another (set-user-ID), neither is the other one.
    pub(crate) fn relies_on(&self, owner: u32) -> bool {
        let own = owner == self.uid && self.uid == self.effective_uid;
        // Root of the host has no place in most uid maps; nobody can be told from it there.
        owner == ROOT || own || self.unmapped() == Some(owner)
    }

    /// Who else could replace an entry that belongs to a user who is relied on, in a directory that
    /// is as `found`.
    pub(crate) fn intruder(&self, found: Ownership) -> Option<Intruder> {
        if !self.relies_on(found.owner) {
            return Some(Intruder::Owner(found.owner));
        }
        if found.mode & STICKY != 0 {
            return None;
        }
        if found.mode & OTHERS_WRITE != 0 {
            return Some(Intruder::Anybody);
        }
        let relied_on = self.relies_on_group(found);
        (found.mode & GROUP_WRITES != 0 && !relied_on).then_some(Intruder::Group(found.group))
    }

    /// Root's group, and in a directory of one's own the group of one's own (umask 002 of systems
    /// that give each user a group).
    fn relies_on_group(&self, found: Ownership) -> bool {
        let own = found.owner == self.uid && found.group == self.gid && self.uid != ROOT;
        // The gid of that kind is the same number as the uid, unless somebody has set one of them.
        found.group == ROOT || own || self.unmapped() == Some(found.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32, effective_uid: u32, unmapped: Option<u32>) -> User {
        User {
            uid,
            gid: uid,
            effective_uid,
            unmapped: OnceLock::from(unmapped),
        }
    }

    fn intruder(user: &User, owner: u32, group: u32, mode: u32) -> Option<Intruder> {
        user.intruder(Ownership { owner, group, mode })
    }

    #[test]
    fn an_ordinary_user_relies_on_root_and_on_itself() {
        let me = user(1000, 1000, None);
        for (owner, group, mode) in [
            (0, 0, 0o755),
            (0, 0, 0o1777),
            (0, 0, 0o775),
            (1000, 1000, 0o700),
            (1000, 1000, 0o775),
            (1000, 50, 0o1777),
        ] {
            assert_eq!(intruder(&me, owner, group, mode), None, "{mode:o}");
        }
        assert_eq!(
            intruder(&me, 1001, 1000, 0o700),
            Some(Intruder::Owner(1001))
        );
        assert_eq!(intruder(&me, 65534, 0, 0o755), Some(Intruder::Owner(65534)));
        assert_eq!(intruder(&me, 1001, 0, 0o1777), Some(Intruder::Owner(1001)));
        assert_eq!(intruder(&me, 0, 0, 0o777), Some(Intruder::Anybody));
        assert_eq!(intruder(&me, 1000, 1000, 0o702), Some(Intruder::Anybody));
        assert_eq!(intruder(&me, 1000, 50, 0o775), Some(Intruder::Group(50)));
        // A directory that root shares among users, and their group.
        assert_eq!(intruder(&me, 0, 1000, 0o775), Some(Intruder::Group(1000)));
    }

    #[test]
    fn root_relies_on_root_alone() {
        let root = user(0, 0, None);
        assert_eq!(intruder(&root, 0, 0, 0o775), None);
        assert_eq!(
            intruder(&root, 1000, 1000, 0o700),
            Some(Intruder::Owner(1000))
        );
        assert_eq!(intruder(&root, 0, 50, 0o775), Some(Intruder::Group(50)));
        // Whoever became root by a set-user-ID program is not root.
        let other = user(1000, 0, None);
        assert_eq!(intruder(&other, 0, 0, 0o755), None);
        assert_eq!(
            intruder(&other, 1000, 1000, 0o700),
            Some(Intruder::Owner(1000))
        );
    }

    #[test]
    fn owners_without_a_number_are_taken_for_root_inside_a_user_namespace() {
        let inside = user(1000, 1000, Some(65534));
        assert_eq!(intruder(&inside, 65534, 65534, 0o775), None);
        assert_eq!(
            intruder(&inside, 1001, 1001, 0o755),
            Some(Intruder::Owner(1001))
        );
        assert_eq!(
            intruder(&inside, 65534, 65534, 0o777),
            Some(Intruder::Anybody)
        );
    }
}
