//! What the table of hostile archives consists of, and all of it.

use fuselage_archive::Limits;

use crate::hostile::{bombs, conflicts, kinds, names, tables};

/// What a run allows that raises no limit. That these are the defaults of `src/config/policy.ts`,
/// hostile.test.ts shows.
pub(crate) const DEFAULTS: Limits = Limits {
    entries: 2_000_000,
    bytes: 256 << 30,
    depth: 512,
    name_length: 4095,
    ratio: 50_000,
};

/// One attack, and what becomes of it in each format.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) zip: Cell,
    pub(crate) squashfs: Cell,
}

impl Attack {
    /// With the names of the formats.
    pub(crate) fn cells(&self) -> [(&'static str, &Cell); 2] {
        // A format more is a field more, and no row without it compiles.
        let Self {
            name: _,
            zip,
            squashfs,
        } = self;
        [("zip", zip), ("squashfs", squashfs)]
    }
}

pub(crate) enum Cell {
    Held(Case),
    /// Why the format has no room for it.
    CannotHold(&'static str),
}

/// An archive that holds the attack.
pub(crate) struct Case {
    pub(crate) archive: Vec<u8>,
    pub(crate) limits: Limits,
    /// Behind a program it is not even recognised.
    pub(crate) unseen_behind_a_program: bool,
    pub(crate) outcome: Outcome,
}

impl Case {
    /// How many entries are extracted.
    pub(crate) fn entries(&self) -> u64 {
        let (Outcome::Allowed(holds)
        | Outcome::Refused(Refusal {
            twin: (_, holds), ..
        })) = &self.outcome;
        match holds {
            Holds::Exactly(nodes) => nodes.len() as u64,
            Holds::Entries(count) => *count,
        }
    }
}

pub(crate) enum Outcome {
    /// What its name says is kept inside, so that there is nothing to refuse.
    Allowed(Holds),
    Refused(Refusal),
}

pub(crate) struct Refusal {
    /// Without `ERR_`.
    pub(crate) code: &'static str,
    /// What the error says, at its beginning.
    pub(crate) message: String,
    /// The same archive with one thing changed, and what it extracts to.
    pub(crate) twin: (Vec<u8>, Holds),
}

/// What there is in a tree.
pub(crate) enum Holds {
    Exactly(Vec<Node>),
    /// Too deep to be looked at by path: the number of entries.
    Entries(u64),
}

/// A path of a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(crate) path: Vec<u8>,
    /// Type and permission bits.
    pub(crate) mode: u32,
    /// Or the target of a link.
    pub(crate) content: Vec<u8>,
}

pub(crate) const HOSTILE: &str = "ARCHIVE_HOSTILE";
pub(crate) const DAMAGED: &str = "ARCHIVE_DAMAGED";
pub(crate) const LIMIT: &str = "ARCHIVE_LIMIT";

/// `archive` is refused, and `twin` extracts to `nodes`.
pub(crate) fn refused(
    code: &'static str,
    message: impl Into<String>,
    archive: Vec<u8>,
    twin: Vec<u8>,
    nodes: Vec<Node>,
) -> Cell {
    held(
        archive,
        Outcome::Refused(Refusal {
            code,
            message: message.into(),
            twin: (twin, Holds::Exactly(nodes)),
        }),
    )
}

/// `archive` extracts to `nodes`.
pub(crate) fn allowed(archive: Vec<u8>, nodes: Vec<Node>) -> Cell {
    held(archive, Outcome::Allowed(Holds::Exactly(nodes)))
}

/// `archive` extracts to so many entries.
pub(crate) fn allowed_entries(archive: Vec<u8>, entries: u64) -> Cell {
    held(archive, Outcome::Allowed(Holds::Entries(entries)))
}

pub(crate) fn cannot_hold(why: &'static str) -> Cell {
    Cell::CannotHold(why)
}

fn held(archive: Vec<u8>, outcome: Outcome) -> Cell {
    Cell::Held(Case {
        archive,
        limits: DEFAULTS,
        unseen_behind_a_program: false,
        outcome,
    })
}

impl Cell {
    /// With other limits than the defaults.
    pub(crate) fn within(mut self, limits: Limits) -> Self {
        if let Self::Held(case) = &mut self {
            case.limits = limits;
        }
        self
    }

    pub(crate) fn unseen_behind_a_program(mut self) -> Self {
        if let Self::Held(case) = &mut self {
            case.unseen_behind_a_program = true;
        }
        self
    }
}

/// A file with the mode that the builders give one.
pub(crate) fn a_file(path: impl AsRef<[u8]>, content: &[u8]) -> Node {
    node(path, 0o100_644, content)
}

pub(crate) fn a_directory(path: impl AsRef<[u8]>) -> Node {
    node(path, 0o040_755, b"")
}

pub(crate) fn a_link(path: impl AsRef<[u8]>, target: &[u8]) -> Node {
    node(path, 0o120_777, target)
}

pub(crate) fn node(path: impl AsRef<[u8]>, mode: u32, content: &[u8]) -> Node {
    Node {
        path: path.as_ref().to_vec(),
        mode,
        content: content.to_vec(),
    }
}

/// What attacks are about, and what makes them.
pub(crate) type Group = (&'static str, fn() -> Vec<Attack>);

/// Every attack.
pub(crate) const GROUPS: [Group; 5] = [
    ("Names", names::attacks),
    ("Several entries at one path", conflicts::attacks),
    ("Kinds of entries", kinds::attacks),
    ("Bombs, and content that lies", bombs::attacks),
    ("Tables", tables::attacks),
];
