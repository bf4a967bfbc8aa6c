//! Every plan of the kind that node makes is accepted; spoiled in any one place it is not.

#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

use fuselage_plan::*;
use proptest::prelude::*;

const WORDS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Static,
    Dynamic,
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

fn tree(index: usize, kind: Kind, name: &[u8]) -> Vec<Step> {
    let own = id(format!("tree-{index}"));
    let root = if matches!(kind, Kind::Static) {
        "static"
    } else {
        "dynamic"
    };
    let extract = Step::Extract {
        id: own.clone(),
        source: Source {
            path: PlanPath::new(name),
            identity: FileIdentity("f1".into()),
        },
        format: FormatName("zip".to_owned()),
        offset: 0,
        at: below(root, name),
        limits: ExtractLimits {
            entries: 1,
            bytes: 1,
            depth: 1,
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
        Kind::Static => {
            vec![
                extract,
                Step::ReadOnly {
                    id: id(format!("read-only-{index}")),
                    tree: own,
                },
            ]
        }
    }
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
            (prop_oneof![Just(Kind::Static), Just(Kind::Dynamic), Just(Kind::Empty)], name()), 0..5,
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
        source.path = PlanPath::new(path);
    }
    steps.remove(0)
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
