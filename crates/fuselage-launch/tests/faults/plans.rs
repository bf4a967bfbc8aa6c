//! Plans of every kind, as `planRun` makes them.

use std::fs::File;
use std::path::Path;

use fuselage_linux::file_identity::file_identity;
use fuselage_plan::{
    CachePlan, DecodedSource, Environment, EnvironmentValue, ExtractLimits, FileIdentity,
    FileSystem, FormatName, MountPlan, MountPointWay, Namespaces, Place, PlanPath, ProcdirParent,
    ProcdirPath, Program, ReadOnlyWay, Source, SourceFile, Step, StepId,
};
use nix::unistd::geteuid;

/// What a run makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No tree.
    Empty,
    /// The same, and the plan is asked of a program that stands in for node.
    Asked,
    /// No tree, and a made mount point in place of a home.
    Mirror,
    /// A zip, read-only.
    StaticZip,
    /// A zip that the command may write to.
    DynamicZip,
    /// base64 text of a zip, read-only.
    Base64,
    /// A squashfs image that is unpacked, read-only.
    Squashfs,
    /// One that is mounted.
    Image,
    /// One that is base64 text and mounted.
    Base64Image,
    /// A zip without namespaces: real files, that the command's owner may not write to.
    Real,
    /// base64 text of one.
    RealBase64,
    /// No tree, and real files where the namespaces are refused.
    Allowed,
}

use Kind::{
    Allowed, Asked, Base64, Base64Image, DynamicZip, Empty, Image, Mirror, Real, RealBase64,
    Squashfs, StaticZip,
};

/// Bytes of the image that mksquashfs has made; the rest fills up a page.
const IMAGE_LENGTH: u64 = 309;

impl Kind {
    /// The file that the tree is in.
    fn archive(self) -> &'static str {
        match self {
            StaticZip | DynamicZip | Real => "tree.zip",
            Base64 | RealBase64 => "tree.zip.b64",
            Squashfs | Image => "tree.sfs",
            Base64Image => "tree.sfs.b64",
            Empty | Asked | Mirror | Allowed => "none",
        }
    }

    /// Whether the files are real ones, which the launcher stays behind to remove.
    pub(crate) fn is_real(self) -> bool {
        matches!(self, Real | RealBase64)
    }

    /// Whether the tree is below `dynamic` in place of `static`.
    fn is_dynamic(self) -> bool {
        self == DynamicZip
    }

    /// What the command, a script of sh(1), says where everything is as it should be.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Empty | Asked | Mirror | Allowed => "tmp\n",
            // Root may write wherever it can.
            Real | RealBase64 if geteuid().is_root() => "tmp\nfirst of them second\nwritable\n",
            DynamicZip => "tmp\nfirst of them second\nwritable\n",
            _ => "tmp\nfirst of them second\n",
        }
    }
}

/// Looks at all there is to see.
pub(crate) const SCRIPT: &str = r#"
    [ -d "$FUSELAGE_TMPDIR" ] && echo tmp
    tree=$FUSELAGE_STATIC$FUSELAGE_DYNAMIC
    [ "$tree" ] || exit 0
    read -r one < "$tree/tree/a/one"; read -r two < "$tree/tree/two"
    echo "$one $two"
    (: > "$tree/tree/new") 2> /dev/null && echo writable
    exit 0
"#;

