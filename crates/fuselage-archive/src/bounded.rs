//! A file that gets no more than there is room for.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;

use crate::error::ArchiveError;
use crate::extract::Progress;
use crate::space::{LimitedBy, Space};

/// A file that gets no more than there is room for: the limit of a control group would end this
/// process in place of an error.
pub(crate) struct Bounded<'a> {
    file: File,
    written: u64,
    room: Option<(u64, LimitedBy)>,
    /// What was needed, at least, what there was, and of what.
    short: Option<(u64, u64, LimitedBy)>,
    progress: Option<&'a dyn Progress>,
}

impl<'a> Bounded<'a> {
    /// Writes to `into`; `space`: what there is room for, `None` where nothing is compared.
    ///
    /// # Errors
    /// What fcntl(2) says.
    pub(crate) fn new(
        into: BorrowedFd<'_>,
        space: Option<&Space>,
        progress: Option<&'a dyn Progress>,
    ) -> io::Result<Self> {
        Ok(Self {
            file: File::from(into.try_clone_to_owned()?),
            written: 0,
            room: space.map(Space::memory),
            short: None,
            progress,
        })
    }

    /// What writing came to: where there was too little room, that is the error.
    pub(crate) fn ended<T>(&self, with: Result<T, ArchiveError>) -> Result<T, ArchiveError> {
        match self.short {
            Some((needed, left, limited_by)) => Err(ArchiveError::NoSpace {
                needed,
                left,
                limited_by,
            }),
            None => with,
        }
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.written.saturating_add(bytes.len() as u64);
        if let Some((left, limited_by)) = self.room
            && needed > left
        {
            self.short = Some((needed, left, limited_by));
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        if let Some(progress) = self.progress {
            progress.advanced(0, count as u64);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
