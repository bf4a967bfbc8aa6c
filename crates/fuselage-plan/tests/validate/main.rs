//! Every plan of the kind that node makes is accepted; spoiled in any one place it is not.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod corruption;
mod sound;

use fuselage_plan::*;
use proptest::prelude::*;

use corruption::{corruption, decoded_as, spoil};
use sound::plan;

/// Words of the question.
const WORDS: usize = 5;

proptest! {
    #[test]
    fn what_node_makes_is_accepted(plan in plan()) {
        prop_assert_eq!(validate(&plan, WORDS), Ok(()));
    }

    #[test]
    fn what_is_decoded_is_extracted_without_a_format(mut plan in plan()) {
        plan.steps.extend(decoded_as(None, 0));
        prop_assert_eq!(validate(&plan, WORDS), Ok(()));
    }

    #[test]
    fn any_one_corruption_is_found(mut plan in plan(), corruption in corruption()) {
        spoil(&mut plan, &corruption);
        prop_assert!(validate(&plan, WORDS).is_err(), "{corruption:?}: {plan:?}");
    }

    #[test]
    fn every_plan_survives_json(plan in plan()) {
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<MountPlan>(&text).unwrap(), plan);
    }
}
