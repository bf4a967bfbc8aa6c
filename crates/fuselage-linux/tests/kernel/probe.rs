//! Probes, as an ordinary user, as root, and where something is refused.

use fuselage_linux::probe::{Probe, probe_host, probe_namespaces};
use fuselage_linux::refusal::Refusal;
use nix::errno::Errno;
use nix::libc;

use crate::call_filter::{refuse, refuse_ioctl};
use crate::child::{as_user, in_child, in_user_namespace, root_may_mount, user_namespaces_work};
use crate::mount::mount_table;

const NAMES: [&str; 8] = [
    "kernel",
    "user-namespace",
    "tmpfs",
    "overlay",
    "loop",
    "fuse",
    "apparmor",
    "seccomp",
];

fn named<'a>(probes: &'a [Probe], name: &str) -> &'a Probe {
    probes.iter().find(|probe| probe.name == name).unwrap()
}

/// What holds whatever the host allows.
fn assert_complete(probes: &[Probe]) {
    assert_eq!(
        probes.iter().map(|probe| probe.name).collect::<Vec<_>>(),
        NAMES
    );
    for probe in probes {
        assert!(!probe.detail.is_empty(), "{probe:?}");
        assert!(!probe.ok || probe.code.is_none(), "{probe:?}");
        assert_eq!(probe.ok, probe.causes.is_empty(), "{probe:?}");
    }
}

#[test]
fn a_user_learns_what_works() {
    if user_namespaces_work() {
        as_user(|| {
            let before = mount_table();
            probe_namespaces(false).unwrap();
            let probes = probe_host(None);
            assert_complete(&probes);
            for name in ["kernel", "user-namespace", "tmpfs", "overlay", "apparmor"] {
                assert!(named(&probes, name).ok, "{:?}", named(&probes, name));
            }
            assert_eq!(mount_table(), before, "a probe left something");
        });
    }
}

#[test]
fn loop_devices_of_old_kernels_are_found() {
    const LOOP_CONFIGURE: u32 = 0x4c0a;
    if root_may_mount() && std::path::Path::new("/dev/loop-control").exists() {
        in_child(|| {
            refuse_ioctl(LOOP_CONFIGURE, Errno::EINVAL);
            let probes = probe_host(None);
            assert!(named(&probes, "loop").ok, "{:?}", named(&probes, "loop"));
        });
    }
}

#[test]
fn root_learns_what_works() {
    if root_may_mount() {
        in_child(|| {
            let before = mount_table();
            let probes = probe_host(None);
            assert_complete(&probes);
            for name in ["tmpfs", "overlay"] {
                assert!(named(&probes, name).ok, "{:?}", named(&probes, name));
            }
            let can_attach = std::path::Path::new("/dev/loop-control").exists();
            assert_eq!(
                named(&probes, "loop").ok,
                can_attach,
                "{:?}",
                named(&probes, "loop")
            );
            let can_mount = std::path::Path::new("/dev/fuse").exists();
            assert_eq!(
                named(&probes, "fuse").ok,
                can_mount,
                "{:?}",
                named(&probes, "fuse")
            );
            assert_eq!(mount_table(), before, "a probe left something");
        });
    }
}

#[test]
fn it_works_in_a_process_with_threads() {
    if user_namespaces_work() {
        as_user(|| {
            let (_keep, wait) = std::sync::mpsc::channel::<()>();
            std::thread::spawn(move || wait.recv());
            probe_namespaces(false).unwrap();
        });
    }
}

#[test]
fn a_refusal_is_diagnosed_in_the_parent() {
    as_user(|| {
        refuse(&[(libc::SYS_unshare, Errno::EPERM)]);
        let refusal = Refusal::from(probe_namespaces(false).unwrap_err());
        assert!(
            refusal.message.contains("unshare(CLONE_NEWUSER)"),
            "{refusal:?}"
        );
        assert!(refusal.causes[0].contains("seccomp"), "{refusal:?}");
        let probes = probe_host(None);
        assert_complete(&probes);
        for name in ["user-namespace", "tmpfs", "seccomp"] {
            assert!(!named(&probes, name).ok, "{:?}", named(&probes, name));
        }
        assert_eq!(
            named(&probes, "user-namespace").code,
            Some("ERR_USERNS_DENIED")
        );
    });
}

#[test]
fn a_refused_first_mount_is_diagnosed_too() {
    in_user_namespace(|| {
        refuse(&[(libc::SYS_mount, Errno::EPERM)]);
        let refusal = Refusal::from(probe_namespaces(false).unwrap_err());
        assert!(refusal.message.contains("slave"), "{refusal:?}");
        assert!(refusal.causes[0].contains("seccomp"), "{refusal:?}");
    });
}

#[test]
fn nothing_more_can_be_nested() {
    in_user_namespace(|| {
        std::fs::write("/proc/sys/user/max_user_namespaces", "0").unwrap();
        let refusal = Refusal::from(probe_namespaces(false).unwrap_err());
        assert!(
            refusal.causes[0].contains("user.max_user_namespaces is 0"),
            "{refusal:?}"
        );
    });
}
