//! Extracts the archives of a plan, each in a worker of its own: all their lists are read, what
//! they need together is compared with what there is room for, and only then they are written, one
//! after the other.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use fuselage_archive::{ArchiveError, Format, Limits, Listed, Needs, detect_decoded};
use fuselage_linux::confinement::FilesBy;
use fuselage_linux::processors::processors;
use fuselage_linux::signals::ChildSignal;
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
    /// The directory of the tree, which is empty.
    pub(crate) into: OwnedFd,
    /// Where the list of the tree's files goes, if it is wanted.
    pub(crate) list: Option<File>,
    /// Whether what is made has no write permission.
    pub(crate) without_permission: bool,
    pub(crate) limits: &'a ExtractLimits,
    /// Threads; `None`: as many as there are processors for this process.
    pub(crate) jobs: Option<u32>,
}

/// What a worker is asked to do.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Question {
    /// Read the list, and answer what it needs.
    List,
    /// Write the tree.
    Write,
}

/// An archive whose list was read.
struct Begun {
    id: StepId,
    about: About,
    /// The directory of the tree.
    into: OwnedFd,
    /// It has nothing but the archive and that directory.
    worker: ArchiveWorker<Question, Needs>,
    /// What it said. Wrong, it makes the error of a full tmpfs come late, and nothing else.
    needs: Needs,
}

/// The archives whose lists were read and found to fit, and which are not written yet.
pub(crate) struct Extraction {
    begun: Vec<Begun>,
    progress: Option<TerminalProgress>,
}

impl Extraction {
    /// Reads the lists of all `works` and makes sure that all trees together fit into `procdir`.
    /// All workers are there before the first list is read: none is forked from what has met one.
    pub(crate) fn begin(works: Vec<Work<'_>>, procdir: &Procdir) -> Result<Self, LaunchError> {
        let paths: Vec<&Path> = works.iter().map(|work| &*work.archive.path).collect();
        let children = Rc::new(ChildSignal::begin());
        let begun = works
            .into_iter()
            .map(|work| Begun::start(work, procdir, &children));
        let mut begun = begun.collect::<Result<Vec<Begun>, LaunchError>>()?;
        let mut needs = Needs::default();
        for one in &mut begun {
            needs = needs.and(one.list()?);
        }
        needs
            .fit(&space(procdir)?)
            .map_err(|error| failed(VERB, &paths, procdir.storage, &error))?;
        let progress = TerminalProgress::new("", Amount::of([needs.entries, needs.bytes]));
        Ok(Self { begun, progress })
    }

    /// What all of them need together.
    pub(crate) fn needs(&self) -> Needs {
        let needs = self.begun.iter().map(|one| one.needs);
        needs.fold(Needs::default(), Needs::and)
    }

    /// Extracts the archive of a step; every failure of the worker is an error that names it. The
    /// worker has ended when this returns: the tree changes no more.
    pub(crate) fn write(&mut self, id: &StepId) -> Result<(), LaunchError> {
        let number = self.begun.iter().position(|one| one.id == *id);
        let number = number.ok_or_else(|| LaunchError::PlanInvalid {
            why: format!("the step `{id}` extracts nothing"),
        })?;
        let mut one = self.begun.remove(number);
        one.ask(Question::Write, self.progress.as_mut())?;
        if let Some(progress) = &mut self.progress {
            progress.begin_next(Amount::of([one.needs.entries, one.needs.bytes]));
        }
        Ok(())
    }
}

impl Begun {
    fn start(
        work: Work<'_>,
        procdir: &Procdir,
        children: &Rc<ChildSignal>,
    ) -> Result<Self, LaunchError> {
        Ok(Self {
            id: work.id.clone(),
            about: About {
                verb: VERB,
                path: work.archive.path.clone(),
                storage: procdir.storage,
            },
            worker: start_worker(&work, procdir.files_by(), children)?,
            needs: Needs::default(),
            into: work.into,
        })
    }

    fn list(&mut self) -> Result<Needs, LaunchError> {
        self.needs = self.ask(Question::List, None)?;
        Ok(self.needs)
    }

    fn ask(
        &mut self,
        question: Question,
        progress: Option<&mut TerminalProgress>,
    ) -> Result<Needs, LaunchError> {
        self.worker
            .ask(&question, &self.about, self.into.as_fd(), progress)
    }
}

fn start_worker(
    work: &Work<'_>,
    files_by: FilesBy,
    children: &Rc<ChildSignal>,
) -> Result<ArchiveWorker<Question, Needs>, LaunchError> {
    let mut inside = Inside {
        work,
        known: known_format(work)?,
        // Here, since it is read from files.
        jobs: work.jobs.map_or_else(processors, |jobs| jobs as usize),
        listed: None,
    };
    let kept = Kept {
        root: work.into.as_fd(),
        files: std::iter::once(&work.archive.file)
            .chain(&work.list)
            .map(AsFd::as_fd)
            .collect(),
        files_by,
    };
    ArchiveWorker::start(children, &kept, |question, told| {
        inside.answer(question, told)
    })
}

/// What the worker works with.
struct Inside<'a> {
    work: &'a Work<'a>,
    /// What the plan says that the archive is.
    known: Option<Format>,
    jobs: usize,
    listed: Option<Listed<'a>>,
}

impl<'a> Inside<'a> {
    /// What the archive needs; nothing for a tree that was written.
    fn answer(&mut self, question: Question, told: &Told<'_>) -> Result<Needs, ArchiveError> {
        let listed = match self.listed.take() {
            Some(listed) => listed,
            None => self.list()?,
        };
        let listed = self.listed.insert(listed);
        match question {
            Question::List => Ok(listed.needs()),
            Question::Write => {
                let (work, told) = (self.work, Some(told as _));
                let into = work.into.as_fd();
                match (&work.list, work.without_permission) {
                    (Some(list), _) => listed.write_with_list(into, self.jobs, told, list.as_fd()),
                    (None, true) => listed.write_without_permission(into, self.jobs, told),
                    (None, false) => listed.write(into, self.jobs, told),
                }
                .map(|()| Needs::default())
            }
        }
    }

    fn list(&self) -> Result<Listed<'a>, ArchiveError> {
        let work = self.work;
        let (format, offset) = match self.known {
            Some(format) => (format, work.offset),
            None => found(work.archive)?,
        };
        let limits = Limits {
            entries: work.limits.entries,
            bytes: work.limits.bytes,
            depth: work.limits.depth,
            name_length: work.limits.name_length,
            ratio: work.limits.ratio,
        };
        Listed::read(&work.archive.file, offset, format, &limits)
    }
}

fn known_format(work: &Work<'_>) -> Result<Option<Format>, LaunchError> {
    let Some(name) = work.format else {
        return Ok(None);
    };
    let format = Format::named(&name.0).ok_or_else(|| LaunchError::PlanInvalid {
        why: format!("there is no format `{}`", name.0),
    })?;
    Ok(Some(format))
}

/// What is in a file that was decoded, and where it begins.
fn found(archive: &Archive) -> Result<(Format, u64), ArchiveError> {
    let found = detect_decoded(archive.file.as_fd())?;
    match found.format {
        Some(format) => Ok((format, found.offset)),
        None => Err(ArchiveError::unrecognised(found)),
    }
}
