//! Where this process's control groups are in the file system (cgroups(7)).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::mount_table::{self, MountLine};

/// The two interfaces, which name their files differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// The directory of this process's group in one hierarchy, then those of its ancestors that can be
/// seen, up to the mount point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) version: Version,
    pub(crate) directories: Vec<PathBuf>,
}

/// The hierarchies that may control `controller` (`memory`): a version 1 one with that name and the
/// version 2 one. None where there are no control groups. `root` is `/` but in tests.
pub(crate) fn hierarchies(root: &Path, controller: &str) -> Vec<Hierarchy> {
    let (Ok(memberships), Ok(table)) = (
        read_whole(&root.join("proc/self/cgroup")),
        read_whole(&root.join("proc/self/mountinfo")),
    ) else {
        return Vec::new();
    };
    let table = mount_table::parse(&table);
    memberships
        .split(|byte| *byte == b'\n')
        .filter_map(|line| hierarchy(line, &table, controller))
        .map(|mut hierarchy| {
            for directory in &mut hierarchy.directories {
                *directory = root.join(directory.strip_prefix("/").unwrap_or(directory));
            }
            hierarchy
        })
        .collect()
}

/// As `std::fs::read`, which asks for the length of the file first, and where that is 0, as in
/// /proc, reads 32 bytes and doubles that.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    /// Mostly one read, and one that finds the end.
    const ROOM: usize = 8 << 10;
    let mut bytes = Vec::with_capacity(ROOM);
    // By way of `take`, since the reader of a file asks for its length all the same.
    File::open(path)?.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `line`: `NUMBER:CONTROLLERS:PATH`; version 2 is number 0 without controllers.
fn hierarchy(line: &[u8], table: &[MountLine], controller: &str) -> Option<Hierarchy> {
    let mut fields = line.splitn(3, |byte| *byte == b':');
    let (number, controllers) = (fields.next()?, fields.next()?);
    let path = Path::new(OsStr::from_bytes(fields.next()?));
    let has = |names: &[u8]| {
        names
            .split(|byte| *byte == b',')
            .any(|n| n == controller.as_bytes())
    };
    let version = match (number, controllers) {
        (b"0", b"") => Version::Two,
        (_, names) if has(names) => Version::One,
        _ => return None,
    };
    let mount = table.iter().find(|line| match version {
        Version::Two => line.file_system == "cgroup2",
        Version::One => line.file_system == "cgroup" && has(line.super_options.as_bytes()),
    })?;
    Some(Hierarchy {
        version,
        directories: directories(path, mount),
    })
}

/// A group outside what is mounted (`/../x`, or a mount of another part) is looked for at the mount
/// point, which then is the nearest ancestor to be seen.
fn directories(path: &Path, mount: &MountLine) -> Vec<PathBuf> {
    let below = path
        .strip_prefix(&mount.root)
        .ok()
        .filter(|below| {
            below
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
        })
        .unwrap_or(Path::new(""));
    below
        .ancestors()
        .map(|ancestor| mount.mount_point.join(ancestor))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(memberships: &str, table: &str) -> Vec<Hierarchy> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        fs::write(root.path().join("proc/self/cgroup"), memberships).unwrap();
        fs::write(root.path().join("proc/self/mountinfo"), table).unwrap();
        let mut found = hierarchies(root.path(), "memory");
        for directory in found
            .iter_mut()
            .flat_map(|hierarchy| &mut hierarchy.directories)
        {
            *directory = Path::new("/").join(directory.strip_prefix(root.path()).unwrap());
        }
        found
    }

    fn expected(version: Version, directories: &[&str]) -> Hierarchy {
        Hierarchy {
            version,
            directories: directories.iter().map(PathBuf::from).collect(),
        }
    }

    const UNIFIED: &str = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";

    #[test]
    fn version_2_is_followed_up_to_its_mount_point() {
        assert_eq!(
            found("0::/user.slice/user@1.service/a:b\n", UNIFIED),
            [expected(
                Version::Two,
                &[
                    "/sys/fs/cgroup/user.slice/user@1.service/a:b",
                    "/sys/fs/cgroup/user.slice/user@1.service",
                    "/sys/fs/cgroup/user.slice",
                    "/sys/fs/cgroup/",
                ]
            )]
        );
    }

    #[test]
    fn version_1_is_chosen_by_its_controller_and_both_count() {
        let table = "31 22 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                     35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                     41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            found("4:memory:/job/1\n1:cpu:/\n0::/\n", table),
            [
                expected(
                    Version::One,
                    &[
                        "/sys/fs/cgroup/memory/job/1",
                        "/sys/fs/cgroup/memory/job",
                        "/sys/fs/cgroup/memory/",
                    ]
                ),
                expected(Version::Two, &["/sys/fs/cgroup/unified/"]),
            ]
        );
    }

    #[test]
    fn a_part_of_the_hierarchy_may_be_what_is_mounted() {
        let docker = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        let mount_point = [expected(Version::One, &["/sys/fs/cgroup/memory/"])];
        assert_eq!(found("4:memory:/docker/abc\n", docker), mount_point);
        assert_eq!(found("4:memory:/elsewhere\n", docker), mount_point);
        let two = [expected(Version::Two, &["/sys/fs/cgroup/"])];
        assert_eq!(found("0::/../other\n", UNIFIED), two);
    }

    #[test]
    fn without_control_groups_there_is_none() {
        assert_eq!(found("0::/a\n", ""), []);
        assert_eq!(found("", UNIFIED), []);
        assert_eq!(hierarchies(Path::new("/nonexistent"), "memory"), []);
    }
}
