//! File systems that other hosts may use at the same time.

use std::io;
use std::os::fd::AsFd;

use crate::file_system_number::file_system_number;

/// Numbers of statfs(2): linux/magic.h, and for those that are not in it the file system's own
/// source. A FUSE file system may be anything; virtiofs is one of them.
const NETWORK: [(u32, &str); 14] = [
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x517b, "smb"),
    (0x6573_5546, "fuse"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x7461_636f, "ocfs2"),
    (0x0116_1970, "gfs2"),
];

/// The name of the file system that `file` is on, if other hosts may use it at the same time.
///
/// # Errors
/// What fstatfs(2) says.
pub fn network_file_system(file: impl AsFd) -> io::Result<Option<&'static str>> {
    Ok(named(file_system_number(file)?))
}

fn named(kind: u32) -> Option<&'static str> {
    let found = NETWORK.iter().find(|(number, _)| *number == kind);
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_this_host_alone_is_none() {
        let proc = std::fs::File::open("/proc").unwrap();
        assert_eq!(network_file_system(proc).unwrap(), None);
        assert_eq!(named(0x6969), Some("nfs"));
        assert_eq!(named(-11_317_950_i64 as u32), Some("cifs"));
    }
}
