//! The words of the probes.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

use super::Probe;
use super::step::{Failure, Step};
use crate::image_mounts::NoImageMounts;
use crate::loop_device::BareStep;
use crate::refusal::{Cause, NamespaceFacts, Refusal};

/// The oldest kernel that is supported.
const OLDEST: (u32, u32) = (4, 18);

pub(super) fn kernel(release: &str) -> Probe {
    let mut numbers = release.split(['.', '-', '+']).map(str::parse::<u32>);
    let version = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        _ => None,
    };
    if version.is_none_or(|version| version >= OLDEST) {
        return Probe::good("kernel", format!("Linux {release}"));
    }
    let refusal = Refusal {
        message: format!("Linux {release} is too old"),
        causes: vec![format!(
            "Linux {}.{} or newer is needed.",
            OLDEST.0, OLDEST.1
        )],
        hints: vec!["Boot a newer kernel.".into()],
    };
    Probe::bad("kernel", "ERR_USERNS_DENIED", refusal)
}

/// `suspects`: what may have refused a user namespace; nothing where one can be had.
pub(super) fn apparmor(facts: &NamespaceFacts, suspects: &[Cause]) -> Probe {
    const NAME: &str = "apparmor";
    let restricted = facts.apparmor_restrict == Some(1);
    let detail = match (&facts.apparmor_profile, restricted) {
        (Some(profile), false) => format!("this process has the AppArmor profile {profile:?}"),
        (Some(profile), true) => format!(
            "AppArmor restricts user namespaces, and this process has the profile {profile:?}"
        ),
        (None, true) => "AppArmor restricts user namespaces of programs without a profile".into(),
        (None, false) => "does not restrict user namespaces".into(),
    };
    let is_apparmor =
        |cause: &Cause| matches!(cause, Cause::AppArmorRestriction | Cause::AppArmorProfile);
    if suspects.iter().any(is_apparmor) {
        stands_in_the_way(NAME, detail)
    } else {
        Probe::good(NAME, detail)
    }
}

/// `suspects`: as for [`apparmor`].
pub(super) fn seccomp(facts: &NamespaceFacts, suspects: &[Cause]) -> Probe {
    const NAME: &str = "seccomp";
    match facts.seccomp {
        None | Some(0) => Probe::good(NAME, "no filter is active"),
        Some(_) if suspects.contains(&Cause::Seccomp) => {
            stands_in_the_way(NAME, "a filter is active (Seccomp: 2)".into())
        }
        Some(_) if suspects.is_empty() => {
            Probe::good(NAME, "a filter is active and allows what is needed")
        }
        Some(_) => Probe::good(
            NAME,
            "a filter is active, and it is not what refuses namespaces",
        ),
    }
}

/// What was not tried, since `other` says why there are no namespaces to try it in.
pub(super) fn without_namespaces(name: &'static str, other: &str) -> Probe {
    let refusal = Refusal {
        message: "was not tried, since it needs namespaces".into(),
        causes: vec![format!("Namespaces are refused here, see `{other}`.")],
        hints: vec![format!("Do what `{other}` names.")],
    };
    Probe::bad(name, super::REFUSED, refusal)
}

/// Why images are extracted, whatever else is there.
pub(super) fn no_images(why: &NoImageMounts) -> Refusal {
    let (cause, hint) = match why {
        NoImageMounts::NotRoot => (
            "The kernel mounts image files for root (CAP_SYS_ADMIN) only.".into(),
            "Nothing has to be done; `sudo fuselage doctor` tells what root can do.",
        ),
        NoImageMounts::UserNamespace => (
            "The kernel mounts image files for root outside of user namespaces only.".into(),
            "Nothing has to be done; root outside of this user namespace mounts them.",
        ),
        NoImageMounts::LoopControl(error) if error.kind() == io::ErrorKind::PermissionDenied => (
            "The device control group or a security module keeps loop devices from this root."
                .into(),
            PRIVILEGED,
        ),
        NoImageMounts::LoopControl(_) => (
            "The driver of loop devices is not loaded, or /dev here has only some devices.".into(),
            "`sudo modprobe loop`; Docker: `docker run --privileged -v /dev:/dev …`.",
        ),
        NoImageMounts::FileSystem(name) => (
            format!("{name} is neither built in nor a module that is there."),
            "`sudo modprobe squashfs`.",
        ),
    };
    Refusal {
        message: format!("images are extracted and not mounted: {why}"),
        causes: vec![cause],
        hints: vec![hint.into()],
    }
}

const PRIVILEGED: &str = "Docker: `docker run --privileged -v /dev:/dev …`.";

