//! Entries that were copied: compared by the caller, and good again.

use std::fs;
use std::process::Command;

use super::{build, cache, content, entry, name, path, why};
use crate::support::in_private_directory;

#[test]
fn a_copy_is_good_again_once_it_is_sealed() {
    in_private_directory(|place| {
        let cache = cache(place);
        let built = build(&cache, "one");
        built.mark_synced(cache.directory()).unwrap();
        drop(built);
        let copy = path(&cache, ".copy");
        let copied = Command::new("cp")
            .arg("-a")
            .args([&path(&cache, ""), &copy])
            .status();
        assert!(copied.unwrap().success());
        fs::rename(path(&cache, ""), path(&cache, ".old")).unwrap();
        fs::rename(&copy, path(&cache, "")).unwrap();
        assert_eq!(why(cache.find(&name())), "it was copied or changed");
        let lock = cache.try_build(name()).unwrap().unwrap();
        let examined = cache.examine(&name()).unwrap();
        assert_eq!(examined.doubt, Some("it was copied or changed"));
        assert_eq!(content(&examined.entry), "one");
        let list = cache.open_list(&name()).unwrap();
        assert_eq!(std::io::read_to_string(list).unwrap(), "list");
        let sealed = cache.seal(examined, &lock).unwrap();
        assert!(!sealed.sentinel().synced);
        assert_eq!(sealed.sentinel().source, "a.zip");
        drop((sealed, lock));
        assert_eq!(content(&entry(cache.find(&name()))), "one");
    });
}

#[test]
fn what_changes_after_it_was_examined_is_not_sealed() {
    in_private_directory(|place| {
        let cache = cache(place);
        drop(build(&cache, "one"));
        let lock = cache.try_build(name()).unwrap().unwrap();
        let examined = cache.examine(&name()).unwrap();
        assert_eq!(examined.doubt, None);
        fs::write(path(&cache, "").join("new"), "").unwrap();
        cache.seal(examined, &lock).unwrap_err();
        let examined = cache.examine(&name()).unwrap();
        fs::rename(path(&cache, ""), path(&cache, ".old")).unwrap();
        fs::create_dir(path(&cache, "")).unwrap();
        cache.seal(examined, &lock).unwrap_err();
        assert_eq!(why(cache.find(&name())), "it was copied or changed");
    });
}

#[test]
fn an_entry_that_was_taken_away_is_not_marked() {
    in_private_directory(|place| {
        let cache = cache(place);
        let built = build(&cache, "one");
        let sentinel = path(&cache, ".complete");
        let away = path(&cache, ".away");
        fs::hard_link(&sentinel, &away).unwrap();
        fs::remove_file(&sentinel).unwrap();
        fs::remove_file(&away).unwrap();
        built.mark_synced(cache.directory()).unwrap();
        let mut text = String::new();
        let lock = built.lock().try_clone_to_owned().unwrap();
        std::io::Read::read_to_string(&mut rewound(lock.into()), &mut text).unwrap();
        assert!(text.contains("\"synced\":false"), "{text}");
    });
}

fn rewound(mut file: fs::File) -> fs::File {
    std::io::Seek::rewind(&mut file).unwrap();
    file
}
