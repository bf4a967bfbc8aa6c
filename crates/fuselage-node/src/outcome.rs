//! What a call that can fail returns: `{ value }` or `{ error }`.

use napi::bindgen_prelude::{Either, Null};
use napi_derive::napi;

use crate::archive::ArchiveFacts;
use crate::cache::{CacheListing, CacheRemoval};
use crate::file::FileFacts;
use crate::home::HomeFacts;
use crate::host::HostFacts;
use crate::loop_device::LoopDevice;
use crate::report::ErrorReport;

/// What stands at a path, or nothing.
pub(crate) type FileFound = Either<FileFacts, Null>;

/// What has become of each decision.
pub(crate) type CacheRemovals = Vec<CacheRemoval>;

/// One object type a kind of value: napi has no generic ones.
macro_rules! outcome {
    ($(#[$docs:meta] $name:ident: $value:ident;)*) => {$(
        #[$docs]
        #[napi(object, object_from_js = false)]
        #[derive(Debug)]
        pub struct $name {
            /// What was asked for.
            pub value: Option<$value>,
            /// Why there is none.
            pub error: Option<ErrorReport>,
        }

        impl From<Result<$value, ErrorReport>> for $name {
            fn from(result: Result<$value, ErrorReport>) -> Self {
                match result {
                    Ok(value) => Self { value: Some(value), error: None },
                    Err(error) => Self { value: None, error: Some(error) },
                }
            }
        }
    )*};
}

outcome! {
    /// Of looking at an archive.
    ArchiveOutcome: ArchiveFacts;
    /// Of listing a cache.
    CacheListingOutcome: CacheListing;
    /// Of removing from a cache.
    CacheRemovalsOutcome: CacheRemovals;
    /// Of looking at any file.
    FileOutcome: FileFound;
    /// Of looking at a home.
    HomeOutcome: HomeFacts;
    /// Of looking at the host.
    HostOutcome: HostFacts;
    /// Of attaching a loop device.
    LoopOutcome: LoopDevice;
    /// Of what has no result but that it worked.
    DoneOutcome: Null;
}

/// The outcome of a call without a result.
pub(crate) fn done(result: Result<(), ErrorReport>) -> DoneOutcome {
    result.map(|()| Null).into()
}
