//! Archives as they are met: of every method, odd, damaged and hostile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod base64_text;
mod disagree;
mod elf;
mod elf_builder;
mod formats;
mod hostile;
mod limits;
mod mutations;
mod names;
mod place;
mod zip_builder;
