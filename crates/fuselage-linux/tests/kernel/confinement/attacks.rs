//! Each attack works in a child that is not confined, and does not in one that is.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use fuselage_linux::descriptors;
use fuselage_linux::process::{
    ExitKind, Forked, Pid, Signal, exit_now, fork, own_pid, replace_process, wait_for,
};
use nix::errno::Errno;
use nix::libc;

use super::{as_user, ended, ended_with};
use crate::child::{in_mount_namespace, in_user_namespace};

/// Whether it worked. The argument is the process that confines.
type Attack = fn(Pid) -> bool;

/// Made by number, as somebody does who brings his own code.
pub(super) fn call(number: libc::c_long, arguments: [libc::c_long; 4]) -> bool {
    let [a, b, c, d] = arguments;
    // SAFETY: the attacks pass numbers, null and strings that live for the call.
    unsafe { libc::syscall(number, a, b, c, d, -1, 0) >= 0 }
}

/// The directory that relative paths begin at.
const HERE: libc::c_long = libc::AT_FDCWD as libc::c_long;

/// What ends the process.
const ENDING: &[(&str, Attack)] = &[
    ("fork", |_| match fork() {
        Ok(Forked::Child) => exit_now(0),
        Ok(Forked::Parent(child)) => wait_for(child).is_ok(),
        Err(_) => false,
    }),
    ("vfork by clone", |_| {
        let flags = libc::c_long::from(libc::CLONE_PARENT);
        // SAFETY: as fork(2): without a stack the child goes on here, in memory of its own.
        match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
            0 => exit_now(0),
            child => child > 0,
        }
    }),
    ("execve", |_| {
        replace_process(c"/bin/true", &[c"true".to_owned()], &[]);
        false
    }),
    ("socket", |_| {
        call(
            libc::SYS_socket,
            [libc::AF_INET.into(), libc::SOCK_STREAM.into(), 0, 0],
        )
    }),
    ("kill", |parent| {
        call(libc::SYS_kill, [parent.as_raw().into(), 0, 0, 0])
    }),
    ("ptrace", |_| {
        call(libc::SYS_ptrace, [libc::PTRACE_TRACEME.into(), 0, 0, 0])
    }),
    ("a session of its own", |_| call(libc::SYS_setsid, [0; 4])),
    ("memory to execute", |_| {
        let protection = libc::c_long::from(libc::PROT_READ | libc::PROT_EXEC);
        let private = libc::c_long::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        call(libc::SYS_mmap, [0, 4096, protection, private])
    }),
    ("a file that is memory", |_| {
        call(libc::SYS_memfd_create, [c"x".as_ptr() as i64, 0, 0, 0])
    }),
    ("removing a file", |_| {
        let flags = libc::O_CREAT | libc::O_WRONLY;
        let name = c"removed".as_ptr() as i64;
        call(libc::SYS_openat, [HERE, name, flags.into(), 0o600])
            && call(libc::SYS_unlinkat, [HERE, name, 0, 0])
    }),
    ("a file with a set-user-ID bit", |_| {
        let flags = libc::c_long::from(libc::O_CREAT | libc::O_WRONLY);
        let name = c"set-user-id".as_ptr() as i64;
        call(libc::SYS_openat, [HERE, name, flags, 0o4755])
    }),
    ("the same by its name", |_| {
        let flags = libc::c_long::from(libc::O_CREAT | libc::O_WRONLY);
        let name = c"later".as_ptr() as i64;
        call(libc::SYS_openat, [HERE, name, flags, 0o755])
            && call(libc::SYS_fchmodat, [HERE, name, 0o2755, 0])
    }),
    ("a directory with a sticky bit", |_| {
        call(
            libc::SYS_mkdirat,
            [HERE, c"sticky".as_ptr() as i64, 0o1777, 0],
        )
    }),
    ("a name for what a link leads to", |_| {
        let flags = libc::c_long::from(libc::O_CREAT | libc::O_WRONLY);
        let (name, other) = (c"one".as_ptr() as i64, c"other".as_ptr() as i64);
        let arguments = [HERE, name, HERE, other, libc::AT_SYMLINK_FOLLOW.into()];
        // SAFETY: the strings live for the call.
        call(libc::SYS_openat, [HERE, name, flags, 0o600])
            && unsafe {
                let [a, b, c, d, e] = arguments;
                libc::syscall(libc::SYS_linkat, a, b, c, d, e) == 0
            }
    }),
    ("asking for namespaces", |_| {
        call(libc::SYS_unshare, [libc::CLONE_FS.into(), 0, 0, 0])
    }),
];

