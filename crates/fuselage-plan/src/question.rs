//! What the launcher asks node, in bytes: nothing of it needs to be UTF-8.
//!
//! A *string* is a length (four bytes, little endian) and that many bytes; a *list* is a count (the
//! same) and that many strings; a number is four bytes, little endian. The fields stand in the
//! order of [`Question`], the groups as a count and that many numbers.

use thiserror::Error;

/// The caller's words, place and ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The package version of the launcher.
    pub version: Vec<u8>,
    /// The directory of the launcher's own file, which is the platform package: node may be unable
    /// to find it (Yarn's Plug'n'Play). Empty where the launcher does not know it.
    pub platform_package: Vec<u8>,
    /// The working directory as `getcwd(2)` says; empty when it has no name any more.
    pub working_directory: Vec<u8>,
    /// The words behind the program name.
    pub arguments: Vec<Vec<u8>>,
    /// `NAME=value` each, as the caller gave them.
    pub environment: Vec<Vec<u8>>,
    /// Real and effective user id, real and effective group id.
    pub ids: [u32; 4],
    /// The supplementary groups.
    pub groups: Vec<u32>,
}

/// Bytes that are no question.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the question ends within its field `{field}`")]
pub struct QuestionError {
    field: &'static str,
}

impl Question {
    /// The bytes of the question, without a frame around them.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_string(&mut bytes, &self.version);
        put_string(&mut bytes, &self.platform_package);
        put_string(&mut bytes, &self.working_directory);
        for list in [&self.arguments, &self.environment] {
            put_number(&mut bytes, list.len() as u32);
            for word in list {
                put_string(&mut bytes, word);
            }
        }
        for id in self.ids {
            put_number(&mut bytes, id);
        }
        put_number(&mut bytes, self.groups.len() as u32);
        for group in &self.groups {
            put_number(&mut bytes, *group);
        }
        bytes
    }

    /// Reads what [`Question::encode`] wrote.
    ///
    /// # Errors
    /// The bytes end too early; the error names the field.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, QuestionError> {
        let input = &mut bytes;
        Ok(Self {
            version: take_string(input, "version")?,
            platform_package: take_string(input, "platform package")?,
            working_directory: take_string(input, "working directory")?,
            arguments: take_list(input, "arguments")?,
            environment: take_list(input, "environment")?,
            ids: [
                take_number(input, "uid")?,
                take_number(input, "effective uid")?,
                take_number(input, "gid")?,
                take_number(input, "effective gid")?,
            ],
            groups: {
                let count = take_number(input, "groups")?;
                (0..count)
                    .map(|_| take_number(input, "groups"))
                    .collect::<Result<_, _>>()?
            },
        })
    }
}

fn put_number(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_string(bytes: &mut Vec<u8>, string: &[u8]) {
    put_number(bytes, string.len() as u32);
    bytes.extend_from_slice(string);
}

fn take<'a>(
    input: &mut &'a [u8],
    length: usize,
    field: &'static str,
) -> Result<&'a [u8], QuestionError> {
    let (taken, rest) = input
        .split_at_checked(length)
        .ok_or(QuestionError { field })?;
    *input = rest;
    Ok(taken)
}

fn take_number(input: &mut &[u8], field: &'static str) -> Result<u32, QuestionError> {
    let bytes = take(input, 4, field)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn take_string(input: &mut &[u8], field: &'static str) -> Result<Vec<u8>, QuestionError> {
    let length = take_number(input, field)? as usize;
    take(input, length, field).map(<[u8]>::to_vec)
}

fn take_list(input: &mut &[u8], field: &'static str) -> Result<Vec<Vec<u8>>, QuestionError> {
    let count = take_number(input, field)?;
    (0..count).map(|_| take_string(input, field)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8)
    }

    proptest! {
        #[test]
        fn every_question_survives_encoding(
            platform_package in prop::collection::vec(any::<u8>(), 0..40),
            working_directory in prop::collection::vec(any::<u8>(), 0..40),
            arguments in words(),
            environment in words(),
            ids in any::<[u32; 4]>(),
            groups in prop::collection::vec(any::<u32>(), 0..8),
        ) {
            let question = Question {
                version: b"1.2.3".to_vec(), platform_package, working_directory, arguments,
                environment, ids, groups,
            };
            prop_assert_eq!(Question::decode(&question.encode()), Ok(question));
        }

        #[test]
        fn a_shortened_question_is_an_error_and_no_panic(cut in 0usize..60) {
            let question = Question { arguments: vec![b"run".to_vec()], ..Question::default() };
            let bytes = question.encode();
            if cut < bytes.len() {
                prop_assert!(Question::decode(&bytes[..cut]).is_err());
            }
        }
    }
}
