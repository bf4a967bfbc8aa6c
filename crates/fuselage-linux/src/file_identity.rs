//! Which file something is, so that "the file that was looked at" and "the file that was opened"
//! can be compared.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{FileType, fstat};

/// Names what `file` refers to; any descriptor does, one opened with `O_PATH` too.
///
/// - a regular file: `file:DEV:INO:SIZE:MTIME:CTIME` (size in bytes, times in nanoseconds). ctime is
///   the one that cannot be set back, so a change of content shows even where mtime was restored.
/// - a directory: `directory:DEV:INO`, since its times change with every entry.
/// - anything else: `other:DEV:INO:RDEV`.
///
/// Equal strings mean the same, unchanged file while the system runs and the file exists. As a key
/// that lasts it is no good: the device number changes over mounts and boots.
///
/// # Errors
/// What fstat(2) says; network file systems give `ESTALE`, `EIO`.
pub fn file_identity(file: impl AsFd) -> io::Result<String> {
    let status = fstat(file)?;
    let (device, inode) = (status.st_dev, status.st_ino);
    Ok(match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => {
            let modified = nanoseconds(status.st_mtime, status.st_mtime_nsec);
            let changed = nanoseconds(status.st_ctime, status.st_ctime_nsec);
            format!(
                "file:{device}:{inode}:{}:{modified}:{changed}",
                status.st_size
            )
        }
        FileType::Directory => format!("directory:{device}:{inode}"),
        _ => format!("other:{device}:{inode}:{}", status.st_rdev),
    })
}

/// Both parts are `i64` or `u64` by architecture; times before 1970 are negative.
pub(crate) fn nanoseconds(seconds: impl Into<i128>, rest: impl Into<i128>) -> i128 {
    seconds.into() * 1_000_000_000 + rest.into()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_keeps_it_over_names_and_loses_it_when_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "one").unwrap();
        let before = file_identity(File::open(&path).unwrap()).unwrap();
        assert!(before.starts_with("file:"), "{before}");
        assert_eq!(before.split(':').count(), 6);
        assert_eq!(before.split(':').nth(3), Some("3"));
        assert_eq!(before, file_identity(File::open(&path).unwrap()).unwrap());

        let link = directory.path().join("b");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(before, file_identity(File::open(&link).unwrap()).unwrap());

        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"x")
            .unwrap();
        assert_ne!(before, file_identity(File::open(&path).unwrap()).unwrap());
    }

    #[test]
    fn content_of_the_same_length_with_its_old_time_is_another_identity() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "one").unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let before = file_identity(&file).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        (&file).write_all(b"two").unwrap();
        file.set_modified(modified).unwrap();
        assert_ne!(before, file_identity(&file).unwrap());
    }

    #[test]
    fn a_directory_keeps_it_when_entries_come() {
        let directory = tempfile::tempdir().unwrap();
        let before = file_identity(File::open(directory.path()).unwrap()).unwrap();
        assert!(before.starts_with("directory:"), "{before}");
        fs::write(directory.path().join("new"), "").unwrap();
        assert_eq!(
            before,
            file_identity(File::open(directory.path()).unwrap()).unwrap()
        );
    }

    #[test]
    fn a_device_is_neither() {
        let identity = file_identity(File::open("/dev/null").unwrap()).unwrap();
        assert!(identity.starts_with("other:"), "{identity}");
    }
}
