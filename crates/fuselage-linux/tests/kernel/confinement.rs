//! What a process that was taken over could do after it was confined: nothing; and what extraction
//! needs works.

mod attacks;

use std::fs::{self, File};
use std::io::Read;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use fuselage_linux::confinement::{ConfineStep, FilesBy, confine, confine_files_by};
use fuselage_linux::local_time::{LocalTime, keep_zone};
use fuselage_linux::mapped_file::fill_new_file;
use fuselage_linux::process::{ExitKind, Forked, Pid, Signal, exit_now, fork, own_pid, wait_for};
use fuselage_linux::{beneath, descriptors, look_beneath};
use nix::errno::Errno;
use nix::libc;

use attacks::call;

use crate::call_filter::{refuse, refuse_prctl};
use crate::child::{self, in_mount_namespace, in_user_namespace, user_namespaces_work};

/// An ordinary user changes its root directory in a user namespace.
fn as_user(test: impl FnOnce()) {
    if user_namespaces_work() {
        child::as_user(test);
    }
}

/// How a child ends that does `body`, after it was confined where that is asked: 0 if it is true.
fn ended(is_confined: bool, root: &File, body: impl FnOnce() -> bool) -> ExitKind {
    ended_with(is_confined, root, &[], body)
}

/// The same with `kept` descriptors.
fn ended_with(
    is_confined: bool,
    root: &File,
    kept: &[BorrowedFd<'_>],
    body: impl FnOnce() -> bool,
) -> ExitKind {
    let parent = own_pid();
    match fork().unwrap() {
        Forked::Child => {
            if is_confined && confine(parent, root.as_fd(), kept).is_err() {
                exit_now(99);
            }
            exit_now(if body() { 0 } else { 1 })
        }
        Forked::Parent(child) => wait_for(child).unwrap(),
    }
}

/// What extraction does.
fn work() -> bool {
    let write = |root: BorrowedFd<'_>| -> std::io::Result<()> {
        beneath::make_directory(root, b"a")?;
        beneath::make_directory(root, b"b")?;
        let (a, b) = (
            beneath::open_directory(root, b"a")?,
            beneath::open_directory(root, b"b")?,
        );
        let file = File::from(beneath::create_file(a.as_fd(), b"f", 0o600)?);
        fill_new_file(&file, NonZeroUsize::MIN.saturating_add(9999), |bytes| {
            bytes.fill(7);
        })?;
        file.set_len(20_000)?;
        beneath::set_time(a.as_fd(), b"f", 5, 6)?;
        beneath::set_mode(a.as_fd(), b"f", 0o751)?;
        beneath::make_symlink(b.as_fd(), b"l", b"/etc/passwd")?;
        beneath::set_time(b.as_fd(), b"l", 5, 6)?;
        beneath::make_hard_link(a.as_fd(), b"f", b.as_fd(), b"g")?;
        Ok(())
    };
    // SAFETY: `confine` makes this number the root.
    let root = unsafe { BorrowedFd::borrow_raw(0) };
    write(root).is_ok()
}

