//! A run without namespaces: its private directory is real, so that somebody must be there to remove
//! it. This process stays for that, whatever becomes of the child that does the rest.

use std::os::fd::AsFd;

use fuselage_linux::supervision::{HeldSignals, Side, Supervision, supervise};
use fuselage_linux::{causes, descriptors, process};
use fuselage_store::{Home, LivingDirectory};

use crate::error::LaunchError;
use crate::execute::procdir::{Procdir, Storage};
use crate::report;

/// Makes the private directory and forks. Only the child returns, with the directory; all that can
/// fail or be killed from here on happens in it, and this process removes the directory when it has
/// ended.
pub(crate) fn begin(home: &Home) -> Result<Procdir, LaunchError> {
    // Held from before there is something to remove.
    let held = HeldSignals::begin().map_err(|source| LaunchError::Supervision { source })?;
    let made = home.make_extracted(&process::own_pid().to_string())?;
    match supervise(held) {
        Ok(Side::Supervisor(supervision)) => stay(supervision, made),
        Ok(Side::Child(Ok(()))) => child(&made),
        Ok(Side::Child(Err(source))) => Err(LaunchError::Supervision { source }),
        Err(source) => {
            remove(made);
            Err(LaunchError::Supervision { source })
        }
    }
}

fn child(made: &LivingDirectory) -> Result<Procdir, LaunchError> {
    let path = made.path().to_owned();
    match made.directory().try_clone_to_owned() {
        Ok(root) => Ok(Procdir {
            root,
            path,
            storage: Storage::Disk,
        }),
        Err(source) => Err(LaunchError::RealDirectory { path, source }),
    }
}

fn stay(mut supervision: Supervision, made: LivingDirectory) -> ! {
    keep_nothing_open(&made);
    let end = supervision.until_end();
    remove(made);
    end.follow()
}

/// Closes all descriptors but those of the directory, and standard error for a last word: who waits
/// for the end of a pipe of the command's must not wait for this process, and the library must see
/// that its socket is closed when the command starts.
fn keep_nothing_open(made: &LivingDirectory) {
    // What fails stays open until the end, which is the command's, too.
    for number in [0, 1] {
        let _ = descriptors::install(made.directory().as_fd(), number);
    }
    let _ = descriptors::close_from(3, &made.descriptors());
}

fn remove(made: LivingDirectory) {
    let path = made.path().to_owned();
    if let Err(error) = made.remove() {
        let (path, cause) = (path.display(), causes::text(&error));
        let text = format!("fuselage: not all of {path} could be removed: {cause}");
        report::print_text(&format!(
            "{}\n  fix: the next run removes it, where it can be removed\n",
            report::printable(&text)
        ));
    }
}
