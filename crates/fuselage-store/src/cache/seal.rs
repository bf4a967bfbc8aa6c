//! Making an entry good again that was copied, or was not on the disk when the host went down.

use std::io;

use fuselage_linux::host_facts::boot_id;
use fuselage_linux::own_file::status;

use crate::cache::build::BuildLock;
use crate::cache::entry::{Entry, Examined};
use crate::cache::open::Cache;
use crate::cache::sentinel::{Sentinel, identity};

impl Cache {
    /// Gives an entry that was found to be as its list says a new sentinel, of this run of the host.
    /// Nobody else may have begun to build it since it was examined: that is, `lock` is older.
    ///
    /// # Errors
    /// `ESTALE`: the root of the tree, or the image, was changed or replaced since it was examined.
    /// What the calls say that write the sentinel.
    pub fn seal(&self, examined: Examined, lock: &BuildLock<'_>) -> io::Result<Entry> {
        let Examined {
            entry,
            identity: old,
            ..
        } = examined;
        let name = lock.name();
        let stale = || io::Error::from(io::ErrorKind::StaleNetworkFileHandle);
        let there = self.open_data(&name).map_err(|_| stale())?;
        if [identity(&status(&entry.data)?), identity(&status(&there)?)]
            .iter()
            .any(|now| *now != old)
        {
            return Err(stale());
        }
        let sentinel = Sentinel {
            boot: boot_id(),
            synced: false,
            data: old,
            ..entry.sentinel
        };
        let staging = self.stage().map_err(io::Error::other)?;
        staging.publish_sentinel(&name, sentinel, entry.data)
    }
}
