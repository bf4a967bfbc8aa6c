//! A seccomp filter that answers chosen system calls with an errno: old kernels and strict hosts.

use nix::errno::Errno;
use nix::libc;

const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;

/// Makes each call of `refused` fail with its errno, in this process and what it forks, for good.
pub(crate) fn refuse(refused: &[(libc::c_long, Errno)]) {
    let mut program = vec![load(0)];
    for (call, errno) in refused {
        program.push(instruction(JUMP_EQUAL, 0, 1, u32::try_from(*call).unwrap()));
        program.push(answer(*errno));
    }
    install(program);
}

/// The same for one request of ioctl(2).
pub(crate) fn refuse_ioctl(request: u32, errno: Errno) {
    let call = u32::try_from(libc::SYS_ioctl).unwrap();
    // The second argument is at offset 24; its low half on a little-endian machine.
    install(vec![
        load(0),
        instruction(JUMP_EQUAL, 0, 3, call),
        load(24),
        instruction(JUMP_EQUAL, 0, 1, request),
        answer(errno),
    ]);
}

/// The same for one option of prctl(2) with one argument.
pub(crate) fn refuse_prctl(option: u32, argument: u32, errno: Errno) {
    let call = u32::try_from(libc::SYS_prctl).unwrap();
    install(vec![
        load(0),
        instruction(JUMP_EQUAL, 0, 5, call),
        // The low halves of the first two arguments on a little-endian machine.
        load(16),
        instruction(JUMP_EQUAL, 0, 3, option),
        load(24),
        instruction(JUMP_EQUAL, 0, 1, argument),
        answer(errno),
    ]);
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

/// Loads a word of struct seccomp_data; the number of the call is at offset 0.
fn load(offset: u32) -> libc::sock_filter {
    instruction(
        (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
        0,
        0,
        offset,
    )
}

fn end(verdict: u32) -> libc::sock_filter {
    instruction((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, verdict)
}

fn answer(errno: Errno) -> libc::sock_filter {
    end(libc::SECCOMP_RET_ERRNO | errno as u32)
}

fn install(mut program: Vec<libc::sock_filter>) {
    program.push(end(libc::SECCOMP_RET_ALLOW));
    nix::sys::prctl::set_no_new_privs().unwrap();
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).unwrap(),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, which has the stated length and lives until then.
    let status = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const filter,
            0,
            0,
        )
    };
    assert_eq!(status, 0, "the filter was refused: {}", Errno::last());
}

/// The calls that we make where there are and that Linux 4.18 does not have; and statx(2), which
/// filters that are older than it refuse.
pub(crate) const NEW_CALLS: [(libc::c_long, Errno); 12] = [
    (libc::SYS_statx, Errno::ENOSYS),
    (libc::SYS_openat2, Errno::ENOSYS),
    (libc::SYS_close_range, Errno::ENOSYS),
    (libc::SYS_pidfd_open, Errno::ENOSYS),
    (libc::SYS_faccessat2, Errno::ENOSYS),
    (libc::SYS_clone3, Errno::ENOSYS),
    (libc::SYS_open_tree, Errno::ENOSYS),
    (libc::SYS_move_mount, Errno::ENOSYS),
    (libc::SYS_fsopen, Errno::ENOSYS),
    (libc::SYS_fsmount, Errno::ENOSYS),
    (libc::SYS_fspick, Errno::ENOSYS),
    (libc::SYS_mount_setattr, Errno::ENOSYS),
];
