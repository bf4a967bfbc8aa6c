//! Work on archives in a worker: whatever becomes of it, the error names the archive.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use fuselage_archive::{ArchiveError, Progress, Space};
use fuselage_linux::causes;
use fuselage_linux::memory::{free_bytes, memory_facts};
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_linux::signals::ChildSignal;
use fuselage_plan::ErrorReport;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{LaunchError, WorkerEnd};
use crate::execute::progress::{self, Amount, TerminalProgress};
use crate::execute::watchdog::{self, ALLOWANCE, Watchdog};
use crate::execute::worker::{Kept, Worked, Worker};

/// What a question is about.
#[derive(Clone)]
pub(crate) struct About {
    /// What is done to the archive: `extract`.
    pub(crate) verb: &'static str,
    /// The archive.
    pub(crate) path: PathBuf,
}

#[derive(Serialize, Deserialize)]
enum Answer<A> {
    Done(A),
    Failed(ErrorReport),
}

/// A worker that answers `A` to the question `Q`.
pub(crate) struct ArchiveWorker<Q, A> {
    worker: Worker,
    notes: SharedNotes,
    kinds: std::marker::PhantomData<(Q, A)>,
}

impl<Q: Serialize + DeserializeOwned, A: Serialize + DeserializeOwned> ArchiveWorker<Q, A> {
    /// Starts one, in which `answer` is asked, and tells how far it is; see [`Worker::start`] for what
    /// it may do.
    pub(crate) fn start(
        children: &Rc<ChildSignal>,
        kept: &Kept<'_>,
        mut answer: impl FnMut(Q, &Told<'_>) -> Result<A, LaunchError>,
    ) -> Result<Self, LaunchError> {
        let notes =
            SharedNotes::new().map_err(|error| LaunchError::system("share memory", error))?;
        let told = Told(&notes);
        let worker = Worker::start(children, kept, |question| {
            let answer = serde_json::from_slice(question)
                .map_err(|error| LaunchError::system("read the question", error.into()))
                .and_then(|question| answer(question, &told));
            let answer = match answer {
                Ok(answer) => Answer::Done(answer),
                Err(error) => Answer::Failed(error.into_report()),
            };
            serde_json::to_vec(&answer).unwrap_or_default()
        })
        .map_err(|error| LaunchError::system("start a process to read archives in", error))?;
        // Another worker, which is started later, must not write what this one is at.
        notes
            .keep_from_children()
            .map_err(|error| LaunchError::system("share memory", error))?;
        Ok(Self {
            worker,
            notes,
            kinds: std::marker::PhantomData,
        })
    }

    /// Asks it, and shows how far it is; it writes to the file system of `directory`.
    pub(crate) fn ask(
        &mut self,
        question: &Q,
        about: &About,
        directory: BorrowedFd<'_>,
        mut progress: Option<&mut TerminalProgress>,
    ) -> Result<A, LaunchError> {
        let question = serde_json::to_vec(question)
            .map_err(|error| LaunchError::system("ask the worker", error.into()))?;
        let interval = match progress {
            Some(_) => progress::INTERVAL,
            None => watchdog::INTERVAL,
        };
        let notes = &self.notes;
        let mut watchdog = Watchdog::new(ALLOWANCE);
        let look = |used: Duration| {
            let counts = notes.counts();
            if let Some(progress) = &mut progress {
                progress.show(&about.path, Amount::of(counts));
            }
            // An entry that was begun, or anything that was written.
            let written = free_bytes(directory).ok();
            watchdog.is_stuck((notes.read(), counts, written), used)
        };
        let worked = self
            .worker
            .ask(&question, interval, look)
            .map_err(|error| LaunchError::system("ask the worker", error))?;
        match worked {
            Worked::Answer(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Answer::Done(answer)) => Ok(answer),
                Ok(Answer::Failed(report)) => match reported(report) {
                    Some(report) => Err(LaunchError::Reported(report)),
                    None => Err(self.died(about, WorkerEnd::Broken("its error is none of ours"))),
                },
                Err(_) => Err(self.died(about, WorkerEnd::Broken("its answer makes no sense"))),
            },
            Worked::Broken(why) => Err(self.died(about, WorkerEnd::Broken(why))),
            Worked::Died(how) => Err(self.died(about, WorkerEnd::Died(how))),
            Worked::Stuck => Err(self.died(about, WorkerEnd::Stuck(ALLOWANCE))),
        }
    }

