//! What follows from what a node has said, and from how it ended.

use std::io;

use fuselage_linux::causes::exhausted;
use fuselage_linux::process::ExitKind;
use fuselage_linux::signals::CALLER_SIGNALS;
use fuselage_plan::Answer;

use crate::ask::candidates::Candidate;
use crate::ask::conversation::Heard;
use crate::ask::{Outcome, Said, no_answer};
use crate::error::{LaunchError, ended};

/// What to do with a node.
pub(crate) enum Next {
    /// Let it end by itself: it has printed and flushed, and its exit hooks may want to run.
    Await(Result<Said, LaunchError>),
    /// End it at once.
    End(Result<Said, LaunchError>),
    /// It ends without a whole answer: how is all there is to know.
    Reap {
        /// Whether it had begun an answer.
        partial: bool,
    },
}

/// What to do with `candidate` after `heard`.
pub(crate) fn next(heard: io::Result<Heard>, candidate: &Candidate) -> Next {
    let no_answer = |how: String| Next::End(Err(no_answer(candidate, how)));
    let frame = match heard {
        Ok(Heard::Frame(frame)) => frame,
        Ok(Heard::Ended { partial }) => return Next::Reap { partial },
        Ok(Heard::Stuck) => return no_answer("did not end of a signal".to_owned()),
        Err(error) if exhausted(&error).is_some() => {
            return Next::End(Err(LaunchError::system("ask node", error)));
        }
        Err(error) => return no_answer(format!("could not be talked to: {error}")),
    };
    match serde_json::from_slice(&frame) {
        Ok(Answer::Done { exit_code }) => Next::Await(Ok(Said::Outcome(Outcome::Done(exit_code)))),
        Ok(Answer::Error { error }) => Next::Await(Err(LaunchError::Reported(error))),
        Ok(Answer::Plan { plan, .. }) => {
            Next::End(Ok(Said::Outcome(Outcome::Plan(Box::new(plan)))))
        }
        Ok(Answer::Job { job }) => Next::End(Ok(Said::Outcome(Outcome::Job(Box::new(job))))),
        Ok(Answer::Unsuitable { reason }) => Next::End(Ok(Said::Unsuitable(reason))),
        Err(error) => no_answer(format!("answered what is no answer: {error}")),
    }
}

/// What it means that `candidate` ended without a whole answer; `partial`: it had begun one.
///
/// # Errors
/// `ERR_NODE_NO_ANSWER`, unless a signal of the caller's has ended it.
pub(crate) fn after_end(
    how: io::Result<ExitKind>,
    partial: bool,
    candidate: &Candidate,
) -> Result<Said, LaunchError> {
    if let Ok(ExitKind::Signaled(signal)) = how
        && CALLER_SIGNALS.contains(&signal)
    {
        return Ok(Said::Killed(signal));
    }
    let how = how.map_or_else(|error| error.to_string(), ended);
    let half = if partial {
        " in the middle of its answer"
    } else {
        ""
    };
    Err(no_answer(candidate, format!("{how}{half}")))
}

#[cfg(test)]
mod tests {
    use fuselage_linux::process::Signal;

    use super::*;

    fn candidate() -> Candidate {
        Candidate {
            program: "/n/node".into(),
            origin: "in PATH",
            exclusive: false,
        }
    }

    fn after(answer: &str) -> Next {
        next(Ok(Heard::Frame(answer.into())), &candidate())
    }

    fn how(error: &LaunchError) -> &str {
        match error {
            LaunchError::NodeNoAnswer { node, how } if node == &candidate().program => how,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn one_that_has_printed_may_end_by_itself() {
        assert!(matches!(
            after(r#"{"answer":"done","exitCode":3}"#),
            Next::Await(Ok(Said::Outcome(Outcome::Done(3))))
        ));
        let error =
            r#"{"code":"ERR_INTERNAL","message":"m","hints":[],"causes":[],"exitCode":125}"#;
        assert!(matches!(
            after(&format!(r#"{{"answer":"error","error":{error}}}"#)),
            Next::Await(Err(LaunchError::Reported(report))) if report.message == "m"
        ));
    }

    #[test]
    fn one_that_has_planned_or_cannot_is_ended() {
        let plan = include_str!("../../../fuselage-plan/golden/root.json");
        assert!(matches!(
            after(&format!(r#"{{"answer":"plan","plan":{plan},"inputs":[]}}"#)),
            Next::End(Ok(Said::Outcome(Outcome::Plan(_))))
        ));
        assert!(matches!(
            after(r#"{"answer":"unsuitable","reason":"old"}"#),
            Next::End(Ok(Said::Unsuitable(reason))) if reason == "old"
        ));
    }

    #[test]
    fn one_that_makes_no_sense_is_ended_and_named() {
        let cases = [
            (
                Ok(Heard::Frame(b"{}".to_vec())),
                "answered what is no answer: ",
            ),
            (Ok(Heard::Stuck), "did not end of a signal"),
            (Err(io::Error::other("x")), "could not be talked to: x"),
        ];
        for (heard, expected) in cases {
            let Next::End(Err(error)) = next(heard, &candidate()) else {
                panic!("not ended: {expected}");
            };
            assert!(how(&error).starts_with(expected));
        }
    }

    #[test]
    fn one_that_ends_is_judged_by_how() {
        for partial in [false, true] {
            let heard = Ok(Heard::Ended { partial });
            assert!(matches!(
                next(heard, &candidate()),
                Next::Reap { partial: same } if same == partial
            ));
        }
        let after = |how, partial| after_end(how, partial, &candidate());
        assert!(matches!(
            after(Ok(ExitKind::Signaled(Signal::SIGINT)), true),
            Ok(Said::Killed(Signal::SIGINT))
        ));
        let cases = [
            (Ok(ExitKind::Exited(7)), false, "ended with exit status 7"),
            (
                Ok(ExitKind::Exited(0)),
                true,
                "ended with exit status 0 in the middle of its answer",
            ),
            (
                Ok(ExitKind::Signaled(Signal::SIGSEGV)),
                false,
                "was killed by SIGSEGV",
            ),
            (Err(io::Error::other("x")), false, "x"),
        ];
        for (end, partial, expected) in cases {
            let Err(error) = after(end, partial) else {
                panic!("no error: {expected}");
            };
            assert_eq!(how(&error), expected);
        }
    }
}
