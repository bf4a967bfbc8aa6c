//! `--run PATH`: looks a program up in the trees once they are there.

use std::path::{Path, PathBuf};

use fuselage_plan::PlanPath;

use crate::error::LaunchError;

/// The file that `path` names: `NAME/REST` in the tree NAME, else `PATH` in exactly one tree. A
/// symbolic link is followed inside of its tree.
pub(crate) fn find(path: &Path, trees: &[(PlanPath, PathBuf)]) -> Result<PathBuf, LaunchError> {
    let mut components = path.components();
    if let Some(first) = components.next() {
        let named = trees
            .iter()
            .find(|(name, _)| name.as_os_str() == first.as_os_str());
        if let Some((_, root)) = named
            && let Some(file) = in_tree(root, components.as_path())?
        {
            return Ok(file);
        }
    }
    let mut found = Vec::new();
    for (name, root) in trees {
        if let Some(file) = in_tree(root, path)? {
            found.push((name, file));
        }
    }
    let text = path.display().to_string();
    match found.len() {
        0 => Err(LaunchError::RunNotFound {
            path: text,
            trees: trees.iter().map(|(name, _)| name.to_string()).collect(),
        }),
        1 => Ok(found.remove(0).1),
        _ => Err(LaunchError::RunAmbiguous {
            candidates: found
                .iter()
                .map(|(name, _)| format!("{name}/{text}"))
                .collect(),
            path: text,
        }),
    }
}

/// The file `path` below `root`, where there is one. Nobody but this process can change a tree yet,
/// so that what is found here is what is executed.
fn in_tree(root: &Path, path: &Path) -> Result<Option<PathBuf>, LaunchError> {
    let file = root.join(path);
    if !file.is_file() {
        return Ok(None);
    }
    let resolved = |path: &Path| {
        path.canonicalize()
            .map_err(|error| LaunchError::system("look for the program in the trees", error))
    };
    let target = resolved(&file)?;
    if target.starts_with(resolved(root)?) {
        Ok(Some(file))
    } else {
        Err(LaunchError::RunEscapes {
            path: path.to_owned(),
            target,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

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

    #[test]
    fn a_link_is_followed_inside_of_its_tree_alone() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("real/tree");
        std::fs::create_dir_all(root.join("bin")).unwrap();
        symlink("real", place.path().join("home")).unwrap();
        for file in ["real/tree/bin/tool", "real/outside", "real/tree2"] {
            std::fs::write(place.path().join(file), "").unwrap();
        }
        let trees = [(PlanPath::from("tree"), place.path().join("home/tree"))];
        let look = |path: &str| find(Path::new(path), &trees);
        for (name, target) in [("in", "bin/tool"), ("back", "../tree/bin/tool")] {
            symlink(target, root.join(name)).unwrap();
            assert_eq!(
                look(name).unwrap(),
                place.path().join("home/tree").join(name)
            );
        }
        symlink("/", root.join("slash")).unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("../tree2", root.join("beside")).unwrap();
        for name in ["out", "tree/out", "slash/bin/sh", "beside"] {
            let error = look(name).unwrap_err();
            assert!(matches!(error, LaunchError::RunEscapes { .. }), "{name}");
        }
        symlink("../nowhere", root.join("dangling")).unwrap();
        assert!(matches!(
            look("dangling"),
            Err(LaunchError::RunNotFound { .. })
        ));
    }
}