fn work_is_done() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let root = File::open(directory.path()).unwrap();
    assert_eq!(ended(true, &root, work), ExitKind::Exited(0));
    let file = fs::metadata(directory.path().join("a/f")).unwrap();
    assert_eq!((file.mode() & 0o7777, file.mtime()), (0o751, 5));
    let content = fs::read(directory.path().join("b/g")).unwrap();
    assert_eq!(content.len(), 20_000);
    assert_eq!(&content[..10_000], [7; 10_000]);
    assert!(
        fs::symlink_metadata(directory.path().join("b/l"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn a_tree_can_still_be_written() {
    as_user(work_is_done);
    in_user_namespace(work_is_done);
    in_mount_namespace(work_is_done);
}

/// What comparing a tree does: names, links, what is known of a file, and its content.
fn is_as_made() -> bool {
    let look = |root: BorrowedFd<'_>| -> std::io::Result<bool> {
        let directory = beneath::open_directory(root, b"d")?;
        let mut names = look_beneath::names(directory.as_fd())?;
        names.sort();
        let target = look_beneath::link_target(directory.as_fd(), b"l")?;
        let file = look_beneath::open_file(directory.as_fd(), b"f")?;
        let status = look_beneath::status(directory.as_fd(), b"f")?;
        let is_same = look_beneath::status_of(&file)? == status;
        let mut content = [0; 9];
        let length = File::from(file).read(&mut content)?;
        let identity = fuselage_linux::file_identity::file_identity(root)?;
        beneath::open_above(directory.as_fd(), &identity)?;
        Ok(names == [b"f", b"l"]
            && target == b"/etc/passwd"
            && is_same
            && content[..length] == *b"four")
    };
    // SAFETY: `confine` makes this number the root.
    let root = unsafe { BorrowedFd::borrow_raw(0) };
    look(root).is_ok_and(|is_as_made| is_as_made)
}

fn tree_is_looked_at() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    fs::create_dir(directory.path().join("d")).unwrap();
    fs::write(directory.path().join("d/f"), "four").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("d/l")).unwrap();
    let root = File::open(directory.path()).unwrap();
    assert_eq!(ended(true, &root, is_as_made), ExitKind::Exited(0));
    fs::write(directory.path().join("d/f"), "five").unwrap();
    assert_eq!(
        ended(true, &root, is_as_made),
        ExitKind::Exited(1),
        "the twin"
    );
}

#[test]
fn a_tree_can_be_looked_at() {
    as_user(tree_is_looked_at);
    in_user_namespace(tree_is_looked_at);
    in_mount_namespace(tree_is_looked_at);
}

#[test]
fn threads_memory_and_the_end_work() {
    as_user(|| {
        let root = File::open("/tmp").unwrap();
        let threads = || {
            let sums: Vec<_> = (0..8_u8)
                .map(|byte| {
                    std::thread::spawn(move || {
                        let mut memory = vec![byte; 1 << 20];
                        memory.resize(40 << 20, byte);
                        std::thread::sleep(Duration::from_millis(1));
                        memory.iter().map(|byte| u64::from(*byte)).sum::<u64>()
                    })
                })
                .collect();
            let sum: u64 = sums.into_iter().map(|sum| sum.join().unwrap_or(0)).sum();
            sum == 28 * (40 << 20) && std::thread::available_parallelism().is_ok()
        };
        assert_eq!(ended(true, &root, threads), ExitKind::Exited(0));
        let abort = || std::process::abort();
        let end = ended(true, &root, abort);
        assert_eq!(end, ExitKind::Signaled(Signal::SIGABRT));
    });
}

#[test]
fn kept_descriptors_are_read_and_written_and_local_time_goes_on() {
    as_user(|| {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (root, hosts) = (
            File::open("/tmp").unwrap(),
            File::open("/etc/passwd").unwrap(),
        );
        let parent = own_pid();
        let noon = LocalTime {
            year: 2020,
            month: 7,
            day: 1,
            hour: 12,
            minute: 0,
            second: 0,
        };
        let expected = noon.seconds();
        match fork().unwrap() {
            Forked::Child => {
                keep_zone().unwrap();
                let kept = [writer.as_fd(), hosts.as_fd()];
                let works = confine(parent, root.as_fd(), &kept).is_ok()
                    && noon.seconds() == expected
                    && nix::unistd::read(&hosts, &mut [0; 8]) == Ok(8)
                    && nix::unistd::write(&writer, b"x") == Ok(1)
                    && descriptors::standard_error().as_raw_fd() == 2
                    && nix::unistd::write(descriptors::standard_error(), b"x") == Err(Errno::EBADF);
                exit_now(if works { 0 } else { 1 })
            }
            Forked::Parent(child) => {
                assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0));
                drop(writer);
                let mut read = Vec::new();
                reader.read_to_end(&mut read).unwrap();
                assert_eq!(read, b"x");
            }
        }
    });
}

