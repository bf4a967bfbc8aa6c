//! A filter of system calls (seccomp(2)) for a process that reads what a stranger made: what it
//! needs is let through, and whatever else it calls ends it.
//!
//! The launcher is a static program, so the calls of its C library are those of its build. What a
//! pointer leads to, a path for example, no filter can see: that is left to the other parts of
//! [`crate::confinement`].

use std::{io, ptr};

use nix::errno::Errno;
use nix::libc;

use crate::process;

/// `AUDIT_ARCH_*` of linux/audit.h: the machine (`EM_*`), 64 bit, little endian. Another one is the
/// way into the kernel of 32-bit programs, with other numbers.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(62 | WIDE_AND_LITTLE);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(183 | WIDE_AND_LITTLE);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const WIDE_AND_LITTLE: u32 = 0xc000_0000;

/// Calls that are let through whatever their arguments are, the frequent ones first. Of `openat2`
/// the flags and the mode are behind a pointer.
const ALLOWED: &[libc::c_long] = &[
    // What is read, and the tree.
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_futex,
    libc::SYS_fallocate,
    libc::SYS_munmap,
    libc::SYS_pwrite64,
    libc::SYS_openat2,
    libc::SYS_symlinkat,
    libc::SYS_ftruncate,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    // A tree that is compared with the list of its files: the names in a directory that could be
    // opened, and where a link leads. As those above they change nothing and give no content. Where
    // Landlock alone keeps files away, it lets links and what stat(2) tells be seen.
    libc::SYS_getdents64,
    libc::SYS_readlinkat,
    // The socket to the launcher.
    libc::SYS_recvfrom,
    // Memory.
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_brk,
    // Threads.
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_getrandom,
    // Signals, of a crash for example, and the end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// The flags of pthread_create(3): glibc's, and musl's without `CLONE_DETACHED`, which means
/// nothing.
const NEW_THREAD: libc::c_int = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID;

/// A call that is let through where its arguments pass all tests.
struct Checked {
    call: libc::c_long,
    tests: Vec<Test>,
    /// What is done otherwise.
    otherwise: u32,
}

/// What is demanded of one argument, which are counted from 0.
enum Test {
    /// Its low half, the kernel takes no more of any of these, is one of `values` as far as the
    /// bits of `mask` go.
    OneOf {
        argument: u32,
        mask: u32,
        values: Vec<u32>,
    },
    /// It is no null pointer.
    NotNull { argument: u32 },
}

/// The frequent ones first.
fn checked() -> Vec<Checked> {
    let own = process::own_pid().as_raw() as u32;
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let row = |call, test, otherwise| Checked {
        call,
        tests: vec![test],
        otherwise,
    };
    let one_of = |argument, values: &[u32]| Test::OneOf {
        argument,
        mask: u32::MAX,
        values: values.to_vec(),
    };
    let none_but = |argument, allowed: u32| Test::OneOf {
        argument,
        mask: !allowed,
        values: vec![0],
    };
    // No set-user-ID, set-group-ID and sticky bits.
    let mode = |argument| none_but(argument, 0o777);
    let no_code = |argument| Test::OneOf {
        argument,
        mask: libc::PROT_EXEC as u32,
        values: vec![0],
    };
    let thread = Test::OneOf {
        argument: 0,
        mask: !(libc::CLONE_DETACHED as u32),
        values: vec![NEW_THREAD as u32],
    };
    let descriptors = [
        libc::F_DUPFD_CLOEXEC as u32,
        libc::F_GETFD as u32,
        libc::F_SETFD as u32,
        libc::F_GETFL as u32,
    ];
    let names = [libc::PR_SET_NAME as u32, libc::PR_SET_VMA as u32];
    vec![
        row(libc::SYS_openat, mode(3), KILL),
        // By name alone: without one it is done to what is open, the archive too, however it was
        // opened. The same is true of fchmod(2), which is not let through at all.
        Checked {
            call: libc::SYS_utimensat,
            tests: vec![
                Test::NotNull { argument: 1 },
                one_of(3, &[libc::AT_SYMLINK_NOFOLLOW as u32]),
            ],
            otherwise: KILL,
        },
        row(libc::SYS_mmap, no_code(2), KILL),
        row(libc::SYS_mkdirat, mode(2), KILL),
        row(libc::SYS_fchmodat, mode(2), KILL),
        // No new name for what is open (`AT_EMPTY_PATH`).
        row(libc::SYS_linkat, one_of(4, &[0]), KILL),
        row(libc::SYS_mprotect, no_code(2), KILL),
        // Out-of-band bytes would say that there is something to receive.
        row(
            libc::SYS_sendto,
            one_of(3, &[0, libc::MSG_NOSIGNAL as u32]),
            KILL,
        ),
        row(libc::SYS_fcntl, one_of(1, &descriptors), refused),
        row(libc::SYS_clone, thread, KILL),
        row(libc::SYS_prctl, one_of(0, &names), refused),
        // abort(3) of either library; a thread that is not the first has another number.
        row(libc::SYS_tgkill, one_of(0, &[own]), refused),
        row(libc::SYS_tkill, one_of(0, &[own]), refused),
    ]
}

/// Lets this process, all threads that it will start included, call from now on only what reading
/// an archive and writing a tree need. Any other call ends it by SIGSYS.
///
/// A kernel or a host that has no filters for it is no error.
///
/// # Errors
/// What seccomp(2) says otherwise; `EACCES`: new privileges were not given up before; `EINVAL`: the
/// program is refused.
pub(crate) fn install() -> io::Result<()> {
    let Some(architecture) = ARCHITECTURE else {
        return Ok(());
    };
    let mut program = program(architecture);
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_mut_ptr(),
    };
    let installed = match by_seccomp(&filter) {
        // A filter around this process may know the older call alone.
        Err(Errno::ENOSYS | Errno::EPERM) => by_prctl(&filter),
        done => done,
    };
    match installed {
        Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        Err(Errno::EINVAL) if is_missing() => Ok(()),
        done => Ok(done?),
    }
}

