//! What can be wrong with a plan, one thing at a time.

use fuselage_plan::*;
use proptest::prelude::*;

use crate::WORDS;
use crate::sound::{Kind, decode, from_decoded, id, source_file, tree};

/// One thing that is wrong with a plan.
#[derive(Clone, Debug)]
pub(crate) enum Corruption {
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
    OtherNamespaces,
    OtherReadOnly,
    OtherwiseInItself,
    OtherwiseMounts,
    OtherwiseSpoilt,
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

pub(crate) fn corruption() -> impl Strategy<Value = Corruption> {
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
        OtherNamespaces,
        OtherReadOnly,
        OtherwiseInItself,
        OtherwiseMounts,
        OtherwiseSpoilt,
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
    let mut steps = tree(99, Kind::Dynamic, b"more", ReadOnlyWay::Mount);
    if let Some(Step::Extract { source, .. }) = steps.first_mut() {
        *source = Source::File(source_file(path));
    }
    steps.remove(0)
}

/// A good decode step and one that extracts what it made, with another format and offset.
pub(crate) fn decoded_as(new_format: Option<&str>, new_offset: u64) -> [Step; 2] {
    let mut extract = from_decoded(extract_from(b"text"), "text");
    if let Step::Extract { format, offset, .. } = &mut extract {
        *format = new_format.map(|name| FormatName(name.to_owned()));
        *offset = new_offset;
    }
    [decode("text", b"text"), extract]
}

pub(crate) fn spoil(plan: &mut MountPlan, corruption: &Corruption) {
    let is_procdir = |step: &Step| matches!(step, Step::Procdir { .. });
    let directory = |at: Place| Step::Directory { id: id("more"), at };
    let how = match plan.namespaces {
        Namespaces::None => ReadOnlyWay::Permissions,
        Namespaces::User | Namespaces::Mount => ReadOnlyWay::Mount,
    };
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
                how,
            });
        }
        Corruption::ReadOnlyOfNothing => {
            plan.steps.push(Step::ReadOnly {
                id: id("more"),
                tree: id("nothing"),
                how,
            });
        }
        Corruption::ReadOnlyOfLater => {
            plan.steps.push(Step::ReadOnly {
                id: id("more"),
                tree: id("later"),
                how,
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
                how,
            });
        }
        Corruption::ProcdirOnTree => {
            for step in &mut plan.steps {
                if let Step::Procdir { on, .. } = step {
                    *on = ProcdirParent::MountPoint(id("tmp"));
                }
            }
        }
        Corruption::OtherNamespaces => {
            plan.otherwise = None;
            plan.home = Some("/h".into());
            plan.namespaces = match plan.namespaces {
                Namespaces::None => Namespaces::User,
                Namespaces::User | Namespaces::Mount => Namespaces::None,
            };
        }
        Corruption::OtherReadOnly => plan.steps.push(Step::ReadOnly {
            id: id("more"),
            tree: id("tmp"),
            how: match how {
                ReadOnlyWay::Mount => ReadOnlyWay::Permissions,
                ReadOnlyWay::Permissions => ReadOnlyWay::Mount,
            },
        }),
        Corruption::OtherwiseInItself => {
            let inner = plan
                .otherwise
                .take()
                .map_or_else(|| plan.clone(), |inner| *inner);
            plan.otherwise = Some(Box::new(MountPlan {
                otherwise: Some(Box::new(inner.clone())),
                ..inner
            }));
        }
        Corruption::OtherwiseMounts => {
            plan.otherwise = None;
            plan.otherwise = Some(Box::new(MountPlan {
                namespaces: Namespaces::Mount,
                ..plan.clone()
            }));
        }
        Corruption::OtherwiseSpoilt => {
            let mut inner = plan
                .otherwise
                .take()
                .map_or_else(|| plan.clone(), |inner| *inner);
            inner.program = Program::Command {
                command_index: WORDS as u32,
                near_subcommand: None,
            };
            plan.otherwise = Some(Box::new(inner));
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
