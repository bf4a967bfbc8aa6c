//! What fuzz targets share: each says in one line what it feeds, and this says what must hold.

pub mod base64_reference;
pub mod extraction;
pub mod memory_file;
mod tree_on_disk;
