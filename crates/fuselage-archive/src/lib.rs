//! Detects, reads and extracts archives, which are hostile until they are proven otherwise.
//!
//! An archive is read into a list of entries ([`Tree`]) that is checked as a whole before anything
//! is written; the one tree writer makes it below an open directory and nowhere else. The crate
//! mounts nothing, knows no store, and prints nothing.

mod advice;
mod archive;
mod base64_text;
mod bounded;
mod carried;
mod copy;
mod decode;
mod detect;
mod digest;
mod directory_writer;
mod elf;
mod encoded;
mod error;
mod extract;
mod fields;
mod file_writer;
mod format;
mod kinds;
mod large_file;
mod limits;
mod looks_like;
mod opened;
mod output;
mod path;
mod source;
mod space;
mod squashfs;
mod stop;
mod tree;
mod tree_writer;
mod zip;

pub use advice::Advice;
pub use copy::{copy, digest};
pub use decode::{decode, decode_and_digest, decode_stream};
pub use detect::{Detection, Encoding, detect, detect_bytes, detect_decoded};
pub use digest::{Digest, Digester, NotADigest};
pub use elf::elf_end;
pub use error::{ArchiveError, DISK};
pub use extract::{Extracted, Extraction, Listed, Progress, extract};
pub use format::Format;
pub use limits::{Limited, Limits};
pub use space::{LimitedBy, Needs, Space, Storage};
pub use tree::Tree;
