//! A seccomp filter that answers chosen system calls with an errno: old kernels and strict hosts.

use nix::errno::Errno;
use nix::libc;

/// Makes each call of `refused` fail with its errno, in this process and what it forks, for good.
pub(crate) fn refuse(refused: &[(libc::c_long, Errno)]) {
    const LOAD_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let instruction = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };

    // Offset 0 of struct seccomp_data is the number of the call.
    let mut program = vec![instruction(LOAD_NUMBER, 0, 0, 0)];
    for (call, errno) in refused {
        program.push(instruction(JUMP_EQUAL, 0, 1, u32::try_from(*call).unwrap()));
        program.push(instruction(
            RETURN,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | *errno as u32,
        ));
    }
    program.push(instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));

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

/// The calls that Linux 4.18 does not have.
pub(crate) const NEW_CALLS: [(libc::c_long, Errno); 6] = [
    (libc::SYS_open_tree, Errno::ENOSYS),
    (libc::SYS_move_mount, Errno::ENOSYS),
    (libc::SYS_fsopen, Errno::ENOSYS),
    (libc::SYS_fsmount, Errno::ENOSYS),
    (libc::SYS_fspick, Errno::ENOSYS),
    (libc::SYS_mount_setattr, Errno::ENOSYS),
];
