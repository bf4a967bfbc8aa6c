//! What is said where fuselage itself gets no memory: words that were there before, since nothing
//! can be allocated any more.

use std::sync::atomic::{AtomicU8, Ordering};

use fuselage_linux::start_memory::OutOfMemory;
use fuselage_linux::{descriptors, process};

use crate::{FAILURE, report};

/// The exit status by which a worker says so.
pub(crate) const OUT_OF_MEMORY: i32 = 12;

macro_rules! code {
    () => {
        "ERR_OUT_OF_MEMORY"
    };
}
macro_rules! message {
    () => {
        "fuselage got no more memory"
    };
}
macro_rules! cause {
    () => {
        "the machine, the control group or the limit `ulimit -v` has none left (ENOMEM)"
    };
}
macro_rules! hint {
    () => {
        "end other programs, or give this one more memory"
    };
}

const TEXT: &str = concat!(
    "fuselage: ",
    message!(),
    " [",
    code!(),
    "]\n  cause: ",
    cause!(),
    "\n  fix: ",
    hint!(),
    "\n"
);

/// The payload of an answer, see [`fuselage_plan::Answer`].
const ANSWER: &str = concat!(
    r#"{"answer":"error","error":{"code":""#,
    code!(),
    r#"","message":""#,
    message!(),
    r#"","hints":[""#,
    hint!(),
    r#""],"causes":[""#,
    cause!(),
    r#""],"exitCode":125}}"#
);

/// Who hears of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listener {
    /// Who reads standard error.
    Person,
    /// The library, on its socket.
    Library,
    /// The launcher, of its worker.
    Launcher,
}

static LISTENER: AtomicU8 = AtomicU8::new(Listener::Person as u8);

/// From now on `listener` hears of it.
pub(crate) fn tell(listener: Listener) {
    LISTENER.store(listener as u8, Ordering::Relaxed);
}

/// For the allocator of the program: ends it with an error.
#[derive(Debug)]
pub struct Ending;

impl OutOfMemory for Ending {
    fn end() -> ! {
        let listener = LISTENER.load(Ordering::Relaxed);
        if listener == Listener::Launcher as u8 {
            process::exit_now(OUT_OF_MEMORY)
        }
        let is_sent = listener == Listener::Library as u8 && send();
        if !is_sent {
            report::print_text(TEXT);
        }
        process::exit_now(FAILURE)
    }
}

/// Without a word if that fails. The few bytes go in one piece.
fn send() -> bool {
    let socket = descriptors::passed();
    let header = (ANSWER.len() as u32).to_le_bytes();
    [&header[..], ANSWER.as_bytes()]
        .into_iter()
        .all(|part| descriptors::send_some(socket, part).is_ok_and(|count| count == part.len()))
}

#[cfg(test)]
mod tests {
    use fuselage_plan::{Answer, ErrorReport};

    use super::*;

    #[test]
    fn the_words_are_those_of_any_other_error() {
        let error = ErrorReport {
            code: code!().into(),
            message: message!().into(),
            hints: vec![hint!().into()],
            causes: vec![cause!().into()],
            exit_code: 125,
        };
        assert_eq!(report::text(&error), TEXT);
        let answer = Answer::Error { error };
        assert_eq!(serde_json::to_string(&answer).unwrap(), ANSWER);
    }
}
