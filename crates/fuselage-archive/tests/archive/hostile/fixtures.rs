//! The archives of the table as files, for runs of fuselage with them.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fuselage_archive::Limits;
use serde_json::{Value, json};

use crate::hostile::Carrier;
use crate::hostile::matrix::{Case, Cell, DEFAULTS, GROUPS, Holds, Outcome};
use crate::mutations::long;

/// The attack that is written in every carrier; others are so where tests may take long.
const CARRIED: &str = "a link, then a file written through it";

/// The test of whoever wants the files names a directory for them.
const DIRECTORY: &str = "FUSELAGE_TEST_HOSTILE_DIRECTORY";

fn holds(holds: &Holds) -> Value {
    let nodes = match holds {
        Holds::Entries(count) => return json!({ "entries": count }),
        Holds::Exactly(nodes) => nodes,
    };
    let mut nodes = nodes.clone();
    nodes.sort();
    let nodes = nodes.iter().map(|node| {
        let path = STANDARD.encode(&node.path);
        json!({ "path": path, "mode": format!("{:o}", node.mode & 0o777) })
    });
    json!({ "entries": nodes.len(), "nodes": nodes.collect::<Vec<_>>() })
}

fn limits(limits: &Limits) -> Value {
    json!({
        "entries": limits.entries,
        "bytes": limits.bytes,
        "depth": limits.depth,
        "nameLength": limits.name_length,
        "ratio": limits.ratio,
    })
}

/// Writes one case; what there is to know of it.
fn write(to: &Path, name: &str, carrier: Carrier, case: &Case) -> Value {
    let put = |name: String, archive: &[u8]| {
        fs::write(to.join(&name), carrier.carry(archive)).unwrap();
        name
    };
    let file = put(name.to_owned(), &case.archive);
    let (refused, harmless) = match &case.outcome {
        Outcome::Allowed(tree) => (Value::Null, json!({ "file": file, "holds": holds(tree) })),
        Outcome::Refused(refusal) => {
            let (twin, tree) = &refusal.twin;
            let refused = json!({
                "file": file,
                "code": format!("ERR_{}", refusal.code),
                "message": refusal.message,
            });
            let twin = put(format!("{name}-twin"), twin);
            (refused, json!({ "file": twin, "holds": holds(tree) }))
        }
    };
    json!({ "limits": limits(&case.limits), "refused": refused, "harmless": harmless })
}

#[test]
fn every_cell_is_written_with_what_becomes_of_it() {
    let temporary = tempfile::tempdir().unwrap();
    let to = std::env::var_os(DIRECTORY).map_or(temporary.path().to_owned(), PathBuf::from);
    let mut cases = Vec::new();
    let attacks = GROUPS.into_iter().flat_map(|(_, attacks)| attacks());
    for (row, attack) in attacks.enumerate() {
        for (format, cell) in attack.cells() {
            let Cell::Held(case) = cell else { continue };
            let carriers = match Carrier::of(case) {
                [plain, ..] if !long() && attack.name != CARRIED => &[*plain],
                all => all,
            };
            for (number, carrier) in carriers.iter().enumerate() {
                if case.unseen_behind_a_program && carrier.is_behind_a_program() {
                    continue;
                }
                let name = format!("{row:02}-{format}-{number}");
                let mut written = write(&to, &name, *carrier, case);
                let about = json!({
                    "attack": attack.name,
                    "format": format,
                    "carrier": carrier.name(),
                });
                written["about"] = about;
                cases.push(written);
            }
        }
    }
    let index = json!({ "defaults": limits(&DEFAULTS), "cases": cases });
    fs::write(to.join("index.json"), index.to_string()).unwrap();
    let of = |kind: &str| cases.iter().filter(|case| !case[kind].is_null()).count();
    let files = fs::read_dir(&to).unwrap().count();
    assert_eq!(files, of("refused") + of("harmless") + 1);
}