    fn died(&self, about: &About, how: WorkerEnd) -> LaunchError {
        let entries = self.notes.read();
        let entries = entries
            .iter()
            .map(|note| String::from_utf8_lossy(note).into_owned());
        LaunchError::WorkerDied {
            verb: about.verb,
            archive: about.path.clone(),
            how,
            entries: entries.collect(),
        }
    }
}

/// The error of a worker, as far as it is one: its texts are cut, since they are for people. It says
/// why it failed, not how a run that fails ends.
fn reported(report: ErrorReport) -> Option<ErrorReport> {
    /// The code of every error is a word of this kind.
    const CODE_LENGTH: usize = 40;
    let is_code = report.code.starts_with("ERR_")
        && report.code.len() <= CODE_LENGTH
        && report
            .code
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is_code.then(|| ErrorReport {
        code: report.code,
        message: cut(report.message),
        hints: cut_all(report.hints),
        causes: cut_all(report.causes),
        exit_code: 125,
    })
}

fn cut_all(texts: Vec<String>) -> Vec<String> {
    /// More than any error of ours has.
    const TEXTS: usize = 16;
    texts.into_iter().take(TEXTS).map(cut).collect()
}

fn cut(mut text: String) -> String {
    /// Bytes. Two paths of 4,095 bytes, the most that a name may have unless told, each byte of them
    /// written as an escape.
    const LONGEST: usize = 32 << 10;
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// Tells the launcher what each thread of the worker is at, and how much is done.
pub(crate) struct Told<'a>(&'a SharedNotes);

impl Progress for Told<'_> {
    fn entering(&self, name: &[u8]) {
        self.0.note(name);
    }

    fn advanced(&self, entries: u64, bytes: u64) {
        self.0.count([entries, bytes]);
    }
}

/// What there is room for: what the tmpfs of `directory` still takes, and what the control group
/// does.
pub(crate) fn space(directory: &impl AsFd) -> Result<Space, LaunchError> {
    let (bytes, inodes) = free_bytes(directory.as_fd())
        .map_err(|error| LaunchError::system("look how much room the run's tmpfs has", error))?;
    let memory = memory_facts()
        .map_err(|error| LaunchError::system("look how much memory there is", error))?;
    Ok(Space {
        bytes,
        inodes,
        control_group: memory.cgroup_left,
    })
}

/// The error of archives as it crosses a border.
pub(crate) fn failed(verb: &str, archives: &[&Path], error: &ArchiveError) -> LaunchError {
    let mut reasons = vec![error.to_string()];
    reasons.extend(causes::causes(error));
    let paths: Vec<String> = archives
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    LaunchError::Reported(ErrorReport {
        code: error.code().to_owned(),
        message: format!("cannot {verb} {}", paths.join(", ")),
        hints: error.hints(),
        causes: reasons,
        exit_code: 125,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(code: &str, message: &str, causes: Vec<String>) -> ErrorReport {
        ErrorReport {
            code: code.into(),
            message: message.into(),
            hints: vec![],
            causes,
            exit_code: 0,
        }
    }

    #[test]
    fn an_error_of_a_worker_is_taken_over_but_for_the_status() {
        let causes = vec!["an entry \u{1b}".to_owned()];
        let taken = reported(report("ERR_ARCHIVE_DAMAGED", "grün", causes.clone())).unwrap();
        let expected = ErrorReport {
            exit_code: 125,
            ..report("ERR_ARCHIVE_DAMAGED", "grün", causes)
        };
        assert_eq!(taken, expected);
    }

    #[test]
    fn what_is_too_much_of_it_is_cut_between_characters() {
        let long = "ü".repeat(40_000);
        let causes = vec![long.clone(); 50];
        let taken = reported(report("ERR_ARCHIVE_LIMIT", &format!("a{long}"), causes)).unwrap();
        assert_eq!(taken.causes.len(), 16);
        for text in [&taken.message, &taken.causes[15]] {
            assert!(text.ends_with("ü…"), "{}", text.len());
            assert!(text.len() <= (32 << 10) + '…'.len_utf8());
        }
    }

    #[test]
    fn a_code_is_a_word_of_ours() {
        let long = format!("ERR_{}", "X".repeat(40));
        for code in ["", "ERR", "ERR_\u{1b}[2J", "ERR_a", "EXIT", "ERR_ B", &long] {
            assert_eq!(reported(report(code, "m", vec![])), None, "{code:?}");
        }
    }
}
