//! What the steps of a plan make, and what they use of it.

use std::collections::BTreeMap;

use crate::path::Place;
use crate::plan::{MountPlan, Namespaces};
use crate::step::{ArchiveFile, CacheKind, MountPointWay, ProcdirParent, ReadOnlyWay};
use crate::step::{Source, SourceEncoding, Step, StepId};
use crate::validate::InvalidPlan;
use crate::validate::paths::{absolute, below, relative, text};

/// Whether a step mounts, which needs a namespace, or makes what a plan without one has in its
/// place; `None`: it is the same in both.
fn mounts(step: &Step) -> Option<bool> {
    match step {
        Step::MountPoint { .. }
        | Step::Cache { .. }
        | Step::Bind { .. }
        | Step::Overlay { .. }
        | Step::Image { .. } => Some(true),
        Step::Procdir { on, size, .. } => Some(*on != ProcdirParent::Extracted || size.is_some()),
        Step::ReadOnly { how, .. } => Some(*how == ReadOnlyWay::Mount),
        Step::Directory { .. } | Step::Decode { .. } | Step::Extract { .. } => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    MountPoint,
    Procdir,
    Decoded,
    Tree,
    CachedTree,
    CachedImage,
}

/// What the steps so far have made.
#[derive(Clone)]
pub(super) struct Made {
    namespaces: Namespaces,
    has_home: bool,
    known: BTreeMap<StepId, Kind>,
}

impl Made {
    /// Nothing so far.
    pub(super) fn of(plan: &MountPlan) -> Self {
        Self {
            namespaces: plan.namespaces,
            has_home: plan.home.is_some(),
            known: BTreeMap::new(),
        }
    }

    /// Adds what `steps` make.
    pub(super) fn check_all(&mut self, steps: &[Step]) -> Result<(), InvalidPlan> {
        for step in steps {
            if mounts(step) == Some(self.namespaces == Namespaces::None) {
                return Err(InvalidPlan::Namespaces(step.id().clone()));
            }
            self.check(step)?;
        }
        Ok(())
    }

    fn check(&mut self, step: &Step) -> Result<(), InvalidPlan> {
        let (id, has_home) = (step.id(), self.has_home);
        let kind = match step {
            Step::MountPoint { path, how, .. } => {
                absolute(path, &id.0)?;
                if let MountPointWay::Mirror { ancestor } = how {
                    absolute(ancestor, &id.0)?;
                    below(path, ancestor, &id.0)?;
                }
                Kind::MountPoint
            }
            Step::Procdir { on, .. } => {
                match on {
                    ProcdirParent::Home | ProcdirParent::Extracted if has_home => {}
                    ProcdirParent::Home | ProcdirParent::Extracted => {
                        return Err(InvalidPlan::Procdir(id.0.clone()));
                    }
                    ProcdirParent::MountPoint(used) => {
                        self.reference(id, used, Kind::MountPoint, "a mount point")?;
                    }
                }
                if self.has_procdir() {
                    return Err(InvalidPlan::Procdir(id.0.clone()));
                }
                Kind::Procdir
            }
            Step::Directory { at, .. } => {
                self.target(at, &id.0)?;
                Kind::Tree
            }
            Step::Cache {
                archive,
                kind,
                then,
                otherwise,
                ..
            } => {
                archive_file(id, archive)?;
                let cached = match kind {
                    CacheKind::Tree => Kind::CachedTree,
                    CacheKind::Image => Kind::CachedImage,
                };
                let mut with = self.clone();
                with.add(id, cached)?;
                with.check_all(then)?;
                with.known.remove(id);
                let mut without = self.clone();
                without.check_all(otherwise)?;
                return self.choose(id, with, without);
            }
            Step::Bind { cached, at, .. } => {
                self.reference(id, cached, Kind::CachedTree, "a tree of the cache")?;
                self.target(at, &id.0)?;
                Kind::Tree
            }
            Step::Overlay {
                lower,
                layer,
                at,
                otherwise,
                ..
            } => {
                self.reference(id, lower, Kind::Tree, "a tree")?;
                self.target(layer, &id.0)?;
                self.target(at, &id.0)?;
                let mut without = self.clone();
                without.check_all(otherwise)?;
                let mut with = self.clone();
                with.add(id, Kind::Tree)?;
                return self.choose(id, with, without);
            }
            Step::Decode { source, .. } => {
                // Its file lies there.
                if !self.has_procdir() {
                    return Err(InvalidPlan::Procdir(id.0.clone()));
                }
                text(&source.path, &id.0)?;
                Kind::Decoded
            }
            Step::Image {
                at, source, length, ..
            } => {
                self.target(at, &id.0)?;
                self.source(id, source)?;
                if *length == 0 {
                    return Err(InvalidPlan::Image(id.clone()));
                }
                Kind::Tree
            }
            Step::Extract {
                at,
                source,
                format,
                offset,
                ..
            } => {
                self.target(at, &id.0)?;
                self.source(id, source)?;
                let has_place = match source {
                    Source::File(_) => format.is_some(),
                    Source::Decoded(_) => format.is_none() && *offset == 0,
                    // The cache keeps no archives.
                    Source::Cached(_) => false,
                };
                if !has_place {
                    return Err(InvalidPlan::Format(id.clone()));
                }
                Kind::Tree
            }
            Step::ReadOnly { tree, .. } => {
                self.reference(id, tree, Kind::Tree, "a tree")?;
                Kind::MountPoint
            }
        };
        self.add(id, kind)
    }

    fn add(&mut self, id: &StepId, kind: Kind) -> Result<(), InvalidPlan> {
        if id.0.is_empty() || self.known.insert(id.clone(), kind).is_some() {
            return Err(InvalidPlan::Id(id.clone()));
        }
        Ok(())
    }

    /// Goes on with what is made by both of two choices, which must be a tree more.
    fn choose(&mut self, id: &StepId, one: Self, other: Self) -> Result<(), InvalidPlan> {
        let before = self.trees().count();
        self.known = one.known;
        self.known
            .retain(|made, kind| other.known.get(made) == Some(kind));
        match self.trees().count() > before {
            true => Ok(()),
            false => Err(InvalidPlan::Choice(id.clone())),
        }
    }

    fn trees(&self) -> impl Iterator<Item = &Kind> {
        self.known.values().filter(|kind| **kind == Kind::Tree)
    }

    /// A file has a path, and what was decoded a step that did it.
    fn source(&self, user: &StepId, source: &Source) -> Result<(), InvalidPlan> {
        match source {
            Source::File(file) => text(&file.path, &user.0),
            Source::Decoded(source) => {
                self.reference(user, &source.decoded, Kind::Decoded, "a decoded file")
            }
            Source::Cached(source) => self.reference(
                user,
                &source.cached,
                Kind::CachedImage,
                "an image of the cache",
            ),
        }
    }

    pub(super) fn has_procdir(&self) -> bool {
        self.known.values().any(|kind| *kind == Kind::Procdir)
    }

    fn reference(
        &self,
        user: &StepId,
        used: &StepId,
        wanted: Kind,
        kind: &'static str,
    ) -> Result<(), InvalidPlan> {
        if self.known.get(used) == Some(&wanted) {
            return Ok(());
        }
        Err(InvalidPlan::Reference {
            user: user.clone(),
            used: used.clone(),
            kind,
        })
    }

    /// Trees are made below the procdir alone, as long as no step makes a mount point for them.
    fn target(&self, place: &Place, field: &str) -> Result<(), InvalidPlan> {
        match place {
            Place::Procdir(_) => self.place(place, field),
            Place::Path(path) => Err(InvalidPlan::Path {
                path: path.clone(),
                field: field.to_owned(),
                wanted: "below the procdir",
            }),
        }
    }

    pub(super) fn place(&self, place: &Place, field: &str) -> Result<(), InvalidPlan> {
        match place {
            Place::Path(path) => absolute(path, field),
            Place::Procdir(inner) => {
                relative(&inner.procdir, field)?;
                if self.has_procdir() {
                    Ok(())
                } else {
                    Err(InvalidPlan::Procdir(field.to_owned()))
                }
            }
        }
    }
}

/// A plain archive has a format, and of what is only decoded later nothing is known.
fn archive_file(id: &StepId, archive: &ArchiveFile) -> Result<(), InvalidPlan> {
    text(&archive.source.path, &id.0)?;
    let has_place = match archive.encoding {
        SourceEncoding::Plain => archive.format.is_some(),
        SourceEncoding::Base64 => archive.format.is_none() && archive.offset == 0,
    };
    match has_place {
        true => Ok(()),
        false => Err(InvalidPlan::Format(id.clone())),
    }
}
