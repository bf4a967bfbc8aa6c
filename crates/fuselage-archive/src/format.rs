//! The formats that can be extracted: a new one is a module and a line here.

use crate::archive::Archive;
use crate::detect::Ends;
use crate::error::ArchiveError;
use crate::limits::Limits;
use crate::source::Source;
use crate::squashfs;
use crate::zip;

/// Every format; the first that takes a file for its own has it.
const FORMATS: [Format; 2] = [squashfs::FORMAT, zip::FORMAT];

/// A format that can be extracted.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What it is called in plans and messages.
    pub(crate) name: &'static str,
    /// What a file is in this format, in words, by its first and last bytes; `None`: none of it.
    pub(crate) recognise: fn(&Ends<'_>) -> Option<&'static str>,
    /// How long an image with these first bytes is, in bytes, as it says itself. Only a format that
    /// is found by its beginning alone, so that it can lie behind an ELF program, has it.
    pub(crate) image_length: Option<ImageLength>,
    /// Reads and checks the list of entries.
    pub(crate) open: Open,
}

/// Reads the length of an image, in bytes; `None`: the beginning is too short.
type ImageLength = fn(&[u8]) -> Option<u64>;

/// Opens an archive.
type Open = for<'a> fn(Source<'a>, &Limits) -> Result<Box<dyn Archive + 'a>, ArchiveError>;

impl Format {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The format that is called `name`.
    pub fn named(name: &str) -> Option<Self> {
        FORMATS.into_iter().find(|format| format.name == name)
    }

    /// Everything that is accepted, for messages.
    pub fn accepted() -> impl Iterator<Item = &'static str> {
        let names = FORMATS.iter().map(|format| format.name);
        let behind = FORMATS
            .iter()
            .any(Self::is_image)
            .then_some("an image behind an ELF program");
        names.chain(behind).chain(["base64 text of these"])
    }

    /// Whether it can lie behind an ELF program.
    fn is_image(&self) -> bool {
        self.image_length.is_some()
    }

    /// How long the image is that begins with these bytes, in bytes, as it says itself.
    pub(crate) fn image_length(&self, head: &[u8]) -> Option<u64> {
        self.image_length.and_then(|read| read(head))
    }

    /// The format of a file with these first and last bytes, and what it is in words.
    pub(crate) fn of(ends: &Ends<'_>) -> Option<(Self, &'static str)> {
        Self::among(ends, |_| true)
    }

    /// The format of an image with these first bytes, and what it is in words.
    pub(crate) fn of_image(ends: &Ends<'_>) -> Option<(Self, &'static str)> {
        Self::among(ends, Self::is_image)
    }

    fn among(ends: &Ends<'_>, wanted: fn(&Self) -> bool) -> Option<(Self, &'static str)> {
        FORMATS
            .into_iter()
            .filter(wanted)
            .find_map(|format| (format.recognise)(ends).map(|words| (format, words)))
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}
