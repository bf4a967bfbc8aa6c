//! What an archive may at most unpack to.

/// Limits that a plan gives; the defaults are the policy of whoever plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries, directories that are only implied by a name included.
    pub entries: u64,
    /// Bytes of all files together, unpacked.
    pub bytes: u64,
    /// Components of one entry's path.
    pub depth: u32,
    /// Unpacked bytes for each byte of the archive file.
    pub ratio: u32,
}
