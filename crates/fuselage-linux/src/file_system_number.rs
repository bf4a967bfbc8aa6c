//! Which kind of file system something is on.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::fstatfs;

/// The number that the kernel has for the kind of file system that `file` is on: `f_type` of
/// statfs(2), as linux/magic.h has it.
///
/// # Errors
/// What fstatfs(2) says.
#[allow(
    clippy::unnecessary_cast,
    reason = "the type of f_type differs by architecture"
)]
pub(crate) fn file_system_number(file: impl AsFd) -> io::Result<u32> {
    // Where it has 64 bits, the upper ones are zero or a sign.
    Ok(fstatfs(file)?.f_type as u32)
}
