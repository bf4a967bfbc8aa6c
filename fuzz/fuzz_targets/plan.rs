//! What the launcher reads from node: a frame, the answer in it, and the plan in that.
#![no_main]

use fuselage_plan::{Answer, HEADER_LENGTH, Question, frame_length, validate, write_frame};
use libfuzzer_sys::fuzz_target;

/// Words of the question that a plan's program may name.
const WORDS: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    let frame = write_frame(bytes).expect("no input is as long as the limit");
    let (header, payload) = frame
        .split_first_chunk::<HEADER_LENGTH>()
        .expect("it has a header");
    assert_eq!(frame_length(*header), Ok(payload.len()));

    if let Ok(question) = Question::decode(bytes) {
        assert_eq!(Question::decode(&question.encode()), Ok(question));
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(bytes) else {
        return;
    };
    let again = serde_json::to_vec(&answer).expect("what was read can be written");
    assert_eq!(
        serde_json::from_slice::<Answer>(&again).ok().as_ref(),
        Some(&answer)
    );
    if let Answer::Plan { plan, .. } = &answer {
        if let Err(invalid) = validate(plan, WORDS) {
            assert!(!invalid.to_string().is_empty());
        }
    }
});
