//! Archives as they are met: of every method, odd, damaged and hostile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod formats;
mod hostile;
mod limits;
mod mutations;
mod place;
mod squashfs_builder;
mod squashfs_hostile;
mod squashfs_tools;
mod zip_builder;
