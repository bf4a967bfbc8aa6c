//! A launcher, or a worker of it, that is killed at each call that changes something leaves
//! nothing.

use std::collections::BTreeMap;

use fuselage_linux::process::{ExitKind, Signal};
use fuselage_testing::traced::{Act, Edge, Stop, tracing_works};
use fuselage_testing::{root_may_mount, user_namespaces_work};

use crate::host::on_own_host;
use crate::plans::{Kind, ROOTS, USERS};
use crate::scene::{Caller, Outcome, Scene, changes};

/// Who is killed where.
#[derive(Clone, Copy, Debug)]
struct Kill {
    victim: usize,
    /// At the call with this number, of those that change something, of this process.
    process: usize,
    number: usize,
    edge: Edge,
}

impl Kill {
    fn act(&self, counts: &mut BTreeMap<usize, usize>, stop: &Stop) -> Act {
        if !changes(stop) {
            return Act::Go;
        }
        let count = counts.entry(stop.process).or_default();
        let is_here = (stop.process, *count, stop.edge) == (self.process, self.number, self.edge);
        *count += usize::from(stop.edge == Edge::Exit);
        match is_here {
            true => Act::Kill(self.victim),
            false => Act::Go,
        }
    }
}

/// How many calls each process makes that change something.
fn calls(scene: &Scene, kind: Kind) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    scene.without_home();
    let run = scene.run(&scene.plan(), |stop| {
        *counts.entry(stop.process).or_default() +=
            usize::from(changes(stop) && stop.edge == Edge::Entry);
        Act::Go
    });
    assert_eq!(run.outcome(kind), Ok(Outcome::Worked), "the twin");
    scene.check_nothing_left(&run, "the twin");
    counts
}

fn kills(calls: &BTreeMap<usize, usize>) -> Vec<Kill> {
    let mut kills = Vec::new();
    for (&process, &count) in calls {
        for number in 0..count {
            for edge in [Edge::Entry, Edge::Exit] {
                // The launcher while a worker is there, and the worker itself.
                for victim in [Some(0), (process > 0).then_some(process)] {
                    kills.extend(victim.map(|victim| Kill {
                        victim,
                        process,
                        number,
                        edge,
                    }));
                }
            }
        }
    }
    kills
}

fn killed_everywhere(caller: Caller, kind: Kind) {
    let scene = Scene::new(caller, kind);
    let calls = calls(&scene, kind);
    let kills = kills(&calls);
    let mut met = 0;
    for kill in &kills {
        let (mut counts, mut call) = (BTreeMap::new(), None);
        scene.without_home();
        let run = scene.run(&scene.plan(), |stop| {
            let act = kill.act(&mut counts, stop);
            if act != Act::Go {
                call = stop.call.name();
            }
            act
        });
        let when = format!("{caller:?} {kind:?}, {kill:?} at {call:?}");
        if kind.is_real() && kill.victim == 0 {
            assert_eq!(run.ended.left, 0, "{when}: processes are left");
            let next = scene.run(&scene.plan(), |_| Act::Rest);
            assert_eq!(
                next.outcome(kind),
                Ok(Outcome::Worked),
                "{when}: the next run"
            );
            scene.check_nothing_left(&next, &format!("{when}, and one more run"));
        } else {
            scene.check_nothing_left(&run, &when);
        }
        met += usize::from(call.is_some());
        let is_killed = run.ended.how == ExitKind::Signaled(Signal::SIGKILL);
        // The supervisor of real files ends as its child does.
        let ends_by_it = kill.victim == 0 || (kind.is_real() && kill.victim == 1);
        match call {
            Some(_) if ends_by_it => assert!(is_killed, "{when}: {run:?}"),
            // Its answer may have been there already.
            _ => {
                let outcome = run.outcome(kind);
                assert!(outcome.is_ok(), "{when}: {outcome:?}");
            }
        }
    }
    // Calls of a worker may be fewer where the launcher ends it earlier.
    assert!(met * 10 >= kills.len() * 9, "{met} of {}", kills.len());
    eprintln!("{caller:?} {kind:?}: {calls:?}, {met} kills");
}

fn as_user(kind: Kind) {
    assert!(USERS.contains(&kind));
    if user_namespaces_work() {
        on_own_host(|| {
            if tracing_works() {
                killed_everywhere(Caller::User, kind);
            }
        });
    }
}

fn as_root(kind: Kind) {
    assert!(ROOTS.contains(&kind));
    if root_may_mount() {
        on_own_host(|| {
            if tracing_works() {
                killed_everywhere(Caller::Root, kind);
            }
        });
    }
}

/// Each in a test of its own: they run beside each other.
macro_rules! killed {
    ($($name:ident: $who:ident $kind:ident;)*) => {
        $(#[test] fn $name() { $who(Kind::$kind); })*
    };
}

killed! {
    a_user_without_trees: as_user Empty;
    a_user_who_asks: as_user Asked;
    a_user_with_a_made_mount_point: as_user Mirror;
    a_user_with_a_static_zip: as_user StaticZip;
    a_user_with_a_dynamic_zip: as_user DynamicZip;
    a_user_with_base64_text: as_user Base64;
    a_user_with_an_unpacked_image: as_user Squashfs;
    a_user_with_real_files: as_user Real;
    a_user_with_real_files_of_base64_text: as_user RealBase64;
    a_user_who_allows_real_files: as_user Allowed;
    root_with_real_files: as_root Real;
    root_with_real_files_of_base64_text: as_root RealBase64;
    root_who_allows_real_files: as_root Allowed;
    root_without_trees: as_root Empty;
    root_who_asks: as_root Asked;
    root_with_a_made_mount_point: as_root Mirror;
    root_with_a_static_zip: as_root StaticZip;
    root_with_a_dynamic_zip: as_root DynamicZip;
    root_with_base64_text: as_root Base64;
    root_with_an_unpacked_image: as_root Squashfs;
    root_with_a_mounted_image: as_root Image;
    root_with_a_mounted_image_of_base64_text: as_root Base64Image;
}