fn by_seccomp(filter: &libc::sock_fprog) -> nix::Result<()> {
    // Before Linux 5.16 a filter slows every computation down unless it is told not to.
    let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the kernel copies the program, which has the stated length and lives until then.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            ptr::from_ref(filter),
        )
    })
    .map(drop)
}

fn by_prctl(filter: &libc::sock_fprog) -> nix::Result<()> {
    // SAFETY: as above.
    Errno::result(unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            ptr::from_ref(filter),
            0,
            0,
        )
    })
    .map(drop)
}

/// Whether the kernel was built without seccomp (prctl(2)).
fn is_missing() -> bool {
    // SAFETY: it takes no argument and touches no memory.
    let mode = unsafe { libc::prctl(libc::PR_GET_SECCOMP, 0, 0, 0, 0) };
    Errno::result(mode) == Err(Errno::EINVAL)
}

fn program(architecture: u32) -> Vec<libc::sock_filter> {
    let mut program = vec![
        load(ARCHITECTURE_AT),
        jump_if(architecture, 1),
        verdict(KILL),
        load(CALL_AT),
    ];
    let mut branch = |call: libc::c_long, body: Vec<libc::sock_filter>| {
        // A body has some ten instructions, a jump goes 255 far.
        program.push(jump_unless(call as u32, body.len() as u8));
        program.extend(body);
    };
    // First: of the others newer kernels remember that no filter need be run (5.11).
    for row in checked() {
        branch(row.call, row.body());
    }
    for call in ALLOWED {
        branch(*call, vec![verdict(libc::SECCOMP_RET_ALLOW)]);
    }
    // Its flags are behind a pointer. Both libraries take clone(2) where it is missing.
    let missing = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    branch(libc::SYS_clone3, vec![verdict(missing)]);
    program.push(verdict(KILL));
    program
}

impl Checked {
    fn body(&self) -> Vec<libc::sock_filter> {
        let tests = self.tests.iter();
        let mut body: Vec<_> = tests.flat_map(|test| test.body(self.otherwise)).collect();
        body.push(verdict(libc::SECCOMP_RET_ALLOW));
        body
    }
}

impl Test {
    /// Goes on behind its end, or ends with `otherwise`.
    fn body(&self, otherwise: u32) -> Vec<libc::sock_filter> {
        match self {
            Self::OneOf {
                argument,
                mask,
                values,
            } => {
                let mut body = vec![
                    load(low_half(*argument)),
                    instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, *mask),
                ];
                let left = |index| (values.len() - index) as u8;
                let jumps = values.iter().enumerate();
                body.extend(jumps.map(|(index, value)| jump_if(*value, left(index))));
                body.push(verdict(otherwise));
                body
            }
            Self::NotNull { argument } => vec![
                load(low_half(*argument)),
                jump_unless(0, 3),
                load(low_half(*argument) + 4),
                jump_unless(0, 1),
                verdict(otherwise),
            ],
        }
    }
}

/// Where things are in `struct seccomp_data`; a low half is first on a little-endian machine.
const CALL_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

fn low_half(argument: u32) -> u32 {
    ARGUMENTS_AT + 8 * argument
}

fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    let code = code as u16;
    libc::sock_filter { code, jt, jf, k }
}

fn load(offset: u32) -> libc::sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

/// Leaves `count` instructions out where it is `value`.
fn jump_if(value: u32, count: u8) -> libc::sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, count, 0, value)
}

/// Leaves `count` instructions out where it is not `value`.
fn jump_unless(value: u32, count: u8) -> libc::sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, count, value)
}

fn verdict(verdict: u32) -> libc::sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, verdict)
}
