//! No error is told without a way out.

use std::collections::BTreeSet;

use fuselage_linux::loop_device::LoopError;
use fuselage_linux::namespaces::NamespaceStep;
use fuselage_linux::process::Signal;

use super::*;

/// One of each kind; what the compiler asks for here is added to `every`, too.
fn number(error: &LaunchError) -> usize {
    match error {
        LaunchError::Reported(_) => 0,
        LaunchError::NodeMissing { .. } => 1,
        LaunchError::NodeNoAnswer { .. } => 2,
        LaunchError::PackageMissing { .. } => 3,
        LaunchError::PlanInvalid { .. } => 4,
        LaunchError::ArchiveOpen { .. } => 5,
        LaunchError::ArchiveChanged { .. } => 6,
        LaunchError::Home(_) => 7,
        LaunchError::Refused(_) => 8,
        LaunchError::Mount { .. } => 9,
        LaunchError::Directory { .. } => 10,
        LaunchError::WorkerDied { .. } => 11,
        LaunchError::CommandNotFound { .. } => 12,
        LaunchError::CommandNotExecutable { .. } => 13,
        LaunchError::RunNotFound { .. } => 14,
        LaunchError::RunAmbiguous { .. } => 15,
        LaunchError::System { .. } => 16,
        LaunchError::Replaced { .. } => 17,
        LaunchError::ProcdirsFull { .. } => 18,
        LaunchError::RunEscapes { .. } => 19,
        LaunchError::WorkerUnconfined { .. } => 20,
        LaunchError::Image { .. } => 21,
        LaunchError::RealDirectory { .. } => 22,
        LaunchError::Supervision { .. } => 23,
        LaunchError::Namespace { .. } => 24,
    }
}

/// Every kind, and where the hint depends on the system's error, one of each of these.
fn every() -> Vec<LaunchError> {
    const EVERY: [io::ErrorKind; 11] = [
        io::ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::StorageFull,
        io::ErrorKind::QuotaExceeded,
        io::ErrorKind::OutOfMemory,
        io::ErrorKind::WouldBlock,
        io::ErrorKind::ArgumentListTooLong,
        io::ErrorKind::ExecutableFileBusy,
        io::ErrorKind::InvalidInput,
        io::ErrorKind::Other,
    ];
    let path = || PathBuf::from("/a/path");
    let report = LaunchError::PlanInvalid { why: "x".into() }.into_report();
    let store = fuselage_store::open_home("relative".as_ref()).unwrap_err();
    // That each refusal has hints is tested where they are made.
    let refusal = Refusal {
        message: "refused".into(),
        causes: vec!["a sysctl".into()],
        hints: vec!["set it".into()],
    };
    let mut every = vec![
        LaunchError::Reported(report),
        LaunchError::NodeMissing { tried: vec![] },
        LaunchError::NodeNoAnswer {
            node: path(),
            how: "ended".into(),
        },
        LaunchError::PackageMissing { launcher: path() },
        LaunchError::PlanInvalid { why: "x".into() },
        LaunchError::ArchiveChanged { path: path() },
        LaunchError::Home(store),
        LaunchError::Refused(refusal),
        LaunchError::RunNotFound {
            path: "x".into(),
            trees: vec!["a".into()],
        },
        LaunchError::RunAmbiguous {
            path: "x".into(),
            candidates: vec!["a/x".into(), "b/x".into()],
        },
        LaunchError::replaced(&path()),
        LaunchError::ProcdirsFull { path: path() },
        LaunchError::RunEscapes {
            path: "x".into(),
            target: path(),
        },
    ];
    for how in [
        WorkerEnd::Died(ExitKind::Exited(1)),
        WorkerEnd::Died(ExitKind::Signaled(Signal::SIGKILL)),
        WorkerEnd::Died(ExitKind::Signaled(Signal::SIGSEGV)),
        WorkerEnd::Died(ExitKind::Signaled(Signal::SIGSYS)),
        WorkerEnd::Stuck(Duration::from_secs(9)),
        WorkerEnd::Broken("it began an answer and did not end it"),
    ] {
        every.push(LaunchError::WorkerDied {
            verb: "extract",
            archive: path(),
            how,
            entries: vec![],
        });
    }
    let device_missing = LoopError::Control(io::ErrorKind::NotFound.into());
    let image = String::from("image");
    for error in [
        ImageError::CutOff {
            found: 1,
            length: 2,
        },
        ImageError::Loop(device_missing),
        ImageError::Loop(LoopError::Busy { image }),
    ] {
        every.push(LaunchError::Image {
            archive: path(),
            path: path(),
            error,
        });
    }
    for step in ConfineStep::ALL {
        every.push(LaunchError::WorkerUnconfined {
            verb: "extract",
            archive: path(),
            step,
            source: io::ErrorKind::PermissionDenied.into(),
        });
    }
    for (searched, near) in [(true, None), (true, Some("run")), (false, None)] {
        every.push(LaunchError::CommandNotFound {
            name: "x".into(),
            searched,
            near_subcommand: near.map(str::to_owned),
        });
    }
    for kind in EVERY {
        let source = || io::Error::from(kind);
        every.extend([
            LaunchError::ArchiveOpen {
                path: path(),
                source: source(),
            },
            LaunchError::Mount {
                what: "mount",
                path: path(),
                source: source(),
            },
            LaunchError::Directory {
                path: path(),
                source: source(),
            },
            LaunchError::RealDirectory {
                path: path(),
                source: source(),
            },
            LaunchError::Supervision { source: source() },
            LaunchError::CommandNotExecutable {
                path: path(),
                source: source(),
                hint: hints::execution(&path(), &source()),
            },
            LaunchError::System {
                what: "do it",
                source: source(),
            },
            LaunchError::Namespace {
                step: NamespaceStep::FirstMount,
                source: source(),
            },
        ]);
    }
    every
}

#[test]
fn every_error_says_what_why_and_what_to_do() {
    let mut seen = BTreeSet::new();
    for error in every() {
        seen.insert(number(&error));
        let said = format!("{error:?}");
        let report = error.into_report();
        assert!(report.code.starts_with("ERR_"), "{said}");
        assert!(!report.message.is_empty(), "{said}");
        for lines in [&report.causes, &report.hints] {
            assert!(
                !lines.is_empty() && lines.iter().all(|line| !line.is_empty()),
                "{said}"
            );
        }
        assert!((125..=127).contains(&report.exit_code), "{said}");
    }
    assert_eq!(seen, (0..25).collect());
}
