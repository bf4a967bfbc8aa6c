//! Which files and directories any process of this host has mounted, by name.
//!
//! `/proc/PID/mountinfo` (proc(5)) shows of each mount which directory of its file system is its root,
//! by the path that it has now: one that was renamed while it was mounted is seen under its new name.
//! Everybody may read it of every process, of those too that cannot be traced.
//!
//! Not seen is what a process has open without having it mounted, and a mount namespace that no
//! process is in.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::mount_id::mount_id;
use crate::mount_table::unescape;
use crate::open::open_place;
use crate::process;

mod sight;

pub use sight::Sight;

/// How often processes that came meanwhile are looked for. One that ends while it is looked for may
/// have left a child behind; the later rounds read new ones only and so are short.
const ROUNDS: usize = 16;
/// For how long processes are waited for that hide what they see: most are workers that end soon.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
/// Processes that are started by one another, of which one must be seen.
const ANCESTORS: usize = 16;

/// What was found mounted.
#[derive(Debug)]
pub struct Mounted {
    names: HashSet<Vec<u8>>,
    sight: Sight,
}

impl Mounted {
    /// Reads the mount tables of all processes.
    pub fn scan() -> Self {
        let end = Instant::now() + PATIENCE;
        loop {
            let scan = Scan::everybody();
            let hidden = scan.hidden();
            if hidden.is_empty() || Instant::now() >= end {
                return Self {
                    sight: scan.sight(hidden),
                    names: scan.names,
                };
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Whether somebody has a directory or file mounted that is named so, or one below such a
    /// directory. Names of other file systems count as well: it should be a name that there is once.
    pub fn has(&self, name: &[u8]) -> bool {
        self.names.contains(name)
    }

    /// Whether everybody was seen.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }
}

#[derive(Default)]
struct Scan {
    /// Components of the roots of all mounts.
    names: HashSet<Vec<u8>>,
    /// Ids of all mounts.
    ids: HashSet<u64>,
    /// Whether the root directory is in the table.
    views: HashMap<View, bool>,
    done: HashSet<u32>,
    /// Processes whose root directory is in their tables.
    whole: HashSet<u32>,
    /// Processes whose root directory is below the root of a mount, which their tables do not show;
    /// the id of that mount, where it can be told.
    below: Vec<(u32, Option<u64>)>,
    gaps: Vec<String>,
}

/// What a mount table depends on: processes that have this in common have the same one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct View {
    namespace: PathBuf,
    mount: u64,
    root: String,
}

impl View {
    /// Only for who may trace the process (ptrace(2)).
    fn of(task: &Path) -> io::Result<Self> {
        let root = open_place(&task.join("root"))?;
        Ok(Self {
            namespace: fs::read_link(task.join("ns/mnt"))?,
            mount: mount_id(root.as_fd())?,
            root: crate::file_identity::file_identity(&root)?,
        })
    }
}

impl Scan {
    fn everybody() -> Self {
        let mut scan = Self::default();
        scan.in_rounds();
        scan
    }

    fn in_rounds(&mut self) {
        for _ in 0..ROUNDS {
            let processes = match processes() {
                Ok(processes) => processes,
                Err(error) => return self.gaps.push(format!("/proc cannot be read: {error}")),
            };
            let mut somebody_ended = false;
            for process in processes {
                if self.done.contains(&process) {
                    continue;
                }
                match self.process(process) {
                    Ok(()) => drop(self.done.insert(process)),
                    Err(error) if is_end(&error) => {
                        somebody_ended = true;
                        // One that waits for its parent is met in every round; the number of one that
                        // is gone may be another one's next time.
                        if error.raw_os_error() == Some(nix::libc::EINVAL) {
                            self.done.insert(process);
                        }
                    }
                    Err(error) => {
                        self.done.insert(process);
                        let gap = format!("process {process} cannot be looked at: {error}");
                        self.gaps.push(gap);
                    }
                }
            }
            if !somebody_ended {
                return;
            }
        }
        self.gaps
            .push("processes came and went all the time".to_owned());
    }

    /// Every thread may have a namespace of its own, and the first one may have ended before the
    /// others.
    fn process(&mut self, process: u32) -> io::Result<()> {
        let tasks = PathBuf::from(format!("/proc/{process}/task"));
        let first = self.task(process, &tasks.join(process.to_string()));
        let mut any = match first {
            Ok(Reading::Opaque) => return Ok(()),
            Ok(Reading::Seen) => true,
            Err(ref error) if is_end(error) => false,
            Err(error) => return Err(error),
        };
        for task in fs::read_dir(&tasks)? {
            let task = task?;
            if task.file_name() == *process.to_string() {
                continue;
            }
            match self.task(process, &task.path()) {
                Ok(_) => any = true,
                Err(error) if is_end(&error) => {}
                Err(error) => return Err(error),
            }
        }
        match any {
            true => Ok(()),
            // No thread has a table any more: it waits for its parent.
            false => first.map(drop),
        }
    }

    fn task(&mut self, process: u32, task: &Path) -> io::Result<Reading> {
        let view = View::of(task);
        if let Ok(known) = &view
            && let Some(has_root) = self.views.get(known)
        {
            if *has_root {
                self.whole.insert(process);
            }
            return Ok(Reading::Seen);
        }
        let table = fs::read(task.join("mountinfo"))?;
        let has_root = self.table(&table);
        match has_root {
            true => drop(self.whole.insert(process)),
            false => {
                let mount = view.as_ref().ok().map(|view| view.mount);
                self.below.push((process, mount));
            }
        }
        // A view that was another one before the table was read is not the view of that table.
        match (view, View::of(task)) {
            (Ok(before), Ok(after)) if before == after => {
                self.views.insert(after, has_root);
                Ok(Reading::Seen)
            }
            (Ok(_), _) => Ok(Reading::Seen),
            (Err(_), _) => Ok(Reading::Opaque),
        }
    }

    /// Notes what a table has; whether the root directory of its reader is in it.
    fn table(&mut self, table: &[u8]) -> bool {
        let mut has_root = false;
        for line in table.split(|byte| *byte == b'\n') {
            let Some((id, root, mount_point)) = fields(line) else {
                continue;
            };
            has_root |= mount_point == b"/";
            self.ids.insert(id);
            if root != b"/" {
                let root = unescape(root);
                let names = std::os::unix::ffi::OsStrExt::as_bytes(root.as_os_str());
                for name in names.split(|byte| *byte == b'/') {
                    if !self.names.contains(name) {
                        self.names.insert(name.to_vec());
                    }
                }
            }
        }
        has_root
    }

    /// Processes of which nothing tells what they see.
    fn hidden(&self) -> Vec<u32> {
        let own = process::ids()[0];
        let is_hidden = |(process, mount): &&(u32, Option<u64>)| match mount {
            Some(mount) => !self.ids.contains(mount),
            None => !self.is_child_of_seen(*process, own),
        };
        let hidden = self.below.iter().filter(is_hidden);
        hidden.map(|(process, _)| *process).collect()
    }

    /// Whether a process that may not be traced need not be looked at: somebody else's, which an
    /// ordinary user has in the own trees only if root has put it there (services that have changed
    /// their root directory are everywhere), or a worker of one that is seen. Those that lock themselves
    /// in, ours and those of browsers, see an empty directory.
    fn is_child_of_seen(&self, process: u32, own: u32) -> bool {
        let mut process = process;
        for _ in 0..ANCESTORS {
            let Some(origin) = sight::origin(process) else {
                return false;
            };
            if origin.uid != own {
                return own != 0;
            }
            if self.whole.contains(&process) {
                return true;
            }
            if sight::origin(origin.parent).is_none_or(|above| above.uid != own) {
                return false;
            }
            process = origin.parent;
        }
        false
    }

    fn sight(&self, hidden: Vec<u32>) -> Sight {
        let mut gaps = sight::gaps();
        gaps.extend_from_slice(&self.gaps);
        gaps.extend(hidden.iter().map(|process| {
            format!("process {process} has a root directory on a mount that no mount table shows")
        }));
        Sight::of(gaps)
    }
}

enum Reading {
    /// Or known from another one that has the same.
    Seen,
    /// Seen, and that is all that may be known of this process.
    Opaque,
}

fn processes() -> io::Result<Vec<u32>> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        processes.extend(name.to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(processes)
}

/// Whether reading failed since the process is gone: proc(5) has `ENOENT` before it is opened, `ESRCH`
/// after, and `EINVAL` for the table of one that has ended and waits for its parent.
fn is_end(error: &io::Error) -> bool {
    use nix::libc::{EINVAL, ENOENT, ESRCH};
    matches!(error.raw_os_error(), Some(ENOENT | ESRCH | EINVAL))
}

/// Id, root and mount point of a line.
fn fields(line: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let mut fields = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    let (root, mount_point) = (fields.nth(2)?, fields.next()?);
    Some((id, root, mount_point))
}

#[cfg(test)]
mod tests;
