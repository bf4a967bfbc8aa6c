//! Processes that go on by themselves.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use fuselage_linux::detached::{adopts_orphans, detach};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{getpid, getppid, getsid};

use crate::child::in_child;

#[test]
fn a_detached_process_has_nothing_of_its_caller_but_what_it_was_given() {
    in_child(|| {
        let (mut said, saying) = std::io::pipe().unwrap();
        let (mut held, holding) = std::io::pipe().unwrap();
        let parent = getpid();
        let before = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
        detach(&[saying.as_fd()], || {
            std::thread::sleep(Duration::from_millis(50));
            let open = fs::read_dir("/proc/self/fd").unwrap().count();
            let directory = std::env::current_dir().unwrap();
            let session = getsid(None).unwrap() != getsid(Some(parent)).unwrap();
            let orphan = getppid() != parent;
            let leads = getsid(None).unwrap() == getpid();
            let nothing = fs::read_link("/proc/self/fd/1").unwrap();
            write!(
                &mut &saying,
                "{open} {} {session} {orphan} {leads} {}",
                directory.display(),
                nothing.display()
            )
            .unwrap();
        })
        .unwrap();
        drop((saying, holding));
        // It does not hold what it was not given: this ends before the process does.
        let mut text = String::new();
        held.read_to_string(&mut text).unwrap();
        said.read_to_string(&mut text).unwrap();
        // Three standard ones, the pipe, and the directory that is being read.
        assert_eq!(text, "5 / true true true /dev/null");
        let after = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
        assert_eq!(before, after);
        assert_eq!(
            nix::sys::wait::waitpid(None, None),
            Err(nix::errno::Errno::ECHILD)
        );
    });
}

#[test]
fn who_would_get_it_as_a_child_is_told_so() {
    in_child(|| {
        assert!(!adopts_orphans());
        set_child_subreaper(true).unwrap();
        assert!(adopts_orphans());
    });
}
