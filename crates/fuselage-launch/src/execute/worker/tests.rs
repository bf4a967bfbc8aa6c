use std::os::fd::AsRawFd;

use super::*;
use crate::execute::watchdog::Watchdog;
use fuselage_linux::shared_notes::SharedNotes;
use fuselage_testing::confinement_works;

const OFTEN: Duration = Duration::from_millis(10);

fn compute(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

fn start(answer: impl FnMut(&[u8]) -> Vec<u8>) -> Worker {
    let root = std::fs::File::open("/proc/self").unwrap();
    let kept = Kept {
        root: root.as_fd(),
        files: Vec::new(),
        files_by: FilesBy::Root,
    };
    Worker::start(&Rc::new(ChildSignal::begin()), &kept, answer).unwrap()
}

fn watched(allowance: Duration, work: impl FnOnce(&SharedNotes)) -> (Worked, Vec<Vec<u8>>) {
    let notes = SharedNotes::new().unwrap();
    let mut watchdog = Watchdog::new(allowance);
    let mut work = Some(work);
    let mut worker = start(|question| {
        if let Some(work) = work.take() {
            work(&notes);
        }
        question.to_vec()
    });
    let worked = worker
        .ask(b"done", OFTEN, |used| watchdog.is_stuck(notes.read(), used))
        .unwrap();
    (worked, notes.read())
}

#[test]
fn one_that_computes_without_progress_is_ended_and_its_note_is_left() {
    if !confinement_works() {
        return;
    }
    let (worked, notes) = watched(Duration::from_millis(100), |notes| {
        notes.note(b"the entry");
        loop {
            std::hint::spin_loop();
        }
    });
    assert_eq!(
        (worked, notes),
        (Worked::Stuck, vec![b"the entry".to_vec()])
    );
}

#[test]
fn one_that_gets_on_or_waits_is_not() {
    if !confinement_works() {
        return;
    }
    let (worked, _) = watched(Duration::from_millis(100), |notes| {
        for round in 0..6_u8 {
            notes.note(&[b'0' + round]);
            compute(Duration::from_millis(40));
        }
        std::thread::sleep(Duration::from_millis(300));
    });
    assert_eq!(worked, Worked::Answer(b"done".to_vec()));
}

#[test]
fn one_that_dies_is_told_from_one_that_ends() {
    if !confinement_works() {
        return;
    }
    let died = |work: fn()| watched(Duration::from_secs(9), |_| work()).0;
    assert_eq!(
        died(|| std::process::abort()),
        Worked::Died(ExitKind::Signaled(Signal::SIGABRT))
    );
    assert_eq!(
        died(|| process::exit_now(3)),
        Worked::Died(ExitKind::Exited(3))
    );
}

#[test]
fn one_that_does_what_no_reader_does_is_told_apart() {
    if !confinement_works() {
        return;
    }
    let (worked, notes) = watched(Duration::from_secs(9), |notes| {
        notes.note(b"the entry");
        // Before it could do anything else with it.
        let _ = descriptors::socket_pair();
    });
    assert_eq!(
        (worked, notes),
        (
            Worked::Died(ExitKind::Signaled(Signal::SIGSYS)),
            vec![b"the entry".to_vec()]
        )
    );
}

#[test]
fn one_that_cannot_be_confined_says_so_and_reads_nothing() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let kept = Kept {
        // No directory that could be the root.
        root: reader.as_fd(),
        files: Vec::new(),
        files_by: FilesBy::Root,
    };
    let children = Rc::new(ChildSignal::begin());
    let mut worker = Worker::start(&children, &kept, <[u8]>::to_vec).unwrap();
    const ENOTDIR: i32 = 20;
    let worked = worker.ask(b"question", OFTEN, |_| false).unwrap();
    assert_eq!(worked, Worked::Unconfined(ConfineStep::Root, ENOTDIR));
    assert!(worker.ask(b"question", OFTEN, |_| false).is_err());
}

#[test]
fn a_panic_is_a_crash_and_no_attack() {
    if !confinement_works() {
        return;
    }
    // What the standard library does for a backtrace, if that is asked for, the filter would end.
    let (worked, _) = watched(Duration::from_secs(9), |_| {
        let nothing: Option<()> = std::hint::black_box(None);
        nothing.unwrap();
    });
    assert_eq!(worked, Worked::Died(ExitKind::Signaled(Signal::SIGABRT)));
}

#[test]
fn it_answers_until_it_is_ended_and_a_dead_one_no_more() {
    if !confinement_works() {
        return;
    }
    let mut count = 0;
    let mut worker = start(|question| {
        count += 1;
        if question.is_empty() {
            process::exit_now(4);
        }
        [question, &[count]].concat()
    });
    let mut ask = |question: &[u8]| worker.ask(question, Duration::from_secs(9), |_| false);
    for count in 1..4 {
        assert_eq!(ask(b"a").unwrap(), Worked::Answer(vec![b'a', count]));
    }
    let died = Worked::Died(ExitKind::Exited(4));
    assert_eq!(ask(b"").unwrap(), died);
    assert!(ask(b"a").is_err());
}

