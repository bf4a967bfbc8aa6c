//! Every plan of the kind that node makes is accepted; spoiled in any one place it is not.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use fuselage_plan::*;
use proptest::prelude::*;

const WORDS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Kind {
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

fn id(text: impl Into<String>) -> StepId {
    StepId(text.into())
}

fn below(root: &str, name: &[u8]) -> Place {
    Place::procdir([root.as_bytes(), b"/", name].concat())
}

fn source_file(name: &[u8]) -> SourceFile {
    SourceFile {
        path: PlanPath::new(name),
        identity: FileIdentity("f1".into()),
    }
}

fn decode(name: &str, path: &[u8]) -> Step {
    Step::Decode {
        id: id(name),
        source: source_file(path),
    }
}

fn decoded(name: &str) -> Source {
    Source::Decoded(DecodedSource { decoded: id(name) })
}

fn tree(index: usize, kind: Kind, name: &[u8]) -> Vec<Step> {
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
fn from_decoded(mut extract: Step, name: &str) -> Step {
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
fn procdir(home: &Option<PlanPath>) -> Vec<Step> {
    let on = |on| Step::Procdir {
        id: id("procdir"),
        on,
        size: None,
    };
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

prop_compose! {
    fn plan()(
        home in prop::option::of(absolute_path()),
        trees in prop::collection::vec(
            (prop::sample::select(vec![Kind::Static, Kind::Dynamic, Kind::Encoded, Kind::Empty]), name()),
            0..5,
        ),
        from_tree in any::<bool>(),
        word in 0..WORDS as u32,
    ) -> MountPlan {
        let mut steps = procdir(&home);
        for root in ["tmp", "static", "dynamic"] {
            steps.push(Step::Directory { id: id(root), at: Place::procdir(root) });
        }
        for (index, (kind, name)) in trees.iter().enumerate() {
            steps.extend(tree(index, *kind, name));
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
            namespaces: Namespaces::User,
            home,
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
            reasons: vec![],
        }
    }
}

/// One thing that is wrong with a plan.
#[derive(Clone, Debug)]
enum Corruption {
    Version,
    HomeRelative,
    HomeNul,
    NoProcdir,
    SecondProcdir,
    ProcdirLast,
    SameId,
    EmptyId,
    PlaceEscapes(&'static str),
    PlaceOutside,
    NoSource,
    SourceNul,
    NoFormat,
    DecodedWithFormat,
    DecodedWithOffset,
    DecodedNothing,
    DecodedLater,
    DecodedTree,
    DecodeNoSource,
    DecodeFirst,
    ReadOnlyOfDecoded,
    ReadOnlyOfNothing,
    ReadOnlyOfLater,
    ReadOnlyOfProcdir,
    ProcdirOnTree,
    MirrorOfNoAncestor,
    MirrorOfItself,
    MirrorRelative,
    Variable(&'static str),
    Cleared(&'static str),
    VariableEscapes,
    Word,
    Argument,
    ProgramEscapes(&'static str),
}

fn corruption() -> impl Strategy<Value = Corruption> {
    use Corruption::*;
    prop::sample::select(vec![
        Version,
        HomeRelative,
        HomeNul,
        NoProcdir,
        SecondProcdir,
        ProcdirLast,
        SameId,
        EmptyId,
        PlaceEscapes("../x"),
        PlaceEscapes("static/../../x"),
        PlaceEscapes("/etc"),
        PlaceEscapes("static//x"),
        PlaceEscapes("./x"),
        PlaceEscapes(""),
        PlaceEscapes("x/"),
        PlaceEscapes("a\0b"),
        PlaceOutside,
        NoSource,
        SourceNul,
        NoFormat,
        DecodedWithFormat,
        DecodedWithOffset,
        DecodedNothing,
        DecodedLater,
        DecodedTree,
        DecodeNoSource,
        DecodeFirst,
        ReadOnlyOfDecoded,
        ReadOnlyOfNothing,
        ReadOnlyOfLater,
        ReadOnlyOfProcdir,
        ProcdirOnTree,
        MirrorOfNoAncestor,
        MirrorOfItself,
        MirrorRelative,
        Variable(""),
        Variable("A=B"),
        Variable("A\0"),
        Cleared(""),
        Cleared("A=B"),
        VariableEscapes,
        Word,
        Argument,
        ProgramEscapes("/bin/sh"),
        ProgramEscapes("a/../../b"),
        ProgramEscapes(""),
    ])
}

fn mount_point(path: &str, ancestor: &str) -> Step {
    Step::MountPoint {
        id: id("more"),
        path: path.into(),
        how: MountPointWay::Mirror {
            ancestor: ancestor.into(),
        },
    }
}

fn extract_from(path: &[u8]) -> Step {
    let mut steps = tree(99, Kind::Dynamic, b"more");
    if let Some(Step::Extract { source, .. }) = steps.first_mut() {
        *source = Source::File(source_file(path));
    }
    steps.remove(0)
}

/// A good decode step and one that extracts what it made, with another format and offset.
fn decoded_as(new_format: Option<&str>, new_offset: u64) -> [Step; 2] {
    let mut extract = from_decoded(extract_from(b"text"), "text");
    if let Step::Extract { format, offset, .. } = &mut extract {
        *format = new_format.map(|name| FormatName(name.to_owned()));
        *offset = new_offset;
    }
    [decode("text", b"text"), extract]
}

fn spoil(plan: &mut MountPlan, corruption: &Corruption) {
    let is_procdir = |step: &Step| matches!(step, Step::Procdir { .. });
    let directory = |at: Place| Step::Directory { id: id("more"), at };
    match corruption {
        Corruption::Version => plan.version.push('0'),
        Corruption::HomeRelative => plan.home = Some("home".into()),
        Corruption::HomeNul => plan.home = Some("/a\0".into()),
        Corruption::NoProcdir => plan.steps.retain(|step| !is_procdir(step)),
        Corruption::SecondProcdir => {
            plan.home = Some("/h".into());
            let on = ProcdirParent::Home;
            plan.steps.push(Step::Procdir {
                id: id("more"),
                on,
                size: None,
            });
        }
        Corruption::ProcdirLast => {
            let at = plan.steps.iter().position(is_procdir).unwrap();
            let step = plan.steps.remove(at);
            plan.steps.push(step);
        }
        Corruption::SameId => plan.steps.push(plan.steps.last().unwrap().clone()),
        Corruption::EmptyId => {
            let at = Place::procdir("x");
            plan.steps.push(Step::Directory { id: id(""), at });
        }
        Corruption::PlaceEscapes(path) => plan.steps.push(directory(Place::procdir(*path))),
        Corruption::PlaceOutside => plan.steps.push(directory(Place::Path("/opt/x".into()))),
        Corruption::NoSource => plan.steps.push(extract_from(b"")),
        Corruption::SourceNul => plan.steps.push(extract_from(b"a\0b")),
        Corruption::NoFormat => {
            let mut extract = extract_from(b"a");
            if let Step::Extract { format, .. } = &mut extract {
                *format = None;
            }
            plan.steps.push(extract);
        }
        Corruption::DecodedWithFormat => plan.steps.extend(decoded_as(Some("zip"), 0)),
        Corruption::DecodedWithOffset => plan.steps.extend(decoded_as(None, 1)),
        Corruption::DecodedNothing => {
            let [_, extract] = decoded_as(None, 0);
            plan.steps.push(extract);
        }
        Corruption::DecodedLater => {
            let [decode, extract] = decoded_as(None, 0);
            plan.steps.extend([extract, decode]);
        }
        Corruption::DecodedTree => {
            plan.steps.push(from_decoded(extract_from(b"a"), "tmp"));
        }
        Corruption::DecodeNoSource => plan.steps.push(decode("more", b"")),
        Corruption::DecodeFirst => plan.steps.insert(0, decode("more", b"a")),
        Corruption::ReadOnlyOfDecoded => {
            plan.steps.push(decode("text", b"a"));
            plan.steps.push(Step::ReadOnly {
                id: id("more"),
                tree: id("text"),
            });
        }
        Corruption::ReadOnlyOfNothing => {
            plan.steps.push(Step::ReadOnly {
                id: id("more"),
                tree: id("nothing"),
            });
        }
        Corruption::ReadOnlyOfLater => {
            plan.steps.push(Step::ReadOnly {
                id: id("more"),
                tree: id("later"),
            });
            plan.steps.push(Step::Directory {
                id: id("later"),
                at: Place::procdir("later"),
            });
        }
        Corruption::ReadOnlyOfProcdir => {
            plan.steps.push(Step::ReadOnly {
                id: id("more"),
                tree: id("procdir"),
            });
        }
        Corruption::ProcdirOnTree => {
            for step in &mut plan.steps {
                if let Step::Procdir { on, .. } = step {
                    *on = ProcdirParent::MountPoint(id("tmp"));
                }
            }
        }
        Corruption::MirrorOfNoAncestor => plan.steps.push(mount_point("/opt/x", "/srv")),
        Corruption::MirrorOfItself => plan.steps.push(mount_point("/opt", "/opt")),
        Corruption::MirrorRelative => plan.steps.push(mount_point("opt/x", "opt")),
        Corruption::Variable(name) => plan.environment.set[0].name = (*name).to_owned(),
        Corruption::Cleared(name) => plan.environment.cleared.push((*name).to_owned()),
        Corruption::VariableEscapes => plan.environment.set[0].place = Place::procdir(".."),
        Corruption::Word => {
            plan.program = Program::Command {
                command_index: WORDS as u32,
                near_subcommand: None,
            };
        }
        Corruption::Argument => {
            let arguments = vec![0, WORDS as u32];
            plan.program = Program::Tree {
                path: "x".into(),
                trees: vec![],
                arguments,
            };
        }
        Corruption::ProgramEscapes(path) => {
            plan.program = Program::Tree {
                path: (*path).into(),
                trees: vec![],
                arguments: vec![],
            };
        }
    }
}

proptest! {
    #[test]
    fn what_node_makes_is_accepted(plan in plan()) {
        prop_assert_eq!(validate(&plan, WORDS), Ok(()));
    }

    #[test]
    fn what_is_decoded_is_extracted_without_a_format(mut plan in plan()) {
        plan.steps.extend(decoded_as(None, 0));
        prop_assert_eq!(validate(&plan, WORDS), Ok(()));
    }

    #[test]
    fn any_one_corruption_is_found(mut plan in plan(), corruption in corruption()) {
        spoil(&mut plan, &corruption);
        prop_assert!(validate(&plan, WORDS).is_err(), "{corruption:?}: {plan:?}");
    }

    #[test]
    fn every_plan_survives_json(plan in plan()) {
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<MountPlan>(&text).unwrap(), plan);
    }
}
