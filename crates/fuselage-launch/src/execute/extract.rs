//! Extracts the archives of a plan in a worker: reads all their lists, compares what they need
//! together with what there is room for, and only then writes, one after the other.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuselage_archive::{ArchiveError, Format, Limits, Listed, Needs, Progress};
use fuselage_linux::causes;
use fuselage_linux::memory::free_bytes;
use fuselage_linux::open;
use fuselage_linux::processors::processors;
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_plan::{ErrorReport, ExtractLimits, FormatName, StepId};
use serde::{Deserialize, Serialize};

use crate::error::{LaunchError, WorkerEnd};
use crate::execute::progress::{self, Amount, TerminalProgress};
use crate::execute::room::room;
use crate::execute::sources::Archive;
use crate::execute::watchdog::{self, ALLOWANCE, Watchdog};
use crate::execute::worker::{Worked, Worker};

/// What is to be extracted.
#[derive(Clone)]
pub(crate) struct Work<'a> {
    /// The step that wants it.
    pub(crate) id: &'a StepId,
    pub(crate) archive: &'a Archive,
    pub(crate) format: &'a FormatName,
    /// Where it begins in its file, in bytes.
    pub(crate) offset: u64,
    /// A directory that is there and empty when its turn comes.
    pub(crate) into: PathBuf,
    pub(crate) limits: &'a ExtractLimits,
    /// Threads; `None`: as many as there are processors for this process.
    pub(crate) jobs: Option<u32>,
}

/// What the worker is asked to do with the work of a number.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Question {
    /// Read the list.
    List(usize),
    /// Compare the needs of all that were listed with the room of the tmpfs of this one.
    Compare(usize),
    /// Write the tree.
    Write(usize),
}

#[derive(Serialize, Deserialize)]
enum WorkerAnswer {
    Listed(Amount),
    Done,
    Failed(ErrorReport),
}

/// The worker, in which all lists were read and found to fit.
pub(crate) struct Extraction<'a> {
    works: Vec<Work<'a>>,
    notes: SharedNotes,
    worker: Worker,
    progress: Option<TerminalProgress>,
}

impl<'a> Extraction<'a> {
    /// Reads the lists of all `works` and makes sure that all trees together fit. The directory of
    /// `first` is there.
    pub(crate) fn begin(works: Vec<Work<'a>>, first: &StepId) -> Result<Self, LaunchError> {
        let notes =
            SharedNotes::new().map_err(|error| LaunchError::system("share memory", error))?;
        let mut inside = Inside {
            works: &works,
            notes: &notes,
            listed: Vec::new(),
        };
        let worker = Worker::start(move |question| inside.answer(question))
            .map_err(|error| LaunchError::system("start a process to extract in", error))?;
        let mut extraction = Self {
            works,
            notes,
            worker,
            progress: None,
        };
        let mut total = Amount::default();
        for number in 0..extraction.works.len() {
            if let WorkerAnswer::Listed(amount) = extraction.ask(Question::List(number))? {
                total = total.and(amount);
            }
        }
        let number = extraction.number(first)?;
        extraction.ask(Question::Compare(number))?;
        extraction.progress = TerminalProgress::new(total);
        Ok(extraction)
    }

    /// Extracts the archive of a step; every failure of the worker is an error that names it.
    pub(crate) fn write(&mut self, id: &StepId) -> Result<(), LaunchError> {
        let number = self.number(id)?;
        self.ask(Question::Write(number)).map(drop)
    }

    fn number(&self, id: &StepId) -> Result<usize, LaunchError> {
        let number = self.works.iter().position(|work| work.id == id);
        number.ok_or_else(|| LaunchError::PlanInvalid {
            why: format!("the step `{id}` extracts nothing"),
        })
    }

    fn ask(&mut self, question: Question) -> Result<WorkerAnswer, LaunchError> {
        let (Question::List(number) | Question::Compare(number) | Question::Write(number)) =
            question;
        let work = &self.works[number];
        let name = work.archive.path.file_name().unwrap_or_default();
        // An entry that was begun, or anything that was written.
        let into = open::open_directory(&work.into).ok();
        let (notes, progress) = (&self.notes, &mut self.progress);
        let mut watchdog = Watchdog::new(ALLOWANCE);
        let interval = match progress {
            Some(_) => progress::INTERVAL,
            None => watchdog::INTERVAL,
        };
        let look = |used: Duration| {
            if let Some(progress) = progress {
                progress.show(&name.to_string_lossy(), Amount::counted(notes));
            }
            let free = into.as_ref().and_then(|into| free_bytes(into.as_fd()).ok());
            watchdog.is_stuck((notes.read(), free), used)
        };
        let bytes = serde_json::to_vec(&question)
            .map_err(|error| LaunchError::system("ask the worker", error.into()))?;
        let worked = self
            .worker
            .ask(&bytes, interval, look)
            .map_err(|error| LaunchError::system("ask the worker", error))?;
        match worked {
            Worked::Answer(bytes) => match serde_json::from_slice(&bytes) {
                Ok(WorkerAnswer::Failed(report)) => Err(LaunchError::Reported(report)),
                Ok(answer) => Ok(answer),
                Err(error) => Err(LaunchError::system(
                    "read the worker's answer",
                    error.into(),
                )),
            },
            Worked::Died(how) => Err(self.died(number, WorkerEnd::Died(how))),
            Worked::Stuck => Err(self.died(number, WorkerEnd::Stuck(ALLOWANCE))),
        }
    }

