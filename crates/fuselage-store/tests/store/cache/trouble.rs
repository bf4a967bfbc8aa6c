//! File systems that are full or read-only: errors that say so.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::chown;
use std::path::Path;

use fuselage_linux::mount::bind_read_only;
use fuselage_linux::namespaces::enter_mount_namespace;
use fuselage_linux::own_directory::open_following_links;
use fuselage_testing::become_user;
use nix::mount::{MsFlags, mount};

use super::{build, cache, entry, name, new_entry};
use crate::support::{USER, in_child, make, open_tempdir, root_may_mount};

/// Runs `test` as the ordinary user in a mount namespace, with a directory on 64 KiB of memory.
fn on_a_small_disk(test: impl FnOnce(&Path)) {
    let outside = open_tempdir();
    let place = outside.path().join("place");
    make(&place, USER, 0o700);
    in_child(|| {
        enter_mount_namespace().unwrap();
        let options = Some("size=64k,mode=0700");
        mount(
            Some("small"),
            &place,
            Some("tmpfs"),
            MsFlags::empty(),
            options,
        )
        .unwrap();
        chown(&place, Some(USER), Some(USER)).unwrap();
        become_user(USER);
        test(&place);
    });
}

#[test]
fn a_full_file_system_is_an_error_and_leaves_no_entry() {
    if !root_may_mount() {
        return;
    }
    on_a_small_disk(|place| {
        let cache = cache(place);
        let lock = cache.try_build(name()).unwrap().unwrap();
        let staging = cache.stage().unwrap();
        staging.make_tree().unwrap();
        staging.make_list().unwrap();
        let ballast = place.join("ballast");
        let full = fs::write(&ballast, [0; 128 << 10]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        let error = staging.publish(&lock, new_entry()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        let said = super::why(cache.find(&name()));
        assert_eq!(said, "it is not there");
        drop(lock);
        fs::remove_file(ballast).unwrap();
        drop(build(&cache, "one"));
        drop(entry(cache.find(&name())));
    });
}

#[test]
fn a_read_only_file_system_is_an_error_and_what_is_there_is_found() {
    if !root_may_mount() {
        return;
    }
    let outside = open_tempdir();
    let place = outside.path().join("place");
    make(&place, USER, 0o700);
    in_child(|| {
        enter_mount_namespace().unwrap();
        let built = in_home(&place);
        let tree = open_following_links(&place).unwrap();
        bind_read_only(tree.as_fd()).unwrap();
        // Opened through the bind, as who has the home open from before.
        let cache = fuselage_store::cache::Cache::open_other(&place.join("home/cache")).unwrap();
        let error = cache.try_build(other_name()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
        let error = cache.stage().unwrap_err();
        let said = super::words(&error);
        assert!(said.contains("read-only file system"), "{said}");
        drop(entry(cache.find(&name())));
        drop(built);
    });
}

/// An entry of root's that is on the disk, in a home at `place`.
fn in_home(place: &Path) -> fuselage_store::cache::Entry {
    chown(place, Some(0), Some(0)).unwrap();
    let cache = cache(place);
    let built = build(&cache, "one");
    built.mark_synced(cache.directory()).unwrap();
    built
}

fn other_name() -> fuselage_store::cache::EntryName {
    fuselage_store::cache::EntryName {
        digest: fuselage_archive::Digest::of(b"other"),
        ..name()
    }
}
