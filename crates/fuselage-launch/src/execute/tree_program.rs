//! `--run PATH`: looks a program up in the trees once they are there.

use std::path::{Path, PathBuf};

use fuselage_plan::PlanPath;

use crate::error::LaunchError;

/// The file that `path` names: `NAME/REST` in the tree NAME, else `PATH` in exactly one tree.
pub(crate) fn find(path: &Path, trees: &[(PlanPath, PathBuf)]) -> Result<PathBuf, LaunchError> {
    let mut components = path.components();
    if let Some(first) = components.next() {
        let named = trees
            .iter()
            .find(|(name, _)| name.as_os_str() == first.as_os_str())
            .map(|(_, root)| root.join(components.as_path()));
        if let Some(file) = named.filter(|file| file.is_file()) {
            return Ok(file);
        }
    }
    let found: Vec<(&PlanPath, PathBuf)> = trees
        .iter()
        .map(|(name, root)| (name, root.join(path)))
        .filter(|(_, file)| file.is_file())
        .collect();
    match found.as_slice() {
        [] => Err(LaunchError::RunNotFound {
            path: path.display().to_string(),
            trees: trees.iter().map(|(name, _)| name.to_string()).collect(),
        }),
        [(_, file)] => Ok(file.clone()),
        several => Err(LaunchError::RunAmbiguous {
            path: path.display().to_string(),
            candidates: several
                .iter()
                .map(|(name, _)| format!("{name}/{}", path.display()))
                .collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_by_name_comes_first_then_the_one_that_has_the_path() {
        let place = tempfile::tempdir().unwrap();
        let trees: Vec<(PlanPath, PathBuf)> = ["a", "b"]
            .map(|name| (PlanPath::from(name), place.path().join(name)))
            .into_iter()
            .collect();
        for file in ["a/bin/x", "b/bin/y", "a/both", "b/both", "b/a/bin/x"] {
            let file = place.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let look = |path: &str| find(Path::new(path), &trees);
        assert_eq!(look("a/bin/x").unwrap(), place.path().join("a/bin/x"));
        assert_eq!(look("bin/y").unwrap(), place.path().join("b/bin/y"));
        let LaunchError::RunAmbiguous { candidates, .. } = look("both").unwrap_err() else {
            panic!("both trees have it")
        };
        assert_eq!(candidates, ["a/both", "b/both"]);
        assert!(
            matches!(look("bin"), Err(LaunchError::RunNotFound { .. })),
            "a directory"
        );
        assert!(
            matches!(look("a"), Err(LaunchError::RunNotFound { .. })),
            "the tree itself"
        );
    }
}
