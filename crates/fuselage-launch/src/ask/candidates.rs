//! Which programs may be node, best first. Pure but for the look at what exists.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::variable::variable;

/// A program to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its path.
    pub(crate) program: PathBuf,
    /// Where it was named.
    pub(crate) origin: &'static str,
    /// Nothing else is tried after it.
    pub(crate) exclusive: bool,
}

/// `FUSELAGE_NODE` alone where it is set; else npm's own node, then each `node` of `PATH`.
pub(crate) fn candidates(environment: &[CString]) -> Vec<Candidate> {
    let path = variable(environment, "PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let in_path = |name: &OsStr| {
        std::env::split_paths(path)
            .map(|directory| directory.join(name))
            .filter(|file| is_executable(file))
            .collect::<Vec<_>>()
    };
    if let Some(named) = variable(environment, "FUSELAGE_NODE") {
        let program = if named.as_bytes().contains(&b'/') {
            PathBuf::from(named)
        } else {
            in_path(named)
                .into_iter()
                .next()
                .unwrap_or_else(|| PathBuf::from(named))
        };
        return vec![Candidate {
            program,
            origin: "FUSELAGE_NODE",
            exclusive: true,
        }];
    }
    let npm = variable(environment, "npm_node_execpath").map(PathBuf::from);
    let mut found: Vec<Candidate> = npm
        .into_iter()
        .map(|program| Candidate {
            program,
            origin: "npm_node_execpath",
            exclusive: false,
        })
        .collect();
    for program in in_path(OsStr::new("node")) {
        if found.iter().all(|known| known.program != program) {
            found.push(Candidate {
                program,
                origin: "PATH",
                exclusive: false,
            });
        }
    }
    found
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(strings: &[String]) -> Vec<CString> {
        strings
            .iter()
            .map(|string| CString::new(string.as_str()).unwrap())
            .collect()
    }

    fn programs(strings: &[String]) -> Vec<PathBuf> {
        candidates(&environment(strings))
            .into_iter()
            .map(|found| found.program)
            .collect()
    }

    #[test]
    fn the_order_is_npm_then_path_and_fuselage_node_alone() {
        let place = tempfile::tempdir().unwrap();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        for directory in [&one, &two] {
            std::fs::create_dir(directory).unwrap();
            let node = directory.join("node");
            std::fs::write(&node, "").unwrap();
            std::fs::set_permissions(&node, PermissionsExt::from_mode(0o755)).unwrap();
        }
        std::fs::set_permissions(two.join("node"), PermissionsExt::from_mode(0o644)).unwrap();
        let path = format!("PATH={}:{}:{}", two.display(), one.display(), one.display());
        assert_eq!(
            programs(std::slice::from_ref(&path)),
            [one.join("node")],
            "twice and not executable"
        );
        let npm = "npm_node_execpath=/n/node".to_owned();
        assert_eq!(
            programs(&[path.clone(), npm.clone()]),
            [PathBuf::from("/n/node"), one.join("node")]
        );
        let named =
            |value: &str| programs(&[path.clone(), npm.clone(), format!("FUSELAGE_NODE={value}")]);
        assert_eq!(named("/own/node"), [PathBuf::from("/own/node")]);
        assert_eq!(named("node"), [one.join("node")]);
        assert_eq!(named("absent"), [PathBuf::from("absent")]);
        assert_eq!(named("").len(), 2, "empty is as not set");
    }
}