/// Forks a process that forks one that waits, `confined` or not, and ends; whether the one that
/// waits was ended by that.
fn follows(is_confined: bool) -> bool {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let root = File::open("/tmp").unwrap();
    let Forked::Parent(middle) = fork().unwrap() else {
        let parent = own_pid();
        if let Ok(Forked::Child) = fork() {
            let kept = [writer.as_fd()];
            if is_confined && confine(parent, root.as_fd(), &kept).is_err() {
                exit_now(99);
            }
            let _ = nix::unistd::write(&writer, b"ready");
            std::thread::sleep(Duration::from_secs(if is_confined { 30 } else { 1 }));
            let _ = nix::unistd::write(&writer, b" and alive");
            exit_now(0);
        }
        let mut ready = [0; 5];
        let _ = reader.read_exact(&mut ready);
        exit_now(0)
    };
    drop(writer);
    wait_for(middle).unwrap();
    let mut said = Vec::new();
    reader.read_to_end(&mut said).unwrap();
    said.is_empty()
}

#[test]
fn it_ends_with_its_parent() {
    as_user(|| {
        assert!(!follows(false), "the twin");
        assert!(follows(true));
    });
}

#[test]
fn one_whose_parent_is_gone_already_is_told() {
    let root = File::open("/tmp").unwrap();
    let refused = || {
        let other = Pid::from_raw(own_pid().as_raw());
        confine(other, root.as_fd(), &[])
            .is_err_and(|error| error.source.raw_os_error() == Some(libc::ESRCH))
    };
    assert_eq!(ended(false, &root, refused), ExitKind::Exited(0));
}

/// Which step fails in a child after `prepare`; `None`: it is confined, without files of the host.
fn failing_step(prepare: impl FnOnce()) -> Option<ConfineStep> {
    const CONFINED: i32 = 50;
    let root = File::open("/tmp").unwrap();
    let parent = own_pid();
    let confined = || {
        prepare();
        match confine(parent, root.as_fd(), &[]) {
            Ok(()) if File::open("/etc/passwd").is_ok() => exit_now(99),
            Ok(()) => exit_now(CONFINED),
            Err(error) => exit_now(error.step as i32),
        }
    };
    match ended(false, &root, confined) {
        ExitKind::Exited(CONFINED) => None,
        ExitKind::Exited(step) => Some(ConfineStep::ALL[usize::try_from(step).unwrap()]),
        other => panic!("{other:?}"),
    }
}

fn drop_change_of_root() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let mut sets = capabilities(None).unwrap();
    sets.effective.remove(CapabilitySet::SYS_CHROOT);
    sets.permitted.remove(CapabilitySet::SYS_CHROOT);
    set_capabilities(None, sets).unwrap();
}

#[test]
fn root_that_cannot_change_its_root_directory_does_so_in_a_user_namespace_or_is_told() {
    in_mount_namespace(|| {
        assert_eq!(failing_step(|| {}), None);
        if user_namespaces_work() {
            assert_eq!(failing_step(drop_change_of_root), None);
        }
        let refused = failing_step(|| {
            drop_change_of_root();
            refuse(&[(libc::SYS_unshare, Errno::EPERM)]);
        });
        assert_eq!(refused, Some(ConfineStep::Root));
        let refused = failing_step(|| refuse(&[(libc::SYS_chroot, Errno::ENOSYS)]));
        assert_eq!(refused, Some(ConfineStep::Root));
    });
}

