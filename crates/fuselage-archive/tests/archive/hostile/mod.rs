//! Archives that no honest tool makes: one table of every attack in every format that can hold it.
//!
//! `matrix.rs` says what a row is; the other files have the rows, by what they are about. A cell
//! says why its format cannot hold the attack, or has an archive that is refused, with a twin that
//! is not, or one that is allowed. `docs/hostile-archives.md` shows the table; hostile.test.ts runs
//! fuselage with the same archives, which `fixtures.rs` writes.

mod bombs;
mod conflicts;
mod document;
mod fixtures;
mod kinds;
mod links;
mod matrix;
mod names;
mod overlapping;
mod quine;
mod tables;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fuselage_archive::{ArchiveError, Extracted, Format, Limits};

use crate::elf_builder::{LITTLE_64, elf};
use crate::hostile::matrix::{Case, Cell, GROUPS, Holds, Node, Outcome};
use crate::place::Place;

/// How an archive stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Plain,
    RightBehindProgram,
    AlignedBehindProgram,
    Base64,
}

impl Carrier {
    const ALL: [Self; 4] = [
        Self::Plain,
        Self::RightBehindProgram,
        Self::AlignedBehindProgram,
        Self::Base64,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::RightBehindProgram => "right behind a program",
            Self::AlignedBehindProgram => "aligned behind a program",
            Self::Base64 => "base64",
        }
    }

    fn carry(self, archive: &[u8]) -> Vec<u8> {
        let mut program = elf(LITTLE_64, 333);
        match self {
            Self::Plain => return archive.to_vec(),
            Self::Base64 => return STANDARD.encode(archive).into_bytes(),
            Self::RightBehindProgram => {}
            Self::AlignedBehindProgram => program.resize(program.len().next_multiple_of(4096), 0),
        }
        program.extend(archive);
        program
    }

    fn is_behind_a_program(self) -> bool {
        matches!(self, Self::RightBehindProgram | Self::AlignedBehindProgram)
    }

    /// Those in which a case is tried.
    fn of(case: &Case) -> &'static [Self] {
        const MUCH: usize = 1 << 18;
        const MANY: u64 = 400;
        match case.archive.len() > MUCH || case.entries() > MANY {
            true => &Self::ALL[..1],
            false => &Self::ALL,
        }
    }
}

/// Extracts it, and sees that nothing outside was touched.
fn extract(
    format: &'static str,
    carrier: Carrier,
    archive: &[u8],
    limits: Limits,
) -> (Place, Result<Extracted, ArchiveError>) {
    let place = Place::of(format);
    let outside = place.outside();
    let extracted = place.extract_detected(&carrier.carry(archive), limits);
    assert_eq!(place.outside(), outside);
    (place, extracted)
}

/// Why the tree is another one.
fn wrong_tree(
    (place, extracted): &(Place, Result<Extracted, ArchiveError>),
    holds: &Holds,
) -> Option<String> {
    let extracted = match extracted {
        Ok(extracted) => extracted,
        Err(error) => return Some(error.to_string()),
    };
    let nodes = match holds {
        Holds::Entries(count) => {
            return (extracted.entries != *count).then(|| format!("{} entries", extracted.entries));
        }
        Holds::Exactly(nodes) => nodes,
    };
    let mut wanted = nodes.clone();
    wanted.sort();
    let found: Vec<Node> = place
        .tree()
        .into_iter()
        .map(|(path, (mode, _, content))| Node {
            path,
            mode,
            content,
        })
        .collect();
    let shown = |nodes: &[Node]| {
        let lines = nodes.iter().map(|node| {
            let content = &node.content[..node.content.len().min(40)];
            format!(
                "{:o} {} {}",
                node.mode,
                node.path.escape_ascii(),
                content.escape_ascii()
            )
        });
        lines.collect::<Vec<_>>().join("\n  ")
    };
    (found != wanted).then(|| format!("is\n  {}\nin place of\n  {}", shown(&found), shown(&wanted)))
}

/// Why another thing becomes of it.
fn wrong(format: &'static str, carrier: Carrier, case: &Case) -> Option<String> {
    // A million files take minutes where each is written to a disk: hostile.test.ts extracts them.
    const LISTED_ONLY: u64 = 100_000;
    if case.entries() > LISTED_ONLY {
        let listed = Place::of(format).listed(&case.archive, &case.limits);
        return (listed.ok() != Some(case.entries())).then(|| "is listed otherwise".to_owned());
    }
    let done = extract(format, carrier, &case.archive, case.limits);
    let refusal = match &case.outcome {
        Outcome::Allowed(holds) => return wrong_tree(&done, holds),
        Outcome::Refused(refusal) => refusal,
    };
    let (code, message) = match &done.1 {
        Ok(_) => return Some("is extracted".to_owned()),
        Err(error) => (error.code(), error.to_string()),
    };
    let unseen = case.unseen_behind_a_program && carrier.is_behind_a_program();
    let (wanted, begins) = match unseen {
        true => ("ARCHIVE_UNRECOGNISED", "it looks like an ELF program"),
        false => (refusal.code, &refusal.message[..]),
    };
    if code.strip_prefix("ERR_") != Some(wanted) || !message.starts_with(begins) {
        return Some(format!(
            "{code}: {message}\nin place of\n{wanted}: {begins}"
        ));
    }
    let (twin, holds) = &refusal.twin;
    let twin = extract(format, carrier, twin, case.limits);
    wrong_tree(&twin, holds).map(|wrong| format!("the twin: {wrong}"))
}

fn all_of(group: usize) {
    let (_, attacks) = GROUPS[group];
    let mut failures = Vec::new();
    for attack in attacks() {
        for (format, cell) in attack.cells() {
            let Cell::Held(case) = cell else { continue };
            for carrier in Carrier::of(case) {
                if let Some(wrong) = wrong(format, *carrier, case) {
                    let (name, carrier) = (attack.name, carrier.name());
                    failures.push(format!("{name}, {format}, {carrier}: {wrong}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn attacks_by_names_end_as_the_table_says() {
    all_of(0);
}

#[test]
fn attacks_by_several_entries_at_one_path_end_as_the_table_says() {
    all_of(1);
}

#[test]
fn attacks_by_kinds_of_entries_end_as_the_table_says() {
    all_of(2);
}

#[test]
fn bombs_and_content_that_lies_end_as_the_table_says() {
    all_of(3);
}

#[test]
fn attacks_by_tables_end_as_the_table_says() {
    all_of(4);
    assert_eq!(GROUPS.len(), 5, "a group is tested by nobody");
}

/// A format more wants a column more.
#[test]
fn the_table_has_a_column_for_every_format_and_tries_every_carrier() {
    let columns = GROUPS[0].1()[0].cells().map(|(format, _)| format);
    let carriers = ["an image behind an ELF program", "base64 text of these"];
    let accepted: Vec<&str> = Format::accepted().collect();
    let mut known: Vec<&str> = columns.into_iter().chain(carriers).collect();
    known.sort_by_key(|name| accepted.iter().position(|accepted| accepted == name));
    assert_eq!(known, accepted);
}
