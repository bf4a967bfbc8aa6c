//! What to do with a file that is no archive.

use serde::{Deserialize, Deserializer, Serialize};

use crate::looks_like::known_advice;

/// Advice of this crate, in words: none that a process makes up which an archive has taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Advice(pub(crate) &'static str);

impl<'de> Deserialize<'de> for Advice {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        known_advice()
            .find(|known| *known == text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("it is no advice of ours"))
    }
}
