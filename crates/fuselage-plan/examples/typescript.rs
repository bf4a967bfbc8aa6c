//! Prints the TypeScript side of every type of the plan.

use fuselage_plan::*;
use std::io::Write as _;
use ts_rs::{Config, TS};

fn main() -> std::io::Result<()> {
    let config = Config::default();
    let mut text = String::from(
        "// Generated from crates/fuselage-plan by `npm run generate`. Do not edit.\n",
    );
    macro_rules! declare {
        ($($name:ty),+ $(,)?) => {$(
            text.push_str("\nexport ");
            text.push_str(&<$name as TS>::decl(&config));
            text.push('\n');
        )+};
    }
    declare!(
        PlanPath,
        ProcdirPath,
        Place,
        StepId,
        FileIdentity,
        SourceFile,
        DecodedSource,
        CachedSource,
        Source,
        SourceEncoding,
        FormatName,
        ArchiveFile,
        CacheKind,
        OverlayAttributes,
        FileSystem,
        ExtractLimits,
        MountPointWay,
        ProcdirParent,
        ReadOnlyWay,
        Step,
        Namespaces,
        EnvironmentValue,
        Environment,
        SearchTree,
        Program,
        Reason,
        CachePlan,
        MountPlan,
        Input,
        ErrorReport,
        CachePlace,
        CachedArchive,
        Job,
        Answer,
    );
    std::io::stdout().write_all(text.as_bytes())
}
