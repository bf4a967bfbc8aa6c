//! Work on archives in a worker: whatever becomes of it, the error names the archive.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuselage_archive::{ArchiveError, Progress, Space};
use fuselage_linux::causes;
use fuselage_linux::memory::{free_bytes, memory_facts};
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_plan::ErrorReport;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{LaunchError, WorkerEnd};
use crate::execute::progress::{self, Amount, TerminalProgress};
use crate::execute::watchdog::{self, ALLOWANCE, Watchdog};
use crate::execute::worker::{Worked, Worker};

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
    /// Starts one, in which `answer` is asked, and tells how far it is.
    pub(crate) fn start(
        mut answer: impl FnMut(Q, &Told<'_>) -> Result<A, LaunchError>,
    ) -> Result<Self, LaunchError> {
        let notes =
            SharedNotes::new().map_err(|error| LaunchError::system("share memory", error))?;
        let told = Told(&notes);
        let worker = Worker::start(|question| {
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
                // It says why it failed, not how a run that fails ends.
                Ok(Answer::Failed(report)) => Err(LaunchError::Reported(ErrorReport {
                    exit_code: 125,
                    ..report
                })),
                Err(error) => Err(LaunchError::system(
                    "read the worker's answer",
                    error.into(),
                )),
            },
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
