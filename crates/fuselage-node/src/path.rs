//! Paths as they cross the border: bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use napi::bindgen_prelude::Buffer;

/// The path that these bytes are.
pub(crate) fn path(bytes: &Buffer) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
