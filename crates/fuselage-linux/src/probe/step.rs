//! What a probe's child was doing.

use nix::errno::Errno;

use crate::loop_device::BareStep;
use crate::namespaces::{NamespaceError, NamespaceStep};

/// A step that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) errno: Errno,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Namespace(NamespaceStep),
    TmpfsOpen,
    TmpfsWrite,
    OverlayPrepare,
    OverlayMount,
    OverlayWrite,
    OverlayReplace,
    LoopImage,
    Loop(BareStep),
    FuseOpen,
    FuseMount,
}

impl Step {
    pub(super) const ALL: [Self; 21] = [
        Self::Namespace(NamespaceStep::Proc),
        Self::Namespace(NamespaceStep::UserNamespace),
        Self::Namespace(NamespaceStep::MountNamespace),
        Self::Namespace(NamespaceStep::SetGroups),
        Self::Namespace(NamespaceStep::GidMap),
        Self::Namespace(NamespaceStep::UidMap),
        Self::Namespace(NamespaceStep::Propagation),
        Self::Namespace(NamespaceStep::FirstMount),
        Self::TmpfsOpen,
        Self::TmpfsWrite,
        Self::OverlayPrepare,
        Self::OverlayMount,
        Self::OverlayWrite,
        Self::OverlayReplace,
        Self::LoopImage,
        Self::Loop(BareStep::Control),
        Self::Loop(BareStep::Free),
        Self::Loop(BareStep::Open),
        Self::Loop(BareStep::Configure),
        Self::FuseOpen,
        Self::FuseMount,
    ];

    pub(super) fn number(self) -> u8 {
        Self::ALL
            .iter()
            .position(|step| *step == self)
            .map_or(u8::MAX - 1, |place| place as u8)
    }

    pub(super) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// For `map_err`.
    pub(super) fn failed(self) -> impl FnOnce(Errno) -> Failure {
        move |errno| Failure { step: self, errno }
    }
}

impl From<NamespaceError> for Failure {
    fn from(error: NamespaceError) -> Self {
        Self {
            step: Step::Namespace(error.step),
            errno: error.errno,
        }
    }
}