/// Cause and fix stand with the probe that failed for it.
fn stands_in_the_way(name: &'static str, message: String) -> Probe {
    let refusal = Refusal {
        message,
        causes: vec!["User namespaces do not work here, and this may be why.".into()],
        hints: vec!["See `user-namespace`.".into()],
    };
    Probe::bad(name, "ERR_USERNS_DENIED", refusal)
}

/// What a step other than those of namespaces means.
pub(super) fn refusal(failure: Failure, facts: &NamespaceFacts) -> Refusal {
    let Failure { step, errno } = failure;
    let (cause, hint) = why(step, errno, facts);
    Refusal {
        message: format!("cannot {}: {} ({errno:?})", tried(step), errno.desc()),
        causes: vec![cause.into()],
        hints: vec![hint.into()],
    }
}

fn tried(step: Step) -> &'static str {
    match step {
        Step::Namespace(_) => "enter namespaces",
        Step::TmpfsOpen => "enter the mounted tmpfs",
        Step::TmpfsWrite => "write to the mounted tmpfs",
        Step::OverlayPrepare => "make directories for an overlay",
        Step::OverlayMount => "mount an overlay",
        Step::OverlayWrite => "write to the mounted overlay",
        Step::OverlayReplace => "replace a directory in the mounted overlay",
        Step::LoopImage => "make an image in memory",
        Step::Loop(BareStep::Control) => "open /dev/loop-control",
        Step::Loop(BareStep::Free) => "get a free loop device",
        Step::Loop(BareStep::Open) => "open a free loop device",
        Step::Loop(BareStep::Configure) => "attach an image to a loop device",
        Step::FuseOpen => "open /dev/fuse",
        Step::FuseMount => "mount a FUSE file system",
    }
}

/// The cause, and the fix.
fn why(step: Step, errno: Errno, facts: &NamespaceFacts) -> (&'static str, &'static str) {
    match (step, errno) {
        (Step::OverlayMount, Errno::ENODEV) => (
            "The kernel has no overlay file system, or its module is not loaded.",
            "`sudo modprobe overlay`.",
        ),
        (Step::OverlayMount, Errno::EPERM | Errno::EINVAL) if !facts.sys_admin => (
            "Overlays in a user namespace need Linux 5.11, and every directory on a file system \
             that allows them.",
            "Boot a newer kernel.",
        ),
        (Step::OverlayReplace, _) => (
            "The tmpfs cannot hold extended attributes of users, which Linux can since 6.6 \
             (CONFIG_TMPFS_XATTR).",
            "Boot a newer kernel.",
        ),
        (Step::FuseOpen, Errno::ENOENT) => (
            "The device node is not there: the driver is not loaded, or /dev here has only some \
             devices.",
            "`sudo modprobe fuse`; Docker: `--device /dev/fuse`.",
        ),
        (Step::Loop(_), Errno::EACCES | Errno::EPERM) => (
            "This root may not use loop devices: the device control group or a security module \
             forbids it.",
            PRIVILEGED,
        ),
        (Step::Loop(BareStep::Open), Errno::ENOENT) => (
            "/dev here has no node for the loop device that the kernel offers.",
            "`sudo mount -t devtmpfs devtmpfs /dev`, or make the node: \
             `sudo mknod /dev/loop0 b 7 0`; Docker: `docker run --privileged -v /dev:/dev …`.",
        ),
        (Step::Loop(BareStep::Free), Errno::ENOSPC | Errno::ENODEV) => (
            "Every loop device is in use, and the kernel makes no more.",
            "`losetup` lists them; `sudo losetup -d /dev/loopN` gives one back.",
        ),
        (Step::Loop(BareStep::Configure), Errno::EINVAL | Errno::ENOTTY) => (
            "The kernel is older than 5.8 and has no LOOP_CONFIGURE; the older calls are used.",
            "Nothing has to be done; Linux 5.8 and newer attach faster.",
        ),
        (Step::Loop(_), Errno::EBUSY) => {
            ("Other programs took every free device first.", "Try again.")
        }
        (Step::FuseOpen, Errno::EACCES) => (
            "/dev/fuse is for root only on this host (on most it has mode 0666).",
            "`sudo chmod 666 /dev/fuse`; for good by a rule of udev(7).",
        ),
        (Step::FuseOpen, Errno::EPERM) => (
            "The device control group forbids /dev/fuse.",
            "Docker: `--device /dev/fuse`.",
        ),
        (Step::FuseMount, Errno::ENODEV) => (
            "The kernel has no FUSE, or its module is not loaded.",
            "`sudo modprobe fuse`.",
        ),
        (_, Errno::ENOSPC | Errno::ENOMEM) => (
            "There is no memory left, for this user or control group.",
            "End other programs, or raise the limit of the control group.",
        ),
        _ => (
            "None of the known causes fits; a security module or a filter may refuse it.",
            "`dmesg` and the audit log may name what refused it.",
        ),
    }
}

