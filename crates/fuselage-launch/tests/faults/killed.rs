//! A launcher, or a worker of it, that is killed at each call that changes something leaves
//! nothing.

use std::collections::BTreeMap;

use fuselage_linux::process::{ExitKind, Signal};
use fuselage_testing::traced::{Act, Edge, Stop};

use crate::callers::everywhere;
use crate::plans::Kind;
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

everywhere!(killed_everywhere);
