//! Where the npm packages are, by where the launcher is itself.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::LaunchError;

/// The file that this process executes.
fn own_file() -> io::Result<PathBuf> {
    std::fs::read_link("/proc/self/exe")
}

/// The directory of the platform package; `None` where /proc does not tell.
pub(crate) fn platform() -> Option<PathBuf> {
    Some(own_file().ok()?.parent()?.to_owned())
}

/// The directory of the npm package `fuselage` that belongs to this launcher, which was called
/// under its own name: beside the platform package, or in a `node_modules` of a directory above it.
pub(crate) fn find() -> Result<PathBuf, LaunchError> {
    let own =
        own_file().map_err(|error| LaunchError::system("find the launcher's own file", error))?;
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
