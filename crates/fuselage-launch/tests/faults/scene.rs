//! A directory with a home and archives, and runs of the launcher in it.

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fuselage_linux::descriptors::{install, receive_some, send_some, set_nonblocking, socket_pair};
use fuselage_linux::process::{ExitKind, replace_process};
use fuselage_plan::{Answer, ErrorReport, HEADER_LENGTH, MountPlan, Namespaces, write_frame};
use fuselage_testing::traced::{Act, Edge, Ended, Stop, trace};
use fuselage_testing::{Effect, USER, become_user};
use nix::libc;
use nix::unistd::{Gid, Uid, chown, geteuid};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use crate::host;
use crate::plans::{self, Kind, SCRIPT};

/// Made by mksquashfs 4.6 of the same tree as the zip: zstd, no times, all of root.
const IMAGE: &[u8] = include_bytes!("tree.sfs");

/// Who runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    User,
    Root,
}

/// The directory of the runs of one test.
pub(crate) struct Scene {
    place: TempDir,
    caller: Caller,
    kind: Kind,
    launcher: PathBuf,
    /// What the host has before all runs.
    mounts: String,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ended: Ended,
    /// What came back on descriptor 3.
    said: String,
    /// Standard error.
    printed: String,
    /// Standard output.
    output: String,
}

