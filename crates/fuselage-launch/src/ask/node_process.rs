//! Starts node: what it gets of the caller, and what not.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use fuselage_linux::process::{self, Forked, Pid, Signal};
use fuselage_linux::signals::Borrowed;
use fuselage_linux::{descriptors, open};

use crate::ask::Asking;
use crate::ask::candidates::Candidate;

/// A node that is running.
pub(crate) struct Node {
    pub(crate) pid: Pid,
    pub(crate) socket: OwnedFd,
}

/// Why it is not.
pub(crate) struct StartFailure {
    /// The child that could not become node and must still be waited for; without one it was this
    /// process that failed.
    pub(crate) child: Option<Pid>,
    pub(crate) error: io::Error,
}

impl From<io::Error> for StartFailure {
    fn from(error: io::Error) -> Self {
        Self { child: None, error }
    }
}

/// All that the child uses, made before the fork.
struct Prepared {
    program: CString,
    words: [CString; 2],
    environment: Vec<CString>,
    nothing: OwnedFd,
    socket: OwnedFd,
    failure: OwnedFd,
}

/// Starts the candidate on the package's entry with the socket as descriptor 3.
pub(crate) fn start(
    asking: &Asking<'_>,
    candidate: &Candidate,
    signals: &Borrowed,
) -> Result<Node, StartFailure> {
    let (ours, theirs) = descriptors::socket_pair()?;
    let (report, failure) = descriptors::socket_pair()?;
    descriptors::set_nonblocking(ours.as_fd())?;
    let text = |path: OsString| CString::new(path.into_vec()).map_err(io::Error::from);
    let program = text(candidate.program.clone().into_os_string())?;
    let prepared = Prepared {
        words: [
            program.clone(),
            text(asking.package.join("dist/entry.js").into_os_string())?,
        ],
        program,
        environment: node_environment(asking.environment),
        nothing: descriptors::move_up(open::open_nothing()?)?,
        socket: descriptors::move_up(theirs)?,
        failure: descriptors::move_up(failure)?,
    };
    let parent = process::own_pid();
    let pid = match process::fork()? {
        Forked::Child => become_node(&prepared, asking.closed, signals, parent),
        Forked::Parent(pid) => pid,
    };
    drop(prepared);
    // Closed by execve(2), or a number and the end.
    let mut number = Vec::new();
    File::from(report).read_to_end(&mut number)?;
    match <[u8; 4]>::try_from(number.as_slice()) {
        Err(_) => Ok(Node { pid, socket: ours }),
        Ok(bytes) => Err(StartFailure {
            child: Some(pid),
            error: io::Error::from_raw_os_error(i32::from_ne_bytes(bytes)),
        }),
    }
}

fn become_node(prepared: &Prepared, closed: [bool; 3], signals: &Borrowed, parent: Pid) -> ! {
    let error = match arrange(prepared, closed, signals, parent) {
        Ok(()) => {
            process::replace_process(&prepared.program, &prepared.words, &prepared.environment)
                .into()
        }
        Err(error) => error,
    };
    let number = error.raw_os_error().unwrap_or(0).to_ne_bytes();
    let _ = descriptors::send_some(prepared.failure.as_fd(), &number);
    process::exit_now(125)
}

fn arrange(
    prepared: &Prepared,
    closed: [bool; 3],
    signals: &Borrowed,
    parent: Pid,
) -> io::Result<()> {
    process::follow_parent(parent, Signal::SIGKILL)?;
    signals.restore_mask_in_child();
    descriptors::install(prepared.nothing.as_fd(), 0)?;
    for number in [1, 2] {
        if closed[number] {
            descriptors::close_number(number as i32);
        }
    }
    descriptors::install(prepared.socket.as_fd(), 3)?;
    descriptors::close_from(4, &[prepared.failure.as_fd()])
}

/// The caller's environment without what changes how node or our bundle behaves; a caller's
/// `NODE_OPTIONS` is for the caller's programs.
fn node_environment(environment: &[CString]) -> Vec<CString> {
    const OTHERS: [&[u8]; 4] = [b"NODE_", b"UV_", b"BUN_", b"TS_NODE_"];
    const OURS: &[u8] = b"FUSELAGE_NODE_OPTIONS=";
    let mut kept: Vec<CString> = environment
        .iter()
        .filter(|string| {
            OTHERS
                .iter()
                .all(|prefix| !string.as_bytes().starts_with(prefix))
        })
        .cloned()
        .collect();
    let options = environment
        .iter()
        .find_map(|string| string.as_bytes().strip_prefix(OURS));
    if let Some(options) = options
        && let Ok(string) = CString::new([b"NODE_OPTIONS=", options].concat())
    {
        kept.push(string);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_gets_neither_its_own_variables_nor_those_of_its_kin() {
        let strings = |texts: &[&str]| -> Vec<CString> {
            texts
                .iter()
                .map(|text| CString::new(*text).unwrap())
                .collect()
        };
        let caller = strings(&[
            "A=1",
            "NODE_OPTIONS=--inspect",
            "UV_X=1",
            "BUN_Y=",
            "TS_NODE_P=1",
        ]);
        assert_eq!(node_environment(&caller), strings(&["A=1"]));
        let debugging = strings(&["FUSELAGE_NODE_OPTIONS=--cpu-prof", "NODE_OPTIONS=-r x"]);
        assert_eq!(
            node_environment(&debugging),
            strings(&[
                "FUSELAGE_NODE_OPTIONS=--cpu-prof",
                "NODE_OPTIONS=--cpu-prof"
            ])
        );
    }
}
