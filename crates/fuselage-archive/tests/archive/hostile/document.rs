//! The table for people.

use std::fs;
use std::path::Path;

use crate::hostile::matrix::{Cell, GROUPS, Outcome};

const DOCUMENT: &str = "../../docs/hostile-archives.md";

/// What is above the first table is written by hand.
fn tables() -> String {
    let mut text = String::new();
    for (group, attacks) in GROUPS {
        text += &format!("\n## {group}\n\n| attack | zip | squashfs |\n| --- | --- | --- |\n");
        for attack in attacks() {
            let [zip, squashfs] = attack.cells().map(|(_, cell)| words(cell));
            text += &format!("| {} | {zip} | {squashfs} |\n", attack.name);
        }
    }
    text
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::CannotHold(why) => format!("*cannot hold it:* {why}"),
        Cell::Held(case) => match &case.outcome {
            Outcome::Refused(refusal) => format!("refused: `ERR_{}`", refusal.code),
            Outcome::Allowed(_) => "extracted".to_owned(),
        },
    }
}

#[test]
fn the_document_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let text = fs::read_to_string(&path).unwrap();
    let by_hand = text.find("\n## ").unwrap_or(text.len());
    let wanted = format!("{}{}", &text[..by_hand], tables());
    if std::env::var_os("FUSELAGE_TEST_WRITE_DOCUMENT").is_some() {
        fs::write(&path, &wanted).unwrap();
    } else {
        let how = "FUSELAGE_TEST_WRITE_DOCUMENT=1 makes this test write it";
        assert!(text == wanted, "{DOCUMENT} is not the table: {how}");
    }
}