impl Scene {
    /// Makes it, and becomes who runs it.
    pub(crate) fn new(caller: Caller, kind: Kind) -> Self {
        let place = tempfile::tempdir_in("/tmp").unwrap();
        let directory = place.path();
        // Which the user may not reach where it was built.
        let launcher = directory.join("launcher");
        fs::copy(env!("CARGO_BIN_EXE_fuselage-launch"), &launcher).unwrap();
        let zip = zip();
        for (name, content) in [("tree.zip", &*zip), ("tree.sfs", IMAGE)] {
            fs::write(directory.join(name), content).unwrap();
            fs::write(
                directory.join(format!("{name}.b64")),
                STANDARD.encode(content),
            )
            .unwrap();
        }
        if caller == Caller::User && geteuid().is_root() {
            let (uid, gid) = (Uid::from_raw(USER), Gid::from_raw(USER));
            chown(directory, Some(uid), Some(gid)).unwrap();
            become_user(USER);
        }
        let mounts = host::mounts();
        Self {
            launcher,
            place,
            caller,
            kind,
            mounts,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn plan(&self) -> MountPlan {
        let namespaces = match self.caller {
            Caller::User => Namespaces::User,
            Caller::Root => Namespaces::Mount,
        };
        plans::plan(self.kind, self.directory(), namespaces)
    }

    /// Takes the home away: the next run is the first.
    pub(crate) fn without_home(&self) {
        let home = self.directory().join("home");
        if home.exists() {
            fs::remove_dir_all(home).unwrap();
        }
    }

    /// Runs `plan`; `decide` is asked at each call from the first that the launcher itself makes
    /// on: before are those of the dynamic linker, which a launcher that is shipped does not have.
    pub(crate) fn run(&self, plan: &MountPlan, mut decide: impl FnMut(&Stop) -> Act) -> Run {
        let answer = Answer::Plan {
            plan: plan.clone(),
            inputs: Vec::new(),
        };
        let frame = write_frame(&serde_json::to_vec(&answer).unwrap()).unwrap();
        let (ours, theirs) = socket_pair().unwrap();
        match self.kind {
            Kind::Asked => self.write_node(&frame),
            _ => assert_eq!(send_some(ours.as_fd(), &frame).unwrap(), frame.len()),
        }
        let [output, printed] = [(); 2].map(|()| tempfile::tempfile().unwrap());
        let mut began = false;
        let ended = trace(
            || self.become_launcher([&output, &printed], &theirs),
            |stop| {
                began |= is_first(stop);
                if !began {
                    return Act::Go;
                }
                let name = stop.call.name();
                assert!(
                    stop.call.effect().is_some(),
                    "system call {} is on no list of fuselage-testing/src/calls.rs: {name:?}",
                    stop.call.number
                );
                decide(stop)
            },
        );
        drop(theirs);
        Run {
            ended,
            said: received(&ours),
            printed: content(printed),
            output: content(output),
        }
    }

    /// In the child.
    fn become_launcher(&self, output: [&File; 2], socket: &OwnedFd) {
        let null = File::open("/dev/null").unwrap();
        let [out, error] = output;
        for (number, file) in [(0, null.as_fd()), (1, out.as_fd()), (2, error.as_fd())] {
            install(file, number).unwrap();
        }
        let text = |bytes: &[u8]| CString::new(bytes).unwrap();
        let program = text(self.launcher.as_os_str().as_bytes());
        let mut variable = b"FUSELAGE_NODE=".to_vec();
        let first: &[u8] = match self.kind {
            Kind::Asked => {
                variable.extend(self.node().as_os_str().as_bytes());
                b"--fuselage-ask=/nowhere"
            }
            _ => {
                install(socket.as_fd(), 3).unwrap();
                b"--fuselage-execute"
            }
        };
        let words = [b"l", first, b"/bin/sh", b"-c", SCRIPT.as_bytes()];
        replace_process(&program, &words.map(text), &[text(&variable)]);
    }

    fn node(&self) -> PathBuf {
        self.directory().join("node")
    }

    /// A program that answers `frame` to every question, and ends with the conversation.
    fn write_node(&self, frame: &[u8]) {
        let answer = self.directory().join("answer");
        let (header, payload) = frame.split_at(HEADER_LENGTH);
        fs::write(&answer, payload).unwrap();
        let header: String = header.iter().map(|byte| format!("\\{byte:03o}")).collect();
        // In one process, as node is, and without a word where nobody listens any more.
        let script = format!(
            "#!/bin/sh\nexec 2> /dev/null\nread -r answer < {}\nprintf '{header}%s' \"$answer\" >&3\n\
             while read -r line; do :; done <&3\n",
            answer.display()
        );
        fs::write(self.node(), script).unwrap();
        fs::set_permissions(self.node(), Permissions::from_mode(0o755)).unwrap();
    }

    /// Fails where something is left that a run may not leave.
    pub(crate) fn check_nothing_left(&self, run: &Run, when: &str) {
        assert_eq!(run.ended.left, 0, "{when}: processes are left");
        assert_eq!(host::mounts(), self.mounts, "{when}: mounts");
        let name = |name: &str| self.directory().join(name).display().to_string();
        let given = [
            "launcher",
            "tree.zip",
            "tree.sfs",
            "tree.zip.b64",
            "tree.sfs.b64",
        ];
        let made = ["node", "answer", "home", "home/procdirs", "home/extracted"];
        let allowed: Vec<_> = given.into_iter().chain(made).map(name).collect();
        let files = host::files(self.directory());
        let left: Vec<_> = files
            .iter()
            .filter(|file| !allowed.contains(file))
            .collect();
        assert!(left.is_empty(), "{when}: {left:?}");
        if self.caller == Caller::Root {
            let devices = host::loop_devices(self.directory());
            assert!(devices.is_empty(), "{when}: loop devices of {devices:?}");
        }
    }
}

/// What a run may come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The command had everything.
    Worked,
    /// There was no command, and a report.
    Reported(ErrorReport),
}

impl Run {
    /// What it came to, or why that is not decent.
    pub(crate) fn outcome(&self, kind: Kind) -> Result<Outcome, String> {
        let ExitKind::Exited(status) = self.ended.how else {
            return Err(format!("it ended by a signal: {self:?}"));
        };
        let without_warning = self.without_warning();
        // Without namespaces a child becomes the command.
        let is_executed = match kind.is_real() || without_warning.is_some() {
            true => !self.ended.executed.is_empty(),
            false => self.ended.is_replaced,
        };
        let printed = without_warning.unwrap_or(&self.printed);
        if is_executed {
            let as_expected = (status, printed, &*self.output, &*self.said);
            return match as_expected == (0, "", kind.expected(), "") {
                true => Ok(Outcome::Worked),
                false => Err(format!("the command had not what it should have: {self:?}")),
            };
        }
        let report = match (self.said.is_empty(), printed.is_empty()) {
            (false, true) => self.sent_report()?,
            (true, false) => self.printed_report(status)?,
            _ => return Err(format!("no report, or two: {self:?}")),
        };
        let is_whole = report.code.starts_with("ERR_")
            && i32::from(report.exit_code) == status
            && [125, 126].contains(&status)
            && !report.message.is_empty()
            && !report.causes.is_empty()
            && !report.hints.is_empty()
            && self.output.is_empty();
        match is_whole {
            true => Ok(Outcome::Reported(report)),
            false => Err(format!("not a good report: {report:?}, {self:?}")),
        }
    }