    fn died(&self, number: usize, how: WorkerEnd) -> LaunchError {
        let entries = self.notes.read();
        let entries = entries
            .iter()
            .map(|note| String::from_utf8_lossy(note).into_owned());
        LaunchError::WorkerDied {
            archive: self.works[number].archive.path.clone(),
            how,
            entries: entries.collect(),
        }
    }
}

/// What the worker works with.
struct Inside<'a> {
    works: &'a [Work<'a>],
    notes: &'a SharedNotes,
    /// By the number of the work.
    listed: Vec<Listed<'a>>,
}

impl Inside<'_> {
    fn answer(&mut self, question: &[u8]) -> Vec<u8> {
        let answer = match serde_json::from_slice(question) {
            Ok(Question::List(number)) => self.list(number).map(WorkerAnswer::Listed),
            Ok(Question::Compare(number)) => self.compare(number).map(|()| WorkerAnswer::Done),
            Ok(Question::Write(number)) => self.write(number).map(|()| WorkerAnswer::Done),
            Err(error) => Err(LaunchError::system("read the question", error.into())),
        };
        let answer = answer.unwrap_or_else(|error| WorkerAnswer::Failed(error.into_report()));
        serde_json::to_vec(&answer).unwrap_or_default()
    }

    fn list(&mut self, number: usize) -> Result<Amount, LaunchError> {
        let work = &self.works[number];
        let format = Format::named(&work.format.0).ok_or_else(|| LaunchError::PlanInvalid {
            why: format!("there is no format `{}`", work.format.0),
        })?;
        let limits = Limits {
            entries: work.limits.entries,
            bytes: work.limits.bytes,
            depth: work.limits.depth,
            ratio: work.limits.ratio,
        };
        let listed = Listed::read(&work.archive.file, work.offset, format, &limits)
            .map_err(|error| failed(&[&work.archive.path], &error))?;
        let Needs { entries, bytes, .. } = listed.needs();
        self.listed.push(listed);
        Ok(Amount { entries, bytes })
    }

    fn compare(&self, number: usize) -> Result<(), LaunchError> {
        let room = room(&self.into(number)?)?;
        let needs = self
            .listed
            .iter()
            .map(Listed::needs)
            .fold(Needs::default(), Needs::and);
        let paths = || self.works.iter().map(|work| &*work.archive.path);
        needs
            .fit(&room)
            .map_err(|error| failed(&paths().collect::<Vec<_>>(), &error))
    }

    fn write(&self, number: usize) -> Result<(), LaunchError> {
        let work = &self.works[number];
        let listed = self
            .listed
            .get(number)
            .ok_or_else(|| LaunchError::PlanInvalid {
                why: format!("the list of the step `{}` was not read", work.id),
            })?;
        let jobs = work.jobs.map_or_else(processors, |jobs| jobs as usize);
        listed
            .write(self.into(number)?.as_fd(), jobs, Some(&Told(self.notes)))
            .map_err(|error| failed(&[&work.archive.path], &error))
    }

    fn into(&self, number: usize) -> Result<File, LaunchError> {
        let path = &self.works[number].into;
        open::open_directory(path)
            .map(File::from)
            .map_err(|source| LaunchError::Directory {
                path: path.clone(),
                source,
            })
    }
}

/// Tells the launcher what each thread is at, and how much is done.
struct Told<'a>(&'a SharedNotes);

impl Progress for Told<'_> {
    fn entering(&self, name: &[u8]) {
        self.0.note(name);
    }

    fn advanced(&self, entries: u64, bytes: u64) {
        self.0.count([entries, bytes]);
    }
}

fn failed(archives: &[&Path], error: &ArchiveError) -> LaunchError {
    let mut reasons = vec![error.to_string()];
    reasons.extend(causes::causes(error));
    let paths: Vec<String> = archives
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    LaunchError::Reported(ErrorReport {
        code: error.code().to_owned(),
        message: format!("cannot extract {}", paths.join(", ")),
        hints: error.hints(),
        causes: reasons,
        exit_code: 125,
    })
}