/// What is refused, and the process goes on.
const REFUSED: &[(&str, Attack)] = &[
    ("the file of passwords", |_| {
        File::open("/etc/passwd").is_ok()
    }),
    ("the same by ..", |_| {
        File::open(format!("{}etc/passwd", "../".repeat(40))).is_ok()
    }),
    ("processes", |_| fs::read_dir("/proc").is_ok()),
    ("where a link of the host leads", |_| {
        reads_link("/proc/self/exe\0")
    }),
    ("the same by ..", |_| {
        reads_link(&format!("{}proc/self/exe\0", "../".repeat(40)))
    }),
    ("names beside the tree", |_| {
        // That of the tree itself is one.
        let is_ours = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".tmp");
        fs::read_dir("..").is_ok_and(|mut names| {
            names.any(|entry| entry.is_ok_and(|entry| is_ours(&entry.file_name())))
        })
    }),
    ("names of the host", |_| fs::read_dir("/etc").is_ok()),
    ("a signal to a thread of the parent", |parent| {
        let parent = libc::c_long::from(parent.as_raw());
        call(libc::SYS_tgkill, [parent, parent, 0, 0])
    }),
    ("the same by the thread alone", |parent| {
        call(libc::SYS_tkill, [parent.as_raw().into(), 0, 0, 0])
    }),
    ("outliving the parent", |_| {
        call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), 0, 0, 0])
    }),
    ("an owner of a descriptor, who gets signals", |_| {
        let owner = libc::c_long::from(libc::F_SETOWN);
        call(libc::SYS_fcntl, [0, owner, own_pid().as_raw().into(), 0])
    }),
    ("a descriptor that it was not given", |_| {
        // The root is one.
        let is_open = |number: &_| call(libc::SYS_fcntl, [*number, libc::F_GETFD.into(), 0, 0]);
        (3..64).filter(is_open).count() > 1
    }),
];

/// By the one call for it that is let through.
fn reads_link(path: &str) -> bool {
    let mut target = [0_u8; 64];
    let (path, room) = (path.as_ptr() as i64, target.as_mut_ptr() as i64);
    call(
        libc::SYS_readlinkat,
        [HERE, path, room, target.len() as i64],
    )
}

type AttackOnGiven = fn(&Given) -> bool;

/// What ends the process, too, and is done to what it was given: the archive, open to read, and a
/// socket.
const ON_WHAT_IS_OPEN: &[(&str, AttackOnGiven)] = &[
    ("the mode of the archive", |given| {
        call(libc::SYS_fchmod, [given.archive(), 0o6777, 0, 0])
    }),
    ("the same by an empty name", |given| {
        let empty = c"".as_ptr() as i64;
        let flags = libc::AT_EMPTY_PATH.into();
        call(FCHMODAT2, [given.archive(), empty, 0o777, flags])
    }),
    ("the times of the archive", |given| {
        call(libc::SYS_utimensat, [given.archive(), 0, 0, 0])
    }),
    ("its times by an empty name", |given| {
        let flags = libc::AT_EMPTY_PATH.into();
        let empty = c"".as_ptr() as i64;
        call(libc::SYS_utimensat, [given.archive(), empty, 0, flags])
    }),
    ("bytes out of band", |given| {
        let (byte, flags) = (c"x".as_ptr() as i64, libc::MSG_OOB.into());
        call(libc::SYS_sendto, [given.socket(), byte, 1, flags])
    }),
];

/// By number: newer than what `libc` has for all libraries (Linux 6.6).
const FCHMODAT2: libc::c_long = 452;

