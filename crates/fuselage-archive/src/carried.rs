//! How an error of the system is carried from one process to another: as its number, and what has
//! none as its text.

use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
enum Carried {
    Number(i32),
    Text(String),
}

pub(crate) fn serialize<S: Serializer>(error: &io::Error, to: S) -> Result<S::Ok, S::Error> {
    match error.raw_os_error() {
        Some(number) => Carried::Number(number),
        None => Carried::Text(error.to_string()),
    }
    .serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<io::Error, D::Error> {
    Ok(match Carried::deserialize(from)? {
        Carried::Number(number) => io::Error::from_raw_os_error(number),
        Carried::Text(text) => io::Error::other(text),
    })
}
