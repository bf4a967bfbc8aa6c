//! A process that nobody has anything to do with any more.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use fuselage_linux::process::{
    Forked, Pid, Signal, exit_now, fork, own_pid, send_signal, wait_for,
};

/// More than a test has open.
const DESCRIPTORS: i32 = 256;

/// A process with a session of its own, without parent and without any open file. It is ended with
/// this.
#[derive(Debug)]
pub struct Daemon {
    process: Pid,
}

impl Daemon {
    /// Starts it; it does `prepare` first, and this returns when that is done.
    ///
    /// # Panics
    /// Where that panics.
    pub fn start(prepare: impl FnOnce()) -> Self {
        let (mut reader, writer) = std::io::pipe().unwrap();
        match fork().unwrap() {
            Forked::Child => {
                let _ = nix::unistd::setsid();
                if matches!(fork(), Ok(Forked::Child)) {
                    serve(prepare, writer);
                }
                exit_now(0)
            }
            Forked::Parent(child) => {
                drop(writer);
                wait_for(child).unwrap();
                let mut said = String::new();
                reader.read_to_string(&mut said).unwrap();
                let process = said.parse().expect("the daemon did not get ready");
                let process = Pid::from_raw(process);
                Self { process }
            }
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        u32::try_from(self.process.as_raw()).unwrap()
    }

    /// A path as the daemon sees it.
    pub fn path(&self, path: &std::path::Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.process));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Ends it and waits until it has no mounts any more.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        send_signal(self.process, Signal::SIGKILL);
        let table = format!("/proc/{}/mountinfo", self.process);
        while std::fs::read(&table).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn serve(prepare: impl FnOnce(), mut writer: std::io::PipeWriter) -> ! {
    if catch_unwind(AssertUnwindSafe(prepare)).is_err() || write!(writer, "{}", own_pid()).is_err()
    {
        exit_now(1);
    }
    drop(writer);
    for number in 0..DESCRIPTORS {
        let _ = nix::unistd::close(number);
    }
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}
