//! Digests content on its way to where it goes.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use crate::digest::Digester;
use crate::output::Output;
use crate::stop::Stop;

/// Zeros that are digested before it is looked again whether to stop.
const ZEROS: u64 = 1 << 20;

/// Gives everything to another output, and what that took to a digest.
pub(crate) struct Digested<'a> {
    to: &'a mut dyn Output,
    digester: &'a mut Digester,
}

impl<'a> Digested<'a> {
    pub(crate) fn new(to: &'a mut dyn Output, digester: &'a mut Digester) -> Self {
        Self { to, digester }
    }
}

impl Write for Digested<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.digester.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Output for Digested<'_> {
    fn fill(&mut self, length: NonZeroUsize, fill: &mut dyn FnMut(&mut [u8])) -> io::Result<()> {
        let digester = &mut *self.digester;
        self.to.fill(length, &mut |room| {
            fill(room);
            digester.update(room);
        })
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.to.skip(length)?;
        let mut left = length;
        while left > 0 {
            self.stop().check()?;
            let count = left.min(ZEROS);
            self.digester.zeros(count);
            left -= count;
        }
        Ok(())
    }

    fn stop(&self) -> &Stop {
        self.to.stop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn every_way_of_giving_is_digested() {
        let (mut to, mut digester) = (Vec::new(), Digester::new());
        let mut output = Digested::new(&mut to, &mut digester);
        output.write_all(b"ab").unwrap();
        output.skip(ZEROS + 5).unwrap();
        let length = NonZeroUsize::new(3).unwrap();
        output.fill(length, &mut |room| room.fill(7)).unwrap();
        assert_eq!(to.len() as u64, 2 + ZEROS + 5 + 3);
        assert_eq!(digester.finish(), Digest::of(&to));
    }

    /// Takes two bytes at a time.
    struct Reluctant(Vec<u8>);

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(&bytes[..bytes.len().min(2)])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output for Reluctant {
        fn skip(&mut self, length: u64) -> io::Result<()> {
            self.0.skip(length)
        }
    }

    #[test]
    fn only_what_was_taken_is_digested() {
        let (mut to, mut digester) = (Reluctant(Vec::new()), Digester::new());
        Digested::new(&mut to, &mut digester)
            .write_all(b"abcde")
            .unwrap();
        assert_eq!(to.0, b"abcde");
        assert_eq!(digester.finish(), Digest::of(b"abcde"));
    }
}