/// The plan of a run of `kind` in the directory `place`, which has the home and the archives.
pub(crate) fn plan(kind: Kind, place: &Path, namespaces: Namespaces) -> MountPlan {
    let parent = if kind.is_dynamic() {
        "dynamic"
    } else {
        "static"
    };
    let variable = |name: &str, inner: &str| EnvironmentValue {
        name: name.into(),
        place: procdir(inner),
    };
    let namespaces = match kind.is_real() {
        true => Namespaces::None,
        false => namespaces,
    };
    let mut steps = procdir_steps(kind, place, namespaces);
    let mut set = vec![variable("FUSELAGE_TMPDIR", "tmp")];
    if !matches!(kind, Empty | Asked | Mirror | Allowed) {
        steps.push(directory(parent));
        steps.extend(tree_steps(
            kind,
            &place.join(kind.archive()),
            &format!("{parent}/tree"),
        ));
        set.push(variable(
            &format!("FUSELAGE_{}", parent.to_uppercase()),
            parent,
        ));
    }
    MountPlan {
        version: fuselage_plan::VERSION.into(),
        namespaces,
        home: (kind != Mirror).then(|| path(&place.join("home"))),
        cache: CachePlan::default(),
        steps,
        environment: Environment {
            cleared: ["TMPDIR", "STATIC", "DYNAMIC"]
                .map(|name| format!("FUSELAGE_{name}"))
                .into(),
            set,
        },
        program: Program::Command {
            command_index: 0,
            near_subcommand: None,
        },
        explain: false,
        notices: Vec::new(),
        reasons: Vec::new(),
        otherwise: (kind == Allowed && namespaces != Namespaces::None)
            .then(|| Box::new(plan(kind, place, Namespaces::None))),
    }
}

fn procdir_steps(kind: Kind, place: &Path, namespaces: Namespaces) -> Vec<Step> {
    let size = (namespaces != Namespaces::None).then_some(64 << 20);
    let id = StepId("procdir".into());
    let mut steps = Vec::new();
    let on = if kind == Mirror {
        let made = StepId("mount-point".into());
        steps.push(Step::MountPoint {
            id: made.clone(),
            path: path(&place.join("missing")),
            how: MountPointWay::Mirror {
                ancestor: path(place),
            },
        });
        ProcdirParent::MountPoint(made)
    } else if namespaces == Namespaces::None {
        ProcdirParent::Extracted
    } else {
        ProcdirParent::Home
    };
    steps.push(Step::Procdir { id, on, size });
    steps.push(directory("tmp"));
    steps
}

fn tree_steps(kind: Kind, archive: &Path, at: &str) -> Vec<Step> {
    let id = StepId("tree".into());
    let decoded = StepId("decoded".into());
    let file = SourceFile {
        path: path(archive),
        identity: FileIdentity(file_identity(File::open(archive).unwrap()).unwrap()),
    };
    let mut steps = Vec::new();
    let source = if matches!(kind, Base64 | Base64Image | RealBase64) {
        steps.push(Step::Decode {
            id: decoded.clone(),
            source: file,
        });
        Source::Decoded(DecodedSource { decoded })
    } else {
        Source::File(file)
    };
    let format = match kind {
        StaticZip | DynamicZip | Real => Some(FormatName("zip".into())),
        Squashfs => Some(FormatName("squashfs".into())),
        _ => None,
    };
    let is_mounted = matches!(kind, Image | Base64Image);
    steps.push(if is_mounted {
        Step::Image {
            id: id.clone(),
            source,
            file_system: FileSystem::Squashfs,
            offset: 0,
            length: IMAGE_LENGTH,
            at: procdir(at),
        }
    } else {
        Step::Extract {
            id: id.clone(),
            source,
            format,
            offset: 0,
            at: procdir(at),
            limits: LIMITS,
            jobs: Some(1),
        }
    });
    if !is_mounted && !kind.is_dynamic() {
        steps.push(Step::ReadOnly {
            id: StepId("read-only".into()),
            tree: id,
            how: if kind.is_real() {
                ReadOnlyWay::Permissions
            } else {
                ReadOnlyWay::Mount
            },
        });
    }
    steps
}

const LIMITS: ExtractLimits = ExtractLimits {
    entries: 2_000_000,
    bytes: 1 << 38,
    depth: 512,
    name_length: 4095,
    ratio: 50_000,
};

fn directory(at: &str) -> Step {
    Step::Directory {
        id: StepId(at.into()),
        at: procdir(at),
    }
}

fn procdir(inner: &str) -> Place {
    Place::Procdir(ProcdirPath {
        procdir: PlanPath::from(inner),
    })
}

fn path(path: &Path) -> PlanPath {
    PlanPath::from(path.as_os_str().to_owned())
}
