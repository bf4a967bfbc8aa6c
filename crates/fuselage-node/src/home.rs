//! Looking at the home.

use fuselage_store::HomeState;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::outcome::HomeOutcome;
use crate::path::path;

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
