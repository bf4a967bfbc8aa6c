//! The digests of archives that are known without reading them.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{cache, name};
use crate::support::in_private_directory;

#[test]
fn a_file_is_known_again_until_it_changes() {
    in_private_directory(|place| {
        let cache = cache(place);
        let archive = place.join("a.zip");
        fs::write(&archive, "one").unwrap();
        let open = || fs::File::open(&archive).unwrap();
        let digest = name().digest;
        let now = SystemTime::now();
        let index = |at| cache.index(&archive, open().as_fd(), at, &digest).unwrap();
        assert!(!index(now), "it may change in the same instant");
        assert_eq!(cache.indexed(&archive, open().as_fd()), None);
        assert!(index(now + Duration::from_secs(3)));
        assert_eq!(cache.indexed(&archive, open().as_fd()), Some(digest));
        assert_eq!(cache.indexed(&place.join("b.zip"), open().as_fd()), None);
        // The same size, and its old time.
        let modified = archive.metadata().unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        fs::write(&archive, "two").unwrap();
        open().set_modified(modified).unwrap();
        assert_eq!(cache.indexed(&archive, open().as_fd()), None);
    });
}

#[test]
fn garbage_and_the_note_of_another_path_are_none() {
    in_private_directory(|place| {
        let cache = cache(place);
        let index = cache.path().join("index");
        let [archive, other] = ["a.zip", "b.zip"].map(|name| place.join(name));
        fs::write(&archive, "x").unwrap();
        let file = fs::File::open(&archive).unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        let digest = name().digest;
        let note = |path: &Path| {
            assert!(cache.index(path, file.as_fd(), later, &digest).unwrap());
            let noted = fs::read_dir(&index)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path();
            (fs::read(&noted).unwrap(), noted)
        };
        let (of_other, other_note) = note(&other);
        fs::remove_file(other_note).unwrap();
        let (whole, noted) = note(&archive);
        let known = |bytes: &[u8]| {
            fs::write(&noted, bytes).unwrap();
            cache.indexed(&archive, file.as_fd())
        };
        assert_eq!(known(&of_other), None);
        for garbage in [
            &b""[..],
            b"{}",
            b"\0\0",
            &whole[..whole.len() - 2],
            &[b'['; 100_000],
        ] {
            assert_eq!(known(garbage), None);
        }
        assert_eq!(known(&whole), Some(digest), "the twin");
        assert_eq!(super::count(&index), 1, "no leavings");
    });
}

#[test]
fn a_note_where_inode_numbers_do_not_last_is_of_this_run_of_the_host() {
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() {
        return;
    }
    in_private_directory(|place| {
        let cache = cache(place);
        let file = tempfile::tempfile_in(memory).unwrap();
        let archive = memory.join("a.zip");
        let later = SystemTime::now() + Duration::from_secs(10);
        let digest = name().digest;
        assert!(cache.index(&archive, file.as_fd(), later, &digest).unwrap());
        assert_eq!(cache.indexed(&archive, file.as_fd()), Some(digest));
        let index = cache.path().join("index");
        let noted = fs::read_dir(index).unwrap().next().unwrap().unwrap().path();
        let boot = fuselage_linux::host_facts::boot_id();
        let text = fs::read_to_string(&noted).unwrap();
        assert!(text.contains(&boot), "{text}");
        fs::write(noted, text.replace(&boot, &boot.replace(|_| true, "0"))).unwrap();
        assert_eq!(cache.indexed(&archive, file.as_fd()), None);
    });
}
