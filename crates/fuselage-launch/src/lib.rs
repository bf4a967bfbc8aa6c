//! The launcher: asks node what to do, does it, and becomes the command.
//!
//! It is native from its first instruction and has one thread until it is the command: node runs
//! beside it as a child and is gone before anything is mounted. Archives are parsed in a worker
//! that it forks. It reads no configuration and is never setuid.

mod ask;
mod error;
mod execute;
mod explain;
mod frames;
mod hints;
mod invocation;
mod jobs;
mod out_of_memory;
mod package;
mod report;
mod serve;
mod variable;

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;

use fuselage_linux::descriptors::{self, StandardFlags};
use fuselage_linux::process;
use fuselage_plan::Question;

use crate::ask::Outcome;
use crate::error::LaunchError;
use crate::invocation::Invocation;
pub use crate::out_of_memory::Ending;

/// Exit status of every failure of ours before the command is looked up.
pub const FAILURE: i32 = 125;

/// Runs the launcher with the words of its own `main`; returns its exit status, or never, where it
/// became the command.
pub fn start(words: Vec<CString>) -> i32 {
    match invocation::invocation(words) {
        Invocation::Version => {
            let line = format!("{}\n", fuselage_plan::VERSION);
            let written = descriptors::write_all(descriptors::standard_output(), line.as_bytes());
            i32::from(written.is_err())
        }
        Invocation::Execute { words } => serve::serve(&words),
        Invocation::Ask { package, words } => {
            let closed = descriptors::hold_closed_standard();
            let flags = StandardFlags::read();
            let error = match run(package, &words, closed, flags) {
                Ok(status) => return status,
                Err(error) => error.into_report(),
            };
            report::print(&error);
            i32::from(error.exit_code)
        }
    }
}

fn run(
    package: Option<std::path::PathBuf>,
    words: &[CString],
    closed: [bool; 3],
    flags: StandardFlags,
) -> Result<i32, LaunchError> {
    let package = match package {
        Some(package) => package,
        None => package::find()?,
    };
    let environment = process::environment();
    let question = question(words, &environment);
    let asking = ask::Asking {
        package: &package,
        environment: &environment,
        closed,
        flags,
    };
    match ask::ask(&asking, &question)? {
        Outcome::Done(status) => Ok(i32::from(status)),
        Outcome::Job(job) => jobs::perform(&job).map(i32::from),
        Outcome::Plan(plan) => {
            let package = Some(package.as_path());
            Err(execute::execute(&plan, words, environment, package))
        }
    }
}

fn question(words: &[CString], environment: &[CString]) -> Question {
    let bytes = |strings: &[CString]| strings.iter().map(|s| s.as_bytes().to_vec()).collect();
    Question {
        version: fuselage_plan::VERSION.into(),
        platform_package: package::platform()
            .map(|directory| directory.into_os_string().into_vec())
            .unwrap_or_default(),
        // A directory that was removed, or lies outside of the root, has no name.
        working_directory: std::env::current_dir()
            .map(|path| path.into_os_string().into_vec())
            .ok()
            .filter(|path| path.starts_with(b"/"))
            .unwrap_or_default(),
        arguments: bytes(words),
        environment: bytes(environment),
        ids: process::ids(),
        groups: process::groups().unwrap_or_default(),
    }
}