#[test]
fn a_filter_that_is_refused_is_told_from_one_that_there_cannot_be() {
    const SECCOMP: libc::c_long = libc::SYS_seccomp;
    as_user(|| {
        for errno in [Errno::EPERM, Errno::ENOSYS] {
            // By the older call.
            let prepare = || refuse(&[(SECCOMP, errno)]);
            assert_eq!(failing_step(prepare), None);
            let root = File::open("/tmp").unwrap();
            let end = ended(false, &root, || {
                prepare();
                let parent = nix::unistd::getppid();
                confine(parent, root.as_fd(), &[]).is_ok() && call(libc::SYS_setsid, [0; 4])
            });
            assert_eq!(end, ExitKind::Signaled(Signal::SIGSYS));
        }
        let refused = || refuse(&[(SECCOMP, Errno::EINVAL)]);
        assert_eq!(failing_step(refused), Some(ConfineStep::Calls));
        let missing = || {
            refuse(&[(SECCOMP, Errno::EINVAL)]);
            refuse_prctl(libc::PR_GET_SECCOMP as u32, 0, Errno::EINVAL);
        };
        assert_eq!(failing_step(missing), None);
        let neither = || {
            refuse(&[(SECCOMP, Errno::EPERM)]);
            let mode = libc::SECCOMP_MODE_FILTER;
            refuse_prctl(libc::PR_SET_SECCOMP as u32, mode, Errno::EPERM);
        };
        assert_eq!(failing_step(neither), None);
    });
}

/// `Dumpable` is what others see of the owner of the files in /proc, and a limit is inherited.
#[test]
fn its_memory_goes_to_nobody() {
    as_user(|| {
        let root = File::open("/tmp").unwrap();
        let is_kept = || {
            let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE);
            nix::sys::prctl::get_dumpable() == Ok(false) && limit == Ok((0, 0))
        };
        assert!(!is_kept(), "the twin");
        // What asks is not let through by the filter.
        refuse(&[(libc::SYS_seccomp, Errno::EPERM)]);
        let mode = libc::SECCOMP_MODE_FILTER;
        refuse_prctl(libc::PR_SET_SECCOMP as u32, mode, Errno::EPERM);
        assert_eq!(ended(true, &root, is_kept), ExitKind::Exited(0));
    });
}

/// What a process that is confined so may do when it can neither change its root directory nor make a
/// user namespace: reading a file outside, making one inside.
fn reach(files: FilesBy, hide_rules: bool) -> Option<(bool, bool)> {
    let (tree, outside) = (child::directory_of_user(), child::directory_of_user());
    let file = outside.path().join("file");
    fs::write(&file, "x").unwrap();
    child::give_to_user(&file);
    let root = File::open(tree.path()).unwrap();
    let mut said = None;
    let (mut reader, writer) = std::io::pipe().unwrap();
    match fork().unwrap() {
        Forked::Parent(child) => {
            drop(writer);
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            wait_for(child).unwrap();
            if let [outside, inside] = bytes[..] {
                said = Some((outside == 1, inside == 1));
            }
        }
        Forked::Child => {
            child::become_user(child::USER);
            refuse(&[(libc::SYS_unshare, Errno::EPERM)]);
            if hide_rules {
                refuse(&[(libc::SYS_landlock_create_ruleset, Errno::ENOSYS)]);
            }
            let parent = nix::unistd::getppid();
            let kept = [writer.as_fd()];
            if confine_files_by(files, parent, root.as_fd(), &kept).is_ok() {
                let outside = File::open(&file).is_ok();
                let inside = beneath::create_file(root.as_fd(), b"new", 0o600).is_ok();
                let _ = nix::unistd::write(&writer, &[outside.into(), inside.into()]);
            }
            exit_now(0)
        }
    }
    said
}

#[test]
fn rules_keep_files_away_where_the_root_directory_cannot_be_changed() {
    assert_eq!(reach(FilesBy::Root, false), None, "it is refused");
    // Where the kernel has no rules for it, nothing does.
    assert_eq!(
        reach(FilesBy::RootOrRules, true),
        Some((true, true)),
        "the twin"
    );
    if !has_rules() {
        child::skip("this kernel has no Landlock that knows links");
        return;
    }
    assert_eq!(reach(FilesBy::RootOrRules, false), Some((false, true)));
}

/// Landlock of version 2 or later.
fn has_rules() -> bool {
    let none = std::ptr::null::<u8>();
    // SAFETY: without an attribute the call returns the version and touches no memory.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, 1) >= 2 }
}
