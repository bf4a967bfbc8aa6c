//! Little-endian fields, bounds checked.

use crate::error::ArchiveError;

/// A cursor over bytes that may end too early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], ArchiveError> {
        let (taken, rest) =
            self.0
                .split_at_checked(count)
                .ok_or_else(|| ArchiveError::Damaged {
                    entry: None,
                    what: "the archive ends within a header".to_owned(),
                })?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, count: usize) -> Result<u64, ArchiveError> {
        Ok(self
            .bytes(count)?
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Two bytes.
    pub(crate) fn u16(&mut self) -> Result<u16, ArchiveError> {
        Ok(self.number(2)? as u16)
    }

    /// Four bytes.
    pub(crate) fn u32(&mut self) -> Result<u32, ArchiveError> {
        Ok(self.number(4)? as u32)
    }

    /// Eight bytes.
    pub(crate) fn u64(&mut self) -> Result<u64, ArchiveError> {
        self.number(8)
    }
}
