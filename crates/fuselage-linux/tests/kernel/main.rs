//! Namespaces, mounts, loop devices and probes, done for real: each test in a forked child of its
//! own, as an ordinary user and as root where the test process is root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "the whole crate is a test"
)]

#[allow(unsafe_code, reason = "prctl(2) installs the filter")]
mod call_filter;
mod capabilities;
mod child;
#[allow(
    unsafe_code,
    reason = "calls that no crate here has safe functions for"
)]
mod confinement;
mod descriptors;
mod detached;
mod in_use;
#[allow(unsafe_code, reason = "no crate here offers Landlock")]
mod landlock;
mod loop_device;
mod mirror;
mod mount;
mod namespaces;
mod overlay;
mod own_directory;
mod probe;
mod read_only_bind;
mod refusal;
mod remove_tree;
#[allow(
    unsafe_code,
    reason = "signals with values, which no crate here offers"
)]
mod supervision;
