//! The napi addon: what node may ask of the kernel and of files before there is a plan, and typed
//! primitives of the kernel for the API.
//!
//! Glue: every function converts its arguments, makes one call into another crate, and converts the
//! result. A failure is a value, never an exception. The TypeScript side of the surface is
//! `packages/fuselage/src/native/addon.ts`; nothing here parses what archives contain.

#![allow(
    unsafe_code,
    reason = "napi's macros expand to it; nothing here is written with it"
)]

pub mod archive;
pub mod cache;
pub mod exec;
pub mod file;
pub mod home;
pub mod host;
pub mod loop_device;
pub mod mounts;
pub mod outcome;
pub mod path;
pub mod probe;
pub mod report;

use napi_derive::napi;

/// The version of the package that this addon is part of.
#[napi]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
