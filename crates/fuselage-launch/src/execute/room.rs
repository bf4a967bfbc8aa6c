//! What there is room for in the memory of this run.

use std::os::fd::AsFd;

use fuselage_archive::Space;
use fuselage_linux::memory::{free_bytes, memory_facts};

use crate::error::LaunchError;

/// What the tmpfs of `directory` still takes, and what the control group does.
pub(crate) fn room(directory: &impl AsFd) -> Result<Space, LaunchError> {
    let (bytes, inodes) = free_bytes(directory.as_fd())
        .map_err(|error| LaunchError::system("look how much room the run's tmpfs has", error))?;
    let memory = memory_facts()
        .map_err(|error| LaunchError::system("look how much memory there is", error))?;
    Ok(Space {
        bytes,
        inodes,
        control_group: memory.cgroup_left,
    })
}
