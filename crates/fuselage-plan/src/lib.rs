//! What a run of fuselage does, as data: the question the launcher asks node, the answer, the
//! [`MountPlan`] in it, and the validation without which no plan is executed.
//!
//! The crate does no I/O and knows no kernel call. Its types are the one description of the plan:
//! the TypeScript types are generated from them (`examples/typescript.rs`), and the golden plans in
//! `golden/` are read by both test suites. A plan is only ever executed by the launcher of the same
//! package version, so nothing in here has to stay compatible with anything.

mod answer;
mod frame;
mod job;
mod path;
mod plan;
mod question;
mod step;
mod validate;

pub use answer::{Answer, ErrorReport, Input};
pub use frame::{FRAME_LIMIT, FrameError, HEADER_LENGTH, frame_length, write_frame};
pub use job::{CachePlace, CachedArchive, Job};
pub use path::{Place, PlanPath, ProcdirPath};
pub use plan::{
    CachePlan, Environment, EnvironmentValue, MountPlan, Namespaces, Program, Reason, SearchTree,
};
pub use question::{Question, QuestionError};
pub use step::{
    ArchiveFile, CacheKind, CachedSource, DecodedSource, ExtractLimits, FileIdentity, FileSystem,
    FormatName, MountPointWay, OverlayAttributes, ProcdirParent, ReadOnlyWay, Source,
    SourceEncoding, SourceFile, Step, StepId,
};
pub use validate::{InvalidPlan, validate};

/// The version of the package that this crate was built for: plan, question and answer carry it and
/// are refused by any other version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
