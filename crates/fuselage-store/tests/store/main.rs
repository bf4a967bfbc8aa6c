//! Homes on real file systems, for real users, in real namespaces.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "the whole crate is a test"
)]

mod cache;
mod eviction;
mod extracted;
mod home;
mod namespaces;
mod support;
mod way;