struct Given {
    archive: File,
    socket: OwnedFd,
}

impl Given {
    fn archive(&self) -> libc::c_long {
        self.archive.as_raw_fd().into()
    }

    fn socket(&self) -> libc::c_long {
        self.socket.as_raw_fd().into()
    }
}

fn attack() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let parent = own_pid();
    std::env::set_current_dir(directory.path()).unwrap();
    let root = File::open(directory.path()).unwrap();
    let _another = File::open("/").unwrap();
    let run = |is_confined, attack: &Attack| ended(is_confined, &root, || attack(parent));
    for (name, attack) in ENDING.iter().chain(REFUSED) {
        assert_eq!(run(false, attack), ExitKind::Exited(0), "{name}: the twin");
    }
    for (name, attack) in ENDING {
        let end = run(true, attack);
        assert_eq!(end, ExitKind::Signaled(Signal::SIGSYS), "{name}");
    }
    for (name, attack) in REFUSED {
        assert_eq!(run(true, attack), ExitKind::Exited(1), "{name}");
    }
}

/// Mode, times and length.
fn facts(file: &File) -> (u32, i64, i64, u64) {
    let facts = file.metadata().unwrap();
    (facts.mode(), facts.mtime(), facts.atime(), facts.len())
}

fn attack_what_is_open() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let root = File::open(directory.path()).unwrap();
    for (name, attack) in ON_WHAT_IS_OPEN {
        let path = directory.path().join("archive");
        fs::write(&path, b"archive").unwrap();
        let old = fs::FileTimes::new()
            .set_accessed(std::time::UNIX_EPOCH)
            .set_modified(std::time::UNIX_EPOCH);
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_times(old))
            .unwrap();
        let (_other, socket) = descriptors::socket_pair().unwrap();
        let given = Given {
            archive: File::open(&path).unwrap(),
            socket,
        };
        let before = facts(&given.archive);
        let kept = [given.archive.as_fd(), given.socket.as_fd()];
        let run = |is_confined| ended_with(is_confined, &root, &kept, || attack(&given));
        assert_eq!(run(true), ExitKind::Signaled(Signal::SIGSYS), "{name}");
        assert_eq!(facts(&given.archive), before, "{name}");
        if *name == "the same by an empty name" && !has_fchmodat2() {
            continue;
        }
        assert_eq!(run(false), ExitKind::Exited(0), "{name}: the twin");
        let is_of_the_archive = *name != "bytes out of band";
        let is_changed = facts(&given.archive) != before;
        assert_eq!(is_changed, is_of_the_archive, "{name}: the twin");
        fs::remove_file(&path).unwrap();
    }
}

/// Without arguments it fails otherwise where the kernel knows it.
fn has_fchmodat2() -> bool {
    !call(FCHMODAT2, [-1, 0, 0, 0]) && Errno::last() != Errno::ENOSYS
}

#[test]
fn what_is_read_cannot_be_changed() {
    as_user(attack_what_is_open);
    in_user_namespace(attack_what_is_open);
    in_mount_namespace(attack_what_is_open);
}

#[test]
fn a_user_who_was_taken_over_can_do_nothing() {
    as_user(attack);
}

#[test]
fn in_a_user_namespace_neither() {
    in_user_namespace(attack);
}

#[test]
fn and_root_neither() {
    in_mount_namespace(attack);
}

/// On x86_64 each call has a second number, for programs of 32 bit pointers.
#[cfg(target_arch = "x86_64")]
#[test]
fn other_numbers_of_a_call_are_no_way_around() {
    as_user(|| {
        let root = File::open("/tmp").unwrap();
        let get_pid = || call(libc::SYS_getpid, [0; 4]);
        assert_eq!(ended(true, &root, get_pid), ExitKind::Exited(0), "the twin");
        let of_32_bit = || call(libc::SYS_getpid | 0x4000_0000, [0; 4]);
        let end = ended(true, &root, of_32_bit);
        assert_eq!(end, ExitKind::Signaled(Signal::SIGSYS));
    });
}
