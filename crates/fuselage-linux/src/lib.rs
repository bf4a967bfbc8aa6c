//! Every kernel call of fuselage, over `nix`, `rustix` and `loopdev`: namespaces, id maps, mounts,
//! mount points, loop devices, file descriptors, signals, processes, and probes of what this host
//! allows.
//!
//! All `unsafe` of the project is in here, each block with the precondition that makes it sound.
//! The crate knows no archives, no store, no JSON and no policy. Where a call is newer than Linux
//! 4.18, its fall-back stands beside it in the same file and callers never ask for versions.

pub mod beneath;
#[allow(
    unsafe_code,
    reason = "seccomp(2), which no crate here offers as a safe function"
)]
mod call_filter;
pub mod capabilities;
pub mod causes;
mod cgroup;
pub mod child_end;
pub mod confinement;
#[allow(
    unsafe_code,
    reason = "kernel calls that no crate offers as safe functions"
)]
pub mod descriptors;
pub mod detached;
pub mod entry_facts;
pub mod file_facts;
pub mod file_identity;
pub mod file_lock;
mod file_system_number;
pub mod host_facts;
pub mod image_mounts;
pub mod in_use;
#[allow(
    unsafe_code,
    reason = "Landlock, which no crate here offers as safe functions"
)]
mod landlock;
#[allow(
    unsafe_code,
    reason = "signal(2) and fcntl(2) by number, which no crate offers as safe functions"
)]
pub mod leave_node;
#[allow(
    unsafe_code,
    reason = "mktime(3), which no crate offers as a safe function"
)]
pub mod local_time;
pub mod look_beneath;
#[allow(
    unsafe_code,
    reason = "LOOP_CONFIGURE, which no crate offers as a safe function"
)]
pub mod loop_device;
#[cfg(test)]
mod made_up_root;
#[allow(unsafe_code, reason = "memory that is a file")]
pub mod mapped_file;
pub mod memory;
pub mod mirror;
pub mod mount;
#[allow(
    unsafe_code,
    reason = "mount_setattr(2), which no crate offers as a safe function"
)]
mod mount_attributes;
mod mount_id;
mod mount_table;
pub mod namespaces;
pub mod network_file_system;
pub mod open;
pub mod overlay;
pub mod own_directory;
pub mod own_file;
pub mod poll;
pub mod probe;
#[allow(
    unsafe_code,
    reason = "kernel calls that no crate offers as safe functions"
)]
pub mod process;
pub mod processors;
mod read_only_bind;
pub mod refusal;
pub mod remove_tree;
#[allow(unsafe_code, reason = "memory that two processes share")]
pub mod shared_notes;
#[allow(
    unsafe_code,
    reason = "kernel calls that no crate offers as safe functions"
)]
pub mod signals;
#[allow(unsafe_code, reason = "an allocator")]
pub mod start_memory;
#[allow(
    unsafe_code,
    reason = "signals of any number, which no crate offers as safe functions"
)]
pub mod supervision;
pub mod user_ids;
