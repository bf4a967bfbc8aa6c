//! Which files and directories any process of this host has mounted, by name.
//!
//! `/proc/PID/mountinfo` (proc(5)) shows of each mount which directory of its file system is its root,
//! by the path that it has now: one that was renamed while it was mounted is seen under its new name.
//! Everybody may read it of every process, of those too that cannot be traced.
//!
//! Not seen is what a process has open without having it mounted, and a mount namespace that no
//! process is in.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::mount_id::mount_id;
use crate::mount_table::unescape;
use crate::open::open_place;
use crate::process;

mod sight;

pub use sight::Sight;

/// How often processes that came meanwhile are looked for. One that ends while it is looked for may
/// have left a child behind; the later rounds read new ones only and so are short.
const ROUNDS: usize = 16;

/// What was found mounted.
#[derive(Debug)]
pub struct Mounted {
    names: HashSet<Vec<u8>>,
    sight: Sight,
}

impl Mounted {
    /// Reads the mount tables of all processes.
    pub fn scan() -> Self {
        let mut scan = Scan::default();
        scan.everybody();
        let sight = scan.sight();
        Self {
            names: scan.names,
            sight,
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
    views: HashSet<View>,
    done: HashSet<u32>,
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
    fn everybody(&mut self) {
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
        if view.as_ref().is_ok_and(|view| self.views.contains(view)) {
            return Ok(Reading::Seen);
        }
        let table = fs::read(task.join("mountinfo"))?;
        let has_root = self.table(&table);
        if !has_root {
            let mount = view.as_ref().ok().map(|view| view.mount);
            self.below.push((process, mount));
        }
        // A view that was another one before the table was read is not the view of that table.
        match (view, View::of(task)) {
            (Ok(before), Ok(after)) if before == after => {
                self.views.insert(after);
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

    fn sight(&mut self) -> Sight {
        let own = process::ids()[0];
        let mut gaps = sight::gaps();
        gaps.append(&mut self.gaps);
        for (process, mount) in &self.below {
            let is_seen = match mount {
                Some(mount) => self.ids.contains(mount),
                // Services that have left the user's reach by chroot(2) are everywhere, and somebody
                // else's process in this user's tree is one that root has put there.
                None => own != 0 && sight::real_uid(*process).is_some_and(|uid| uid != own),
            };
            if !is_seen {
                gaps.push(format!(
                    "process {process} has a root directory on a mount that no mount table shows"
                ));
            }
        }
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
mod tests {
    use super::*;

    #[test]
    fn every_component_of_every_root_is_a_name() {
        let mut scan = Scan::default();
        let table = b"36 35 98:0 / / rw - ext3 /dev/root rw\n\
            37 36 98:0 /a/b\\040c/d//deleted /x rw,noatime master:1 - ext3 /dev/root rw\nhalf 1\n";
        assert!(scan.table(table));
        for name in ["a", "b c", "d"] {
            assert!(scan.names.contains(name.as_bytes()), "{name}");
        }
        assert!(!scan.names.contains(&b"x"[..]));
        assert_eq!(scan.ids, HashSet::from([36, 37]));
        assert!(!scan.table(b"38 36 98:0 / /x rw - ext3 /dev/root rw\n"));
    }
}
