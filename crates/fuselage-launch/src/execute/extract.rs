//! Extracts the archives of a plan in a worker: all their lists are read, what they need together is
//! compared with what there is room for, and only then they are written, one after the other.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use fuselage_archive::{ArchiveError, Format, Limits, Listed, Needs, detect_decoded};
use fuselage_linux::beneath;
use fuselage_linux::processors::processors;
use fuselage_plan::{ExtractLimits, FormatName, StepId};
use serde::{Deserialize, Serialize};

use crate::error::LaunchError;
use crate::execute::archive_worker::{About, ArchiveWorker, Told, failed, space};
use crate::execute::procdir::Procdir;
use crate::execute::progress::{Amount, TerminalProgress};
use crate::execute::sources::Archive;
use crate::execute::worker::Kept;

const VERB: &str = "extract";

/// What is to be extracted.
pub(crate) struct Work<'a> {
    /// The step that wants it.
    pub(crate) id: &'a StepId,
    pub(crate) archive: &'a Archive,
    /// What the plan says that it is; without it the worker looks.
    pub(crate) format: Option<&'a FormatName>,
    /// Where it begins in its file, in bytes, if the plan says what it is.
    pub(crate) offset: u64,
    /// Below the private directory: a directory that is there and empty when its turn comes.
    pub(crate) into: &'a [u8],
    pub(crate) limits: &'a ExtractLimits,
    /// Threads; `None`: as many as there are processors for this process.
    pub(crate) jobs: Option<u32>,
}

/// What the worker is asked to do with the work of a number.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Question {
    /// Read the list, and answer what it needs.
    List(usize),
    /// Write the tree.
    Write(usize),
}

/// What a list was found to need, as it crosses the border; nothing for a tree that was written.
/// One that is wrong makes the error of a full tmpfs come late, and nothing else.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Found {
    entries: u64,
    bytes: u64,
    pages: u64,
}

/// The worker, in which all lists were read and found to fit.
pub(crate) struct Extraction {
    /// By the number of the work.
    steps: Vec<(StepId, About)>,
    /// Of the private directory.
    root: OwnedFd,
    worker: ArchiveWorker<Question, Found>,
    progress: Option<TerminalProgress>,
}

impl Extraction {
    /// Reads the lists of all `works` and makes sure that all trees together fit into `procdir`.
    pub(crate) fn begin(works: &[Work<'_>], procdir: &Procdir) -> Result<Self, LaunchError> {
        let root = procdir.root.as_fd();
        let mut inside = Inside {
            works,
            procdir,
            // Here, since it is read from files.
            processors: processors(),
            listed: Vec::new(),
        };
        let kept = Kept {
            root,
            files: works.iter().map(|work| work.archive.file.as_fd()).collect(),
        };
        let steps = works.iter().map(|work| {
            let about = About {
                verb: VERB,
                path: work.archive.path.clone(),
            };
            (work.id.clone(), about)
        });
        let mut extraction = Self {
            steps: steps.collect(),
            root: root
                .try_clone_to_owned()
                .map_err(|source| LaunchError::Directory {
                    path: procdir.path.clone(),
                    source,
                })?,
            worker: ArchiveWorker::start(&kept, |question, told| inside.answer(question, told))?,
            progress: None,
        };
        let mut needs = Needs::default();
        for number in 0..works.len() {
            needs = needs.and(extraction.list(number)?);
        }
        let paths: Vec<&Path> = works.iter().map(|work| &*work.archive.path).collect();
        needs
            .fit(&space(&root)?)
            .map_err(|error| failed(VERB, &paths, &error))?;
        extraction.progress = TerminalProgress::new("", Amount::of([needs.entries, needs.bytes]));
        Ok(extraction)
    }

    /// Extracts the archive of a step; every failure of the worker is an error that names it.
    pub(crate) fn write(&mut self, id: &StepId) -> Result<(), LaunchError> {
        let number = self.number(id)?;
        self.ask(Question::Write(number), number).map(drop)
    }

    fn list(&mut self, number: usize) -> Result<Needs, LaunchError> {
        let found = self.ask(Question::List(number), number)?;
        let Found {
            entries,
            bytes,
            pages,
        } = found;
        Ok(Needs {
            entries,
            bytes,
            pages,
        })
    }

    fn number(&self, id: &StepId) -> Result<usize, LaunchError> {
        let number = self.steps.iter().position(|(step, _)| step == id);
        number.ok_or_else(|| LaunchError::PlanInvalid {
            why: format!("the step `{id}` extracts nothing"),
        })
    }

    fn ask(&mut self, question: Question, number: usize) -> Result<Found, LaunchError> {
        let (_, about) = &self.steps[number];
        let root = self.root.as_fd();
        self.worker
            .ask(&question, about, root, self.progress.as_mut())
    }
}

/// What the worker works with.
struct Inside<'a> {
    works: &'a [Work<'a>],
    procdir: &'a Procdir,
    processors: usize,
    /// By the number of the work.
    listed: Vec<Listed<'a>>,
}

impl Inside<'_> {
    fn answer(&mut self, question: Question, told: &Told<'_>) -> Result<Found, LaunchError> {
        match question {
            Question::List(number) => self.list(number),
            Question::Write(number) => self.write(number, told).map(|()| Found::default()),
        }
    }

    fn list(&mut self, number: usize) -> Result<Found, LaunchError> {
        let work = &self.works[number];
        let (format, offset) = format_and_offset(work)?;
        let limits = Limits {
            entries: work.limits.entries,
            bytes: work.limits.bytes,
            depth: work.limits.depth,
            name_length: work.limits.name_length,
            ratio: work.limits.ratio,
        };
        let listed = Listed::read(&work.archive.file, offset, format, &limits)
            .map_err(|error| failed(VERB, &[&work.archive.path], &error))?;
        let Needs {
            entries,
            bytes,
            pages,
        } = listed.needs();
        self.listed.push(listed);
        Ok(Found {
            entries,
            bytes,
            pages,
        })
    }

    fn write(&self, number: usize, told: &Told<'_>) -> Result<(), LaunchError> {
        let work = &self.works[number];
        let listed = self
            .listed
            .get(number)
            .ok_or_else(|| LaunchError::PlanInvalid {
                why: format!("the list of the step `{}` was not read", work.id),
            })?;
        let jobs = work.jobs.map_or(self.processors, |jobs| jobs as usize);
        listed
            .write(self.into(number)?.as_fd(), jobs, Some(told))
            .map_err(|error| failed(VERB, &[&work.archive.path], &error))
    }

    fn into(&self, number: usize) -> Result<OwnedFd, LaunchError> {
        let path = self.works[number].into;
        beneath::open_directory(self.procdir.root.as_fd(), path).map_err(|source| {
            LaunchError::Directory {
                path: self.procdir.path.join(OsStr::from_bytes(path)),
                source,
            }
        })
    }
}

/// What the plan says, or what is found in a file that was decoded.
fn format_and_offset(work: &Work<'_>) -> Result<(Format, u64), LaunchError> {
    if let Some(name) = work.format {
        let format = Format::named(&name.0).ok_or_else(|| LaunchError::PlanInvalid {
            why: format!("there is no format `{}`", name.0),
        })?;
        return Ok((format, work.offset));
    }
    let refused = |error: ArchiveError| failed(VERB, &[&work.archive.path], &error);
    let found = detect_decoded(work.archive.file.as_fd()).map_err(|error| refused(error.into()))?;
    match found.format {
        Some(format) => Ok((format, found.offset)),
        None => Err(refused(ArchiveError::unrecognised(found))),
    }
}
