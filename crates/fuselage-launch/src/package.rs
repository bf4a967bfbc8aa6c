//! Finds the npm package when the launcher is called under its own name.

use std::path::{Path, PathBuf};

use crate::error::LaunchError;

/// The directory of the npm package `fuselage` that belongs to this launcher: beside the platform
/// package, or in a `node_modules` of a directory above it.
pub(crate) fn find() -> Result<PathBuf, LaunchError> {
    let own = std::fs::read_link("/proc/self/exe")
        .map_err(|error| LaunchError::system("find the launcher's own file", error))?;
    let found = candidates(&own).find(|package| package.join("dist/entry.js").is_file());
    found.ok_or(LaunchError::PackageMissing { launcher: own })
}

/// Where to look, the nearest first: in a checkout the package lies beside the platform package.
fn candidates(own: &Path) -> impl Iterator<Item = PathBuf> {
    own.ancestors().skip(1).flat_map(|directory| {
        [
            directory.join("node_modules/fuselage"),
            directory.join("fuselage"),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_of_an_install_is_looked_at() {
        let launcher = |path: &str| candidates(Path::new(path)).collect::<Vec<_>>();
        let npm = launcher("/p/node_modules/@fuselage/linux-x64/fuselage-launch-linux-x64");
        assert!(npm.contains(&PathBuf::from("/p/node_modules/fuselage")));
        let checkout = launcher("/c/packages/linux-x64/fuselage-launch-linux-x64");
        assert!(checkout.contains(&PathBuf::from("/c/packages/fuselage")));
    }
}
