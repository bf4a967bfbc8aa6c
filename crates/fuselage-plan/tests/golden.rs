//! The golden plans: whole plans that node made, read here and by jest.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use std::fs;
use std::path::Path;

use fuselage_plan::{MountPlan, validate};

/// As many words as the question behind every golden plan had at least.
const WORDS: usize = 10;

fn golden() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut plans: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    plans.sort();
    plans
}

#[test]
fn there_are_golden_plans() {
    assert!(golden().len() >= 5);
}

#[test]
fn every_golden_plan_can_be_executed() {
    for (name, text) in golden() {
        let plan: MountPlan = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(validate(&plan, WORDS), Ok(()), "{name}");
    }
}

#[test]
fn writing_a_golden_plan_again_changes_nothing() {
    for (name, text) in golden() {
        let plan: MountPlan = serde_json::from_str(&text).unwrap();
        let again = serde_json::to_value(&plan).unwrap();
        let original: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, original, "{name}");
    }
}

#[test]
fn a_field_that_no_plan_has_is_refused() {
    let (_, text) = golden().remove(0);
    let mut plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    plan["surprise"] = true.into();
    assert!(serde_json::from_value::<MountPlan>(plan).is_err());
}
