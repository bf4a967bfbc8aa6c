//! A filter of system calls (seccomp(2)) for a process that reads what a stranger made: what it
//! needs is let through, and whatever else it calls ends it.
//!
//! The launcher is a static program, so the calls of its C library are those of its build. What a
//! pointer leads to, a path for example, no filter can see: that is left to the other parts of
//! [`crate::confinement`].

use std::io;

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

/// Calls that are let through whatever their arguments are, the frequent ones first.
const ALLOWED: &[libc::c_long] = &[
    // What is read, and the tree.
    libc::SYS_pread64,
    libc::SYS_openat,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_utimensat,
    libc::SYS_futex,
    libc::SYS_fallocate,
    libc::SYS_munmap,
    libc::SYS_pwrite64,
    libc::SYS_openat2,
    libc::SYS_mkdirat,
    libc::SYS_symlinkat,
    libc::SYS_linkat,
    libc::SYS_fchmod,
    libc::SYS_ftruncate,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    // The socket to the launcher.
    libc::SYS_recvfrom,
    libc::SYS_sendto,
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

/// The flags of pthread_create(3): glibc's, and musl's without `CLONE_DETACHED`, which means nothing.
const NEW_THREAD: libc::c_int = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID;

/// A call that is let through where one argument is one of some values.
struct Checked {
    call: libc::c_long,
    /// Counted from 0. Its low half alone is looked at: the kernel takes no more of any of these.
    argument: u32,
    /// The bits of it that count.
    mask: u32,
    values: Vec<u32>,
    /// What is done otherwise.
    otherwise: u32,
}

fn checked() -> Vec<Checked> {
    const NO_CODE: (u32, &[u32]) = (libc::PROT_EXEC as u32, &[0]);
    let own = [process::own_pid().as_raw() as u32];
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let row = |call, argument, (mask, values): (u32, &[u32]), otherwise| Checked {
        call,
        argument,
        mask,
        values: values.to_vec(),
        otherwise,
    };
    let descriptors = [
        libc::F_DUPFD_CLOEXEC as u32,
        libc::F_GETFD as u32,
        libc::F_SETFD as u32,
        libc::F_GETFL as u32,
    ];
    let names = [libc::PR_SET_NAME as u32, libc::PR_SET_VMA as u32];
    let thread = (
        !(libc::CLONE_DETACHED as u32),
        &[NEW_THREAD as u32] as &[u32],
    );
    vec![
        row(libc::SYS_mmap, 2, NO_CODE, KILL),
        row(libc::SYS_mprotect, 2, NO_CODE, KILL),
        row(libc::SYS_fcntl, 1, (u32::MAX, &descriptors), refused),
        row(libc::SYS_clone, 0, thread, KILL),
        row(libc::SYS_prctl, 0, (u32::MAX, &names), refused),
        // abort(3) of either library; a thread that is not the first has another number.
        row(libc::SYS_tgkill, 0, (u32::MAX, &own), refused),
        row(libc::SYS_tkill, 0, (u32::MAX, &own), refused),
    ]
}

/// Lets this process, all threads that it will start included, call from now on only what reading
/// an archive and writing a tree need. Any other call ends it by SIGSYS.
///
/// A kernel or a host that has no filters for it is no error.
///
/// # Errors
/// What seccomp(2) says otherwise; `EACCES`: new privileges were not given up before.
pub(crate) fn install() -> io::Result<()> {
    let Some(architecture) = ARCHITECTURE else {
        return Ok(());
    };
    let mut program = program(architecture);
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).map_err(io::Error::other)?,
        filter: program.as_mut_ptr(),
    };
    // Before Linux 5.16 a filter slows every computation down unless it is told not to.
    let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the kernel copies the program, which has the stated length and lives until then.
    let status = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const filter,
        )
    };
    match status {
        0 => Ok(()),
        _ => match Errno::last() {
            // Built without filters; or a filter around this process refuses the call.
            Errno::EINVAL | Errno::ENOSYS | Errno::EPERM => Ok(()),
            error => Err(error.into()),
        },
    }
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
    for call in ALLOWED {
        branch(*call, vec![verdict(libc::SECCOMP_RET_ALLOW)]);
    }
    for row in checked() {
        branch(row.call, row.body());
    }
    // Its flags are behind a pointer. Both libraries take clone(2) where it is missing.
    let missing = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    branch(libc::SYS_clone3, vec![verdict(missing)]);
    program.push(verdict(KILL));
    program
}

impl Checked {
    fn body(&self) -> Vec<libc::sock_filter> {
        let mut body = vec![
            load(ARGUMENTS_AT + 8 * self.argument),
            instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, self.mask),
        ];
        let left = |index| (self.values.len() - index) as u8;
        body.extend(
            self.values
                .iter()
                .enumerate()
                .map(|(index, value)| jump_if(*value, left(index))),
        );
        body.extend([verdict(self.otherwise), verdict(libc::SECCOMP_RET_ALLOW)]);
        body
    }
}

/// Where things are in `struct seccomp_data`; a low half is first on a little-endian machine.
const CALL_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

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
