//! For the tests of several crates: a forked child for what changes a process for good, being
//! another user, and leaving a test out with its reason. No crate depends on it but for tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod calls;
mod child;
mod daemon;
mod left_out;
// Its registers are those of one machine; what is traced with it is the same on all.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
pub mod traced;
mod user;

#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
pub use calls::{Call, Effect};

pub use child::in_child;
pub use daemon::Daemon;
pub use left_out::{
    confinement_works, root_may_mount, skip, skip_without_root, user_namespaces_work,
};
pub use user::{USER, as_user, become_user};
