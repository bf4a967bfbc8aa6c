//! Archives as they are met: of every method, odd, damaged and hostile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod any_entries;
mod base64_text;
mod compared;
mod contents;
mod deep;
mod differential;
mod disagree;
mod elf;
mod elf_builder;
mod formats;
mod hostile;
mod limits;
mod memory;
mod mutations;
mod names;
mod place;
mod progress;
mod real_tools;
mod squashfs_builder;
mod squashfs_data;
mod squashfs_hostile;
mod squashfs_memory;
mod squashfs_order;
mod squashfs_tables;
mod squashfs_tools;
mod stopping;
mod windows;
mod zip_builder;