/// Makes the file that it is asked for below its root.
fn maker(children: &Rc<ChildSignal>, root: &std::path::Path) -> Worker {
    let root = std::fs::File::open(root).unwrap();
    let kept = Kept {
        root: root.as_fd(),
        files: Vec::new(),
        files_by: FilesBy::Root,
    };
    let make = |path: &[u8]| {
        let path = std::str::from_utf8(path).unwrap_or_default();
        vec![std::fs::File::create(path).is_ok().into()]
    };
    Worker::start(children, &kept, make).unwrap()
}

#[test]
fn each_of_several_reaches_its_own_directory_and_is_ended_alone() {
    if !confinement_works() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| place.path().join(name));
    let children = Rc::new(ChildSignal::begin());
    let mut workers = [&a, &b].map(|root| {
        std::fs::create_dir(root).unwrap();
        maker(&children, root)
    });
    drop(children);
    let others = b.join("of a");
    for path in ["of a", "../b/of a", others.to_str().unwrap()] {
        let answer = workers[0].ask(path.as_bytes(), OFTEN, |_| false).unwrap();
        let expected = path == "of a";
        assert_eq!(answer, Worked::Answer(vec![expected.into()]), "{path}");
    }
    let [first, mut second] = workers;
    drop(first);
    let answer = second.ask(b"of b", OFTEN, |_| false).unwrap();
    assert_eq!(answer, Worked::Answer(vec![1]));
    process::send_signal(second.child.unwrap(), Signal::SIGTERM);
    let answer = second.ask(b"of b", OFTEN, |_| false).unwrap();
    assert_eq!(answer, Worked::Died(ExitKind::Signaled(Signal::SIGTERM)));
    let names = |path: &std::path::Path| {
        let entries = std::fs::read_dir(path).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&a), names(&b)),
        (vec!["of a".into()], vec!["of b".into()])
    );
}

/// A child that does with its side of the socket what `act` does, and then waits for ever.
fn hostile(act: impl FnOnce(OwnedFd)) -> Worker {
    let (socket, theirs) = descriptors::socket_pair().unwrap();
    let children = Rc::new(ChildSignal::begin());
    match process::fork().unwrap() {
        Forked::Parent(child) => Worker {
            socket,
            child: Some(child),
            is_confined: true,
            children,
        },
        Forked::Child => {
            drop(socket);
            act(theirs);
            loop {
                std::thread::sleep(Duration::from_secs(9));
            }
        }
    }
}

fn answered(act: impl FnOnce(OwnedFd)) -> Worked {
    let mut worker = hostile(act);
    let worked = worker.ask(b"", OFTEN, |_| false).unwrap();
    if !matches!(worked, Worked::Answer(_)) {
        assert!(worker.ask(b"", OFTEN, |_| false).is_err(), "it is gone");
    }
    worked
}

#[test]
fn an_answer_is_limited_and_so_is_the_time_that_it_takes() {
    let send = |bytes: &'static [u8]| {
        move |socket: OwnedFd| {
            descriptors::send_some(socket.as_fd(), bytes).unwrap();
            // Open until the end.
            std::mem::forget(socket);
        }
    };
    assert_eq!(
        answered(send(b"\x02\0\0\0ab")),
        Worked::Answer(b"ab".to_vec()),
        "the twin"
    );
    let too_long = answered(send(b"\x01\0\x10\0"));
    assert_eq!(too_long, Worked::Broken("its answer is longer than 1 MiB"));
    for half in [&b"\x02"[..], b"\x02\0\0\0", b"\x02\0\0\0a"] {
        assert_eq!(answered(send(half)), Worked::Broken(UNENDED));
    }
}

#[test]
fn one_that_sends_a_byte_now_and_then_is_ended_too() {
    let trickle = |socket: OwnedFd| {
        for byte in b"\xff\xff".iter().chain(std::iter::repeat(&0)) {
            let _ = descriptors::send_some(socket.as_fd(), &[*byte]);
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    assert_eq!(answered(trickle), Worked::Broken(UNENDED));
}

#[test]
fn bytes_out_of_band_are_no_answer_and_the_look_goes_on() {
    let mut worker = hostile(|socket| {
        let flags = nix::sys::socket::MsgFlags::MSG_OOB;
        let _ = nix::sys::socket::send(socket.as_raw_fd(), b"x", flags);
        std::mem::forget(socket);
    });
    let mut looks = 0;
    let begin = Instant::now();
    let worked = worker.ask(b"", OFTEN, |_| {
        looks += 1;
        looks == 5
    });
    assert_eq!(worked.unwrap(), Worked::Stuck);
    assert!(begin.elapsed() >= 4 * OFTEN, "it looks no more often");
}

#[test]
fn one_that_closes_the_socket_and_stays_is_ended() {
    assert_eq!(
        answered(drop),
        Worked::Broken("it closed the socket, and went on")
    );
}
