//! What is left to processes that nobody waits for.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use fuselage_linux::detached::{adopts_orphans, detach};
use fuselage_linux::process;
use fuselage_store::Home;
use fuselage_store::cache::{Cache, Entry};

/// How often what is old is looked for.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Writes an entry to the disk, and says so in its sentinel, in a process of its own; where `allowed`
/// says no or its end would be the command's to hear of, it stays good for this run of the host.
pub(crate) fn write_in_background(cache: &Cache, entry: &Entry, allowed: bool) {
    if !allowed || adopts_orphans() {
        return;
    }
    let kept = [cache.directory(), entry.data(), entry.lock()];
    // The entry stays as good as it is where that fails.
    let _ = detach(&kept, || drop(entry.mark_synced(cache.directory())));
}

/// Starts `cache prune` in a process of its own, if the home has a cache and that was not done for an
/// hour. `package` is the directory of the npm package, where it is known.
pub(crate) fn prune_in_background(home: &Home, package: Option<&Path>, environment: &[CString]) {
    let Some(cache) = home.cache() else {
        return;
    };
    if adopts_orphans() || !matches!(cache.claim_prune(INTERVAL), Ok(true)) {
        return;
    }
    let mut words = vec![c"fuselage".to_owned()];
    if let Some(package) = package {
        let word = [b"--fuselage-ask=", package.as_os_str().as_bytes()].concat();
        words.extend(CString::new(word));
    }
    words.extend([c"cache", c"prune", c"--quiet"].map(ToOwned::to_owned));
    let _ = detach(&[], || {
        process::replace_process(c"/proc/self/exe", &words, environment);
    });
}
