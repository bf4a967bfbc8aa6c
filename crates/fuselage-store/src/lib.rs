//! The home of fuselage, `$FUSELAGE_HOME`: whose it is, what it is like, and the directories in it.
//!
//! Everything that fuselage keeps or makes for one user is below it, so it must be that user's
//! alone. It is checked on the open directory, and what was checked is what is used. The crate knows
//! the places and makes them safe; it does not decide what to keep, and it mounts nothing.

mod error;
mod home;
mod locate;
mod ownership;

pub use error::{Reason, StoreError};
pub use home::{Home, HomeState, inspect_home, open_home};
