//! A forked child for each test: a namespace is entered by a process with one thread only, and
//! what it mounts goes with it.

use std::cell::RefCell;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use fuselage_linux::process::{ExitKind, Forked, exit_now, fork, wait_for};

/// Runs `test` in a child.
///
/// # Panics
/// With what `test` panics with, word by word.
pub fn in_child(test: impl FnOnce()) {
    report_panics_of_children();
    let (reader, writer) = nix::unistd::pipe().unwrap();
    match fork().unwrap() {
        Forked::Child => {
            drop(reader);
            REPORT_TO.set(Some(writer));
            let status = i32::from(catch_unwind(AssertUnwindSafe(test)).is_err());
            exit_now(status)
        }
        Forked::Parent(child) => {
            drop(writer);
            let mut said = String::new();
            std::fs::File::from(reader)
                .read_to_string(&mut said)
                .unwrap();
            let end = wait_for(child).unwrap();
            assert_eq!(end, ExitKind::Exited(0), "in the child: {said}");
        }
    }
}

thread_local! {
    /// Where panics of this thread are written; set in children only.
    static REPORT_TO: RefCell<Option<OwnedFd>> = const { RefCell::new(None) };
}

/// Once for the whole process, and not in each child: the standard library keeps the hook behind a
/// lock, which another thread that panics just then would leave locked in the child for ever.
fn report_panics_of_children() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |what| {
            REPORT_TO.with_borrow(|writer| match writer {
                Some(writer) => report(writer, &what.to_string()),
                None => before(what),
            });
        }));
    });
}

/// Writes `text`; nobody is left to be told that it failed.
pub(crate) fn report(writer: &OwnedFd, text: &str) {
    let _ = nix::unistd::write(writer, text.as_bytes());
}
