//! Paths of a plan: any bytes but NUL, as text where they are UTF-8.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a path, of a word or of an environment variable: a JSON string, or
/// `{"bytes": base64}` when they are not UTF-8.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(type = "string | { bytes: string }"))]
pub struct PlanPath(Vec<u8>);

impl PlanPath {
    /// Takes the bytes as they are; nothing is checked here ([`crate::validate()`] does).
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, without a final NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same bytes as the standard library's string of the operating system.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }
}

impl From<&str> for PlanPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<OsString> for PlanPath {
    fn from(text: OsString) -> Self {
        Self(text.into_vec())
    }
}

impl fmt::Display for PlanPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for PlanPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), formatter)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncodedBytes {
    bytes: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrBytes {
    Text(String),
    Bytes(EncodedBytes),
}

impl Serialize for PlanPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => EncodedBytes {
                bytes: STANDARD.encode(&self.0),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for PlanPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOrBytes::deserialize(deserializer)? {
            TextOrBytes::Text(text) => Ok(Self(text.into_bytes())),
            TextOrBytes::Bytes(encoded) => STANDARD
                .decode(encoded.bytes)
                .map(Self)
                .map_err(D::Error::custom),
        }
    }
}

/// Where something is: below this run's private directory, or at a path of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Place {
    /// Below the procdir of this run, whose name only the launcher knows.
    Procdir(ProcdirPath),
    /// An absolute path.
    Path(PlanPath),
}

impl Place {
    /// The place `relative` below the procdir.
    pub fn procdir(relative: impl Into<Vec<u8>>) -> Self {
        Self::Procdir(ProcdirPath {
            procdir: PlanPath::new(relative),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Procdir(below) => write!(formatter, "<procdir>/{}", below.procdir),
            Self::Path(path) => write!(formatter, "{path}"),
        }
    }
}

/// A relative path below the procdir, such as `static/sdk`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ProcdirPath {
    /// Components separated by `/`, none of them empty, `.` or `..`.
    pub procdir: PlanPath,
}
