//! Plans of the kind that node makes, and the steps they consist of.

use fuselage_plan::*;
use proptest::prelude::*;

use crate::WORDS;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Static,
    Dynamic,
    /// Static, out of base64 text.
    Encoded,
    Empty,
}

/// Bytes that can be a component of a path, UTF-8 or not.
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(
        any::<u8>().prop_filter("a component", |b| *b != 0 && *b != b'/'),
        1..8,
    )
    .prop_filter("no `.` or `..`", |name| name != b"." && name != b"..")
}

fn absolute_path() -> impl Strategy<Value = PlanPath> {
    prop::collection::vec(name(), 1..4)
        .prop_map(|names| PlanPath::new([&b"/"[..], &names.join(&b"/"[..])].concat()))
}

pub(crate) fn id(text: impl Into<String>) -> StepId {
    StepId(text.into())
}

fn below(root: &str, name: &[u8]) -> Place {
    Place::procdir([root.as_bytes(), b"/", name].concat())
}

pub(crate) fn source_file(name: &[u8]) -> SourceFile {
    SourceFile {
        path: PlanPath::new(name),
        identity: FileIdentity("f1".into()),
    }
}

pub(crate) fn decode(name: &str, path: &[u8]) -> Step {
    Step::Decode {
        id: id(name),
        source: source_file(path),
    }
}

fn decoded(name: &str) -> Source {
    Source::Decoded(DecodedSource { decoded: id(name) })
}

pub(crate) fn tree(index: usize, kind: Kind, name: &[u8], how: ReadOnlyWay) -> Vec<Step> {
    let own = id(format!("tree-{index}"));
    let root = if matches!(kind, Kind::Static | Kind::Encoded) {
        "static"
    } else {
        "dynamic"
    };
    let extract = Step::Extract {
        id: own.clone(),
        source: Source::File(source_file(name)),
        format: Some(FormatName("zip".to_owned())),
        offset: 4097,
        at: below(root, name),
        limits: ExtractLimits {
            entries: 1,
            bytes: 1,
            depth: 1,
            name_length: 1,
            ratio: 1,
        },
        jobs: None,
    };
    match kind {
        Kind::Empty => vec![Step::Directory {
            id: own,
            at: below(root, name),
        }],
        Kind::Dynamic => vec![extract],
        Kind::Static | Kind::Encoded => {
            let read_only = Step::ReadOnly {
                id: id(format!("read-only-{index}")),
                tree: own,
                how,
            };
            match kind {
                Kind::Static => vec![extract, read_only],
                _ => {
                    let text = format!("decoded-{index}");
                    let extract = from_decoded(extract, &text);
                    vec![decode(&text, name), extract, read_only]
                }
            }
        }
    }
}

/// The same out of the decode step `name`.
pub(crate) fn from_decoded(mut extract: Step, name: &str) -> Step {
    if let Step::Extract {
        source,
        format,
        offset,
        ..
    } = &mut extract
    {
        (*source, *format, *offset) = (decoded(name), None, 0);
    }
    extract
}

/// The steps that make the private directory, with or without a home.
fn procdir(namespaces: Namespaces, home: &Option<PlanPath>) -> Vec<Step> {
    let on = |on| Step::Procdir {
        id: id("procdir"),
        on,
        size: None,
    };
    if namespaces == Namespaces::None {
        return vec![on(ProcdirParent::Extracted)];
    }
    if home.is_some() {
        return vec![on(ProcdirParent::Home)];
    }
    vec![
        Step::MountPoint {
            id: id("fallback"),
            path: "/run/fuselage".into(),
            how: MountPointWay::Mirror {
                ancestor: "/run".into(),
            },
        },
        on(ProcdirParent::MountPoint(id("fallback"))),
    ]
}

/// A plan with namespaces, perhaps with one without them in it, or one without them.
pub(crate) fn plan() -> impl Strategy<Value = MountPlan> {
    let mounted = prop::sample::select(vec![Namespaces::User, Namespaces::Mount])
        .prop_flat_map(plan_with)
        .boxed();
    let extracted = plan_with(Namespaces::None).boxed();
    let both = (mounted.clone(), extracted.clone()).prop_map(|(mut plan, otherwise)| {
        plan.otherwise = Some(Box::new(otherwise));
        plan
    });
    prop_oneof![mounted, extracted, both]
}

prop_compose! {
    fn plan_with(namespaces: Namespaces)(
        home in match namespaces {
            Namespaces::None => absolute_path().prop_map(Some).boxed(),
            _ => prop::option::of(absolute_path()).boxed(),
        },
        trees in prop::collection::vec(
            (prop::sample::select(vec![Kind::Static, Kind::Dynamic, Kind::Encoded, Kind::Empty]), name()),
            0..5,
        ),
        from_tree in any::<bool>(),
        word in 0..WORDS as u32,
    ) -> MountPlan {
        let mut steps = procdir(namespaces, &home);
        let how = match namespaces {
            Namespaces::None => ReadOnlyWay::Permissions,
            _ => ReadOnlyWay::Mount,
        };
        for root in ["tmp", "static", "dynamic"] {
            steps.push(Step::Directory { id: id(root), at: Place::procdir(root) });
        }
        for (index, (kind, name)) in trees.iter().enumerate() {
            steps.extend(tree(index, *kind, name, how));
        }
        let program = if from_tree {
            Program::Tree {
                path: "bin/tool".into(),
                trees: trees
                    .iter()
                    .map(|(_, name)| SearchTree {
                        name: PlanPath::new(name.clone()),
                        at: below("static", name),
                    })
                    .collect(),
                arguments: vec![word],
            }
        } else {
            Program::Command { command_index: word, near_subcommand: None }
        };
        MountPlan {
            version: VERSION.to_owned(),
            namespaces,
            home,
            cache: CachePlan::default(),
            steps,
            environment: Environment {
                cleared: vec!["FUSELAGE_STATIC".into()],
                set: vec![EnvironmentValue {
                    name: "FUSELAGE_TMPDIR".into(),
                    place: Place::procdir("tmp"),
                }],
            },
            program,
            explain: false,
            notices: vec![],
            reasons: vec![],
            otherwise: None,
        }
    }
}
