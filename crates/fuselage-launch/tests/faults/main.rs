//! The real launcher with a ready plan, stopped at each of its system calls: killed there, or told
//! that the call failed; and how many calls it makes.
//!
//! The registers that `fuselage_testing::traced` reads and writes are those of x86_64.
#![cfg(all(target_arch = "x86_64", target_env = "gnu"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed"
)]

mod budget;
mod callers;
mod failing;
mod host;
mod killed;
mod plans;
mod scene;
