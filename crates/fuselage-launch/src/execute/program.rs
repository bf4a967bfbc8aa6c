//! What is executed in the end: a command out of `PATH`, as env(1) finds it, or a program out of
//! the trees.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use fuselage_linux::process;
use fuselage_plan::{Place, Program};

use crate::error::LaunchError;
use crate::execute::{shell_script, tree_program};
use crate::hints;
use crate::variable::variable;

/// Where execvp(3) looks when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Everything for execve(2).
pub(crate) struct Runnable {
    /// The files to try, in order.
    files: Vec<PathBuf>,
    /// Whether they come out of a search, which goes on after a file that is not there.
    searched: bool,
    words: Vec<CString>,
    environment: Vec<CString>,
    near_subcommand: Option<String>,
}

/// Finds out what to execute; a command is looked for only by executing it.
pub(crate) fn resolve(
    program: &Program,
    words: &[CString],
    environment: Vec<CString>,
    locate: impl Fn(&Place) -> PathBuf,
) -> Result<Runnable, LaunchError> {
    match program {
        Program::Command {
            command_index,
            near_subcommand,
        } => {
            let words = words[*command_index as usize..].to_vec();
            let name = OsStr::from_bytes(words[0].as_bytes());
            let searched = !name.as_bytes().contains(&b'/') && !name.is_empty();
            let files = if searched {
                in_path(name, &environment)
            } else {
                vec![name.into()]
            };
            let near_subcommand = near_subcommand.clone();
            Ok(Runnable {
                files,
                searched,
                words,
                environment,
                near_subcommand,
            })
        }
        Program::Tree {
            path,
            trees,
            arguments,
        } => {
            let trees: Vec<_> = trees
                .iter()
                .map(|tree| (tree.name.clone(), locate(&tree.at)))
                .collect();
            let file = tree_program::find(path.as_os_str().as_ref(), &trees)?;
            let mut own = vec![c_path(&file)?];
            own.extend(arguments.iter().map(|index| words[*index as usize].clone()));
            Ok(Runnable {
                files: vec![file],
                searched: false,
                words: own,
                environment,
                near_subcommand: None,
            })
        }
    }
}

fn in_path(name: &OsStr, environment: &[CString]) -> Vec<PathBuf> {
    let path = variable(environment, "PATH").unwrap_or(OsStr::new(DEFAULT_PATH));
    // An empty element is the working directory.
    std::env::split_paths(path)
        .map(|directory| match directory.as_os_str().is_empty() {
            true => Path::new(".").join(name),
            false => directory.join(name),
        })
        .collect()
}

fn c_path(path: &Path) -> Result<CString, LaunchError> {
    CString::new(path.as_os_str().to_owned().into_vec()).map_err(|error| LaunchError::PlanInvalid {
        why: error.to_string(),
    })
}

/// Becomes the program; returns only why that failed.
pub(crate) fn become_program(mut runnable: Runnable) -> LaunchError {
    let mut refused: Option<(PathBuf, io::Error)> = None;
    for file in std::mem::take(&mut runnable.files) {
        let error = attempt(&file, &runnable);
        match error.kind() {
            // There, but its interpreter is not: the kernel says the same (execve(2)).
            io::ErrorKind::NotFound if file.symlink_metadata().is_ok() => {
                let missing = shell_script::missing_interpreter(&file);
                refused.get_or_insert((file, io::Error::other(missing)));
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {}
            io::ErrorKind::PermissionDenied if runnable.searched => {
                // A directory on the way that cannot be searched hides nothing we know of.
                if file.metadata().is_ok_and(|facts| facts.is_file()) {
                    refused.get_or_insert((file, error));
                }
            }
            _ => {
                refused = Some((file, error));
                break;
            }
        }
    }
    let name = String::from_utf8_lossy(runnable.words[0].as_bytes()).into_owned();
    match refused {
        Some((path, source)) => {
            let hint = hints::execution(&path, &source);
            LaunchError::CommandNotExecutable { path, source, hint }
        }
        None => LaunchError::CommandNotFound {
            name,
            searched: runnable.searched,
            near_subcommand: runnable.near_subcommand,
        },
    }
}

fn attempt(file: &Path, runnable: &Runnable) -> io::Error {
    let path = match c_path(file) {
        Ok(path) => path,
        Err(error) => return io::Error::other(error.to_string()),
    };
    let error: io::Error =
        process::replace_process(&path, &runnable.words, &runnable.environment).into();
    if process::is_exec_format_error(&error) && shell_script::is_text(file) {
        // execvp(3) does so: a script without `#!` is one of sh.
        let mut words = vec![c"sh".to_owned(), path];
        words.extend_from_slice(&runnable.words[1..]);
        return process::replace_process(c"/bin/sh", &words, &runnable.environment).into();
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_searched_in_order_and_an_empty_element_is_here() {
        let environment = [CString::new("PATH=/a::/b").unwrap()];
        assert_eq!(
            in_path(OsStr::new("x"), &environment),
            [
                PathBuf::from("/a/x"),
                PathBuf::from("./x"),
                PathBuf::from("/b/x")
            ]
        );
        assert_eq!(in_path(OsStr::new("x"), &[])[0], PathBuf::from("/bin/x"));
    }
}
