//! The home of fuselage, `$FUSELAGE_HOME`: whose it is, what it is like, and the directories in it.
//!
//! Everything that fuselage keeps or makes for one user is below it, so it must be that user's
//! alone, at a path that no other user can change. It is checked on the open directory, and what
//! was checked is what is used. The crate knows the places and makes them safe; it does not decide
//! what to keep, and it mounts nothing.

pub mod cache;
mod error;
mod extracted;
mod fallback;
mod home;
mod living_directory;
mod locate;
mod ownership;
mod user;

pub use error::{Purpose, Reason, StoreError};
pub use fallback::{Fallback, inspect_fallback, open_fallback};
pub use home::{Home, HomeState, PROCDIRS, inspect_home, open_home};
pub use living_directory::LivingDirectory;
pub use user::Intruder;