    /// What is printed behind the one line that says that there are no namespaces; `None`: there is
    /// no such line.
    fn without_warning(&self) -> Option<&str> {
        let warning = "fuselage: real files are used instead of mounts: ";
        let (first, rest) = self.printed.split_once('\n')?;
        first.starts_with(warning).then_some(rest)
    }

    /// The one line that a supervisor prints beside the command.
    pub(crate) fn says_that_files_are_left(&self) -> bool {
        self.printed.starts_with("fuselage: not all of ")
            && self.printed.contains(" could be removed: ")
            && self.printed.contains("\n  fix: ")
    }

    fn sent_report(&self) -> Result<ErrorReport, String> {
        match serde_json::from_str(&self.said) {
            Ok(Answer::Error { error }) => Ok(error),
            _ => Err(format!("no frame with an error: {self:?}")),
        }
    }

    /// The report that was printed, in the words of `report.rs`.
    fn printed_report(&self, status: i32) -> Result<ErrorReport, String> {
        let mut lines = self.printed.lines();
        let first = lines.next().unwrap_or_default();
        let said = first.strip_prefix("fuselage: ").and_then(|line| {
            let (message, code) = line.strip_suffix(']')?.rsplit_once(" [")?;
            Some((message.to_owned(), code.to_owned()))
        });
        let Some((message, code)) = said else {
            return Err(format!("not in the form of an error: {self:?}"));
        };
        let behind = |word: &str| {
            let lines = self.printed.lines();
            lines
                .filter_map(|line| line.strip_prefix(word).map(str::to_owned))
                .collect::<Vec<_>>()
        };
        Ok(ErrorReport {
            code,
            message,
            hints: behind("  fix: "),
            causes: behind("  cause: "),
            exit_code: status as u8,
        })
    }
}

/// The launcher looks first which descriptors it has been given.
fn is_first(stop: &Stop) -> bool {
    let [_, command, ..] = stop.call.arguments;
    stop.edge == Edge::Entry
        && stop.call.number == libc::SYS_fcntl
        && command == libc::F_GETFD as u64
}

/// Whether a call can change what others see, see [`Effect`].
pub(crate) fn changes(stop: &Stop) -> bool {
    stop.call.effect() == Some(Effect::Changes)
}

/// What has come behind the header of one frame, whole or not.
fn received(socket: &OwnedFd) -> String {
    let mut bytes = vec![0; 1 << 20];
    // Nobody has the other end, unless a process is left.
    set_nonblocking(socket.as_fd()).unwrap();
    let mut length = 0;
    while let Ok(count @ 1..) = receive_some(socket.as_fd(), &mut bytes[length..]) {
        length += count;
    }
    bytes.truncate(length);
    let text = bytes.get(HEADER_LENGTH..).unwrap_or(&bytes);
    String::from_utf8_lossy(text).into_owned()
}

fn content(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn zip() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content, options) in [
        ("a/one", "first of them", SimpleFileOptions::default()),
        ("two", "second", stored),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.add_symlink("link", "a/one", stored).unwrap();
    zip.finish().unwrap().into_inner()
}