pub(super) fn killed() -> Refusal {
    Refusal {
        message: "the child that tried it was killed".into(),
        causes: vec!["A seccomp filter may kill for forbidden calls, or memory was short.".into()],
        hints: vec!["`dmesg` and the audit log may name the reason.".into()],
    }
}

pub(super) fn late(limit: Duration) -> Refusal {
    Refusal {
        message: format!("no answer within {} seconds", limit.as_secs()),
        causes: vec!["The kernel did not come back from a call.".into()],
        hints: vec!["`dmesg` may name the reason.".into()],
    }
}

pub(super) fn no_child(error: &io::Error) -> Refusal {
    Refusal {
        message: format!("cannot start a child to try it: {error}"),
        causes: vec!["The limit of processes, descriptors or memory is reached.".into()],
        hints: vec!["`ulimit -u`, `ulimit -n`.".into()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_kernels_are_told() {
        for (release, ok) in [
            ("6.18.44-fc-v669", true),
            ("4.18.0-553.el8_10.x86_64", true),
            ("4.17.19", false),
            ("3.10.0-1160.el7.x86_64", false),
            ("10.0", true),
            ("5+", true),
            ("strange", true),
        ] {
            let probe = kernel(release);
            assert_eq!(probe.ok, ok, "{release}");
            assert!(probe.detail.contains(release));
            assert_eq!(probe.hints.is_empty(), ok);
        }
    }

    #[test]
    fn what_does_not_stand_in_the_way_is_fine() {
        let mut facts = NamespaceFacts::gather();
        facts.seccomp = Some(2);
        facts.apparmor_restrict = Some(1);
        for suspects in [&[][..], &[Cause::NoUserNamespaces]] {
            assert!(seccomp(&facts, suspects).ok && apparmor(&facts, suspects).ok);
        }
        assert!(!seccomp(&facts, &[Cause::Seccomp]).ok);
        for cause in [Cause::AppArmorRestriction, Cause::AppArmorProfile] {
            assert!(!apparmor(&facts, &[cause]).ok);
        }
        facts.seccomp = Some(0);
        assert!(seccomp(&facts, &[Cause::Chroot]).ok);
    }

    #[test]
    fn what_happens_to_images_instead_is_told_with_the_reason() {
        let absent = || io::ErrorKind::NotFound.into();
        let refused = || io::ErrorKind::PermissionDenied.into();
        for (why, cause, hint) in [
            (NoImageMounts::NotRoot, "CAP_SYS_ADMIN", "Nothing has to"),
            (NoImageMounts::UserNamespace, "outside", "Nothing has to"),
            (
                NoImageMounts::LoopControl(absent()),
                "not loaded",
                "modprobe loop",
            ),
            (
                NoImageMounts::LoopControl(refused()),
                "keeps",
                "--privileged",
            ),
            (
                NoImageMounts::FileSystem("squashfs".into()),
                "squashfs is neither",
                "modprobe squashfs",
            ),
        ] {
            let said = no_images(&why);
            assert!(said.message.contains("extracted"), "{said:?}");
            assert!(said.causes[0].contains(cause), "{said:?}");
            assert!(said.hints[0].contains(hint), "{said:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_device_is_told_apart() {
        let facts = NamespaceFacts::gather();
        for (step, errno, word) in [
            (BareStep::Free, Errno::ENOSPC, "in use"),
            (BareStep::Open, Errno::ENOENT, "no node"),
            (BareStep::Open, Errno::EPERM, "may not use"),
        ] {
            let step = Step::Loop(step);
            let said = refusal(Failure { step, errno }, &facts);
            assert!(said.causes[0].contains(word), "{said:?}");
        }
    }

    #[test]
    fn every_step_says_what_was_tried_and_why() {
        let facts = NamespaceFacts::gather();
        for step in Step::ALL {
            for errno in [
                Errno::EPERM,
                Errno::EACCES,
                Errno::ENOENT,
                Errno::ENODEV,
                Errno::EINVAL,
                Errno::EBUSY,
                Errno::ENOSPC,
                Errno::EIO,
            ] {
                let said = refusal(Failure { step, errno }, &facts);
                assert!(said.message.starts_with("cannot "), "{said:?}");
                assert!(said.causes[0].ends_with('.'), "{said:?}");
                assert!(said.hints[0].ends_with('.'), "{said:?}");
            }
        }
    }
}
