//! Looking at the home.

use fuselage_linux::causes;
use fuselage_store::HomeState;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::{DoneOutcome, HomeOutcome, done};
use crate::path::path;
use crate::report::ErrorReport;

/// What can be done with a home directory.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct HomeFacts {
    /// `usable`, `creatable`, `foreign`, `lockedOut`, `unusable`.
    #[napi(ts_type = "'usable' | 'creatable' | 'foreign' | 'lockedOut' | 'unusable'")]
    pub state: &'static str,
    /// The owner's uid where it is foreign.
    pub owner: Option<u32>,
    /// The reason in words, for the last three states; else empty.
    pub why: String,
}

impl From<HomeState> for HomeFacts {
    fn from(state: HomeState) -> Self {
        let (state, owner, why) = match state {
            HomeState::Usable => ("usable", None, String::new()),
            HomeState::Creatable => ("creatable", None, String::new()),
            HomeState::Foreign { owner, why } => ("foreign", Some(owner), why),
            HomeState::LockedOut { why } => ("lockedOut", None, why),
            HomeState::Unusable { why } => ("unusable", None, why),
        };
        Self { state, owner, why }
    }
}

/// Whether a directory can be the home; makes and changes nothing.
#[napi]
pub fn inspect_home(home: Buffer) -> HomeOutcome {
    Ok(fuselage_store::inspect_home(path(&home)).into()).into()
}

/// Whether a directory that is there can hold the private directories of all runs; makes and
/// changes nothing.
#[napi]
pub fn inspect_fallback(directory: Buffer) -> DoneOutcome {
    done(
        fuselage_store::inspect_fallback(path(&directory)).map_err(|error| {
            let causes = causes::causes(&error);
            ErrorReport::new(error.code(), error.to_string(), causes, error.hints())
        }),
    )
}
