use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

const PAUSE: Duration = Duration::from_millis(5);

/// A process that supervises `command`. What it has to do after the end of the command, which is to
/// make the file `after` here, is done if nothing ends it before.
fn supervisor_of(after: &Path, command: impl FnOnce()) -> Pid {
    let supervisor = || -> io::Result<()> {
        match supervise(HeldSignals::begin()?)? {
            Side::Child(ready) => {
                ready.unwrap();
                command()
            }
            Side::Supervisor(mut supervision) => {
                let end = supervision.until_end();
                fs::write(after, "")?;
                end.follow()
            }
        }
        exit_now(0)
    };
    match fork().unwrap() {
        Forked::Child => exit_now(supervisor().map_or(1, |()| 2)),
        Forked::Parent(child) => child,
    }
}

/// What wait(2) says of a child that ends or stops.
fn status_of(child: Pid) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is valid for the call.
    let waited = unsafe { libc::waitpid(child.as_raw(), &raw mut status, libc::WUNTRACED) };
    assert_eq!(waited, child.as_raw());
    status
}

fn wait_for_file(path: &Path) {
    while !path.exists() {
        std::thread::sleep(PAUSE);
    }
}

#[test]
fn no_signal_ends_the_supervisor_before_the_command() {
    let place = tempfile::tempdir().unwrap();
    let [ready, after] = ["ready", "after"].map(|name| place.path().join(name));
    for signal in [libc::SIGTERM, libc::SIGUSR2, 34, 64] {
        let supervisor = supervisor_of(&after, || {
            // Who runs the tests may ignore some.
            set_default(signal);
            let _ = fs::write(&ready, "");
            std::thread::sleep(Duration::from_secs(60));
        });
        wait_for_file(&ready);
        // SAFETY: takes numbers.
        unsafe { libc::kill(supervisor.as_raw(), signal) };
        let status = status_of(supervisor);
        assert!(libc::WIFSIGNALED(status), "{signal}");
        assert_eq!(libc::WTERMSIG(status), signal);
        for path in [&ready, &after] {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_command_that_has_itself_traced_stops_the_supervisor_and_does_not_end_it() {
    let place = tempfile::tempdir().unwrap();
    let after = place.path().join("after");
    for signal in [libc::SIGTSTP, libc::SIGUSR1, libc::SIGTERM] {
        let supervisor = supervisor_of(&after, || {
            // SAFETY: takes numbers; the kernel reads no memory for this request.
            unsafe {
                libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
                libc::raise(signal);
            }
        });
        let status = status_of(supervisor);
        assert!(libc::WIFSTOPPED(status), "{signal}");
        process::send_signal(supervisor, Signal::SIGKILL);
        assert!(libc::WIFSIGNALED(status_of(supervisor)));
    }
}
