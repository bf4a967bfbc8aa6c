//! System calls by name, and which of them change what outlives the process or others see.

use nix::libc;

/// A system call as a process makes it, with its arguments as the kernel gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number on this machine.
    pub number: i64,
    /// The six registers of arguments.
    pub arguments: [u64; 6],
}

/// What a call can do to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes files, mounts, devices or processes, or what this process will do to them.
    Changes,
    /// It reads, or changes memory and signals of this process alone.
    Nothing,
}

impl Call {
    /// Its name; `None`: it is on neither list.
    pub fn name(&self) -> Option<&'static str> {
        self.known().map(|(name, _)| name)
    }

    /// What it can do; `None`: it is on neither list.
    pub fn effect(&self) -> Option<Effect> {
        let (_, effect) = self.known()?;
        Some(match self.number {
            libc::SYS_openat if !self.makes_a_file() => Effect::Nothing,
            _ => effect,
        })
    }

    fn known(&self) -> Option<(&'static str, Effect)> {
        let named = |list: &[(i64, &'static str)]| {
            let found = list.iter().find(|(number, _)| *number == self.number);
            found.map(|(_, name)| *name)
        };
        let changing = named(CHANGING).map(|name| (name, Effect::Changes));
        changing.or_else(|| named(HARMLESS).map(|name| (name, Effect::Nothing)))
    }

    /// Whether an openat(2) can make or cut off a file. Of openat2(2) the flags are behind a
    /// pointer.
    fn makes_a_file(&self) -> bool {
        let making = libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY);
        self.arguments[2] & making as u64 != 0
    }
}

/// Names of libc's constants, with their numbers.
macro_rules! calls {
    ($($constant:ident)*) => {
        // Without `SYS_`.
        &[$((libc::$constant, stringify!($constant).split_at(4).1)),*]
    };
}

const CHANGING: &[(i64, &str)] = calls! {
    // Namespaces, mounts and devices.
    SYS_unshare SYS_setns SYS_mount SYS_umount2 SYS_open_tree SYS_move_mount SYS_mount_setattr
    SYS_fsopen SYS_fsconfig SYS_fsmount SYS_fspick SYS_pivot_root SYS_ioctl
    // Files. `close` frees what has no name, and tells the other side of a socket.
    SYS_open SYS_openat SYS_openat2 SYS_creat SYS_close SYS_close_range SYS_write SYS_writev
    SYS_pwrite64 SYS_pwritev SYS_ftruncate SYS_truncate SYS_fallocate SYS_mkdir SYS_mkdirat
    SYS_mknodat SYS_symlinkat SYS_linkat SYS_unlink SYS_unlinkat SYS_rmdir SYS_rename SYS_renameat
    SYS_renameat2 SYS_fchmod SYS_fchmodat SYS_fchmodat2 SYS_chmod SYS_fchown SYS_fchownat
    SYS_utimensat SYS_setxattr SYS_fsetxattr SYS_flock SYS_copy_file_range SYS_sendfile SYS_splice
    // The other side.
    SYS_sendto SYS_sendmsg SYS_shutdown
    // Processes.
    SYS_fork SYS_vfork SYS_clone SYS_clone3 SYS_execve SYS_execveat SYS_kill SYS_tgkill SYS_tkill
    SYS_wait4 SYS_waitid SYS_exit SYS_exit_group
    // What this process, or the command after it, may do and where it is.
    SYS_chdir SYS_fchdir SYS_chroot SYS_umask SYS_prctl SYS_capset SYS_seccomp SYS_setrlimit
    SYS_setpgid SYS_setsid SYS_setgroups SYS_setresuid SYS_setresgid SYS_dup SYS_dup2 SYS_dup3
};

const HARMLESS: &[(i64, &str)] = calls! {
    // Memory.
    SYS_brk SYS_mmap SYS_munmap SYS_mprotect SYS_madvise SYS_mremap SYS_membarrier
    // What is read.
    SYS_read SYS_readv SYS_pread64 SYS_lseek SYS_stat SYS_fstat SYS_lstat SYS_newfstatat SYS_statx
    SYS_statfs SYS_fstatfs SYS_access SYS_faccessat SYS_faccessat2 SYS_readlink SYS_readlinkat
    SYS_getdents64 SYS_getcwd SYS_getxattr SYS_fgetxattr SYS_recvfrom SYS_recvmsg SYS_poll
    SYS_ppoll SYS_pselect6
    // Descriptors of this process: a new number for what is open. Nobody else sees it.
    SYS_fcntl SYS_socketpair SYS_pipe2 SYS_pidfd_open SYS_signalfd4 SYS_memfd_create SYS_eventfd2
    // This process and the machine.
    SYS_getpid SYS_getppid SYS_gettid SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getgroups
    SYS_getpgrp SYS_getpgid SYS_capget SYS_prlimit64 SYS_getrlimit SYS_getrusage SYS_sysinfo
    SYS_uname SYS_getrandom SYS_sched_getaffinity SYS_sched_yield SYS_clock_gettime
    SYS_gettimeofday
    // Threads, signals and time.
    SYS_futex SYS_set_robust_list SYS_set_tid_address SYS_rseq SYS_arch_prctl SYS_rt_sigaction
    SYS_rt_sigprocmask SYS_rt_sigpending SYS_rt_sigtimedwait SYS_rt_sigreturn SYS_sigaltstack
    SYS_restart_syscall SYS_nanosleep SYS_clock_nanosleep
};

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: i64, flags: i32) -> Call {
        Call {
            number,
            arguments: [0, 0, flags as u64, 0, 0, 0],
        }
    }

    #[test]
    fn no_call_is_on_both_lists() {
        let harmless = |number| HARMLESS.iter().any(|(other, _)| *other == number);
        assert!(!CHANGING.iter().any(|(number, _)| harmless(*number)));
    }

    #[test]
    fn what_is_opened_to_be_read_changes_nothing() {
        let opened = |flags| call(libc::SYS_openat, flags).effect();
        assert_eq!(
            opened(libc::O_PATH | libc::O_DIRECTORY),
            Some(Effect::Nothing)
        );
        for making in [libc::O_CREAT, libc::O_TRUNC, libc::O_TMPFILE] {
            assert_eq!(opened(making), Some(Effect::Changes));
        }
    }

    #[test]
    fn calls_have_their_names_and_unknown_ones_have_none() {
        assert_eq!(call(libc::SYS_move_mount, 0).name(), Some("move_mount"));
        assert_eq!(call(libc::SYS_brk, 0).effect(), Some(Effect::Nothing));
        assert_eq!(call(libc::SYS_reboot, 0).name(), None);
        assert_eq!(call(libc::SYS_reboot, 0).effect(), None);
    }
}
