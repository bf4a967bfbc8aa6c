//! What is mounted by whom, seen from outside; as root and as an ordinary user.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use fuselage_linux::in_use::{Mounted, Sight};
use fuselage_linux::mount::bind_read_only_at;
use fuselage_linux::namespaces::{enter_mount_namespace, enter_user_namespace};
use fuselage_linux::process::{ExitKind, Forked, exit_now, fork, wait_for};
use fuselage_testing::Daemon;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::child::{
    USER, as_user, become_user, directory_of_user, in_child, in_mount_namespace, root_may_mount,
    user_namespaces_work,
};
use crate::mount::o_path;

/// The same as the user and as root; `enter` is the way into namespaces.
fn everywhere(test: impl Fn(fn()) + Copy) {
    if user_namespaces_work() {
        as_user(|| test(|| enter_user_namespace().unwrap()));
    }
    if root_may_mount() {
        in_child(|| test(|| enter_mount_namespace().unwrap()));
    }
}

/// A name that nobody else has.
fn name(test: &str) -> String {
    format!("fuselage-{test}-{}", fuselage_linux::process::own_pid())
}

fn bind(source: &Path, target: &Path) {
    bind_read_only_at(o_path(source).as_fd(), o_path(target).as_fd()).unwrap();
}

fn has(name: &str) -> bool {
    Mounted::scan().has(name.as_bytes())
}

#[test]
fn what_a_daemon_has_mounted_is_seen_under_the_name_that_it_has_now() {
    everywhere(|enter| {
        let place = directory_of_user();
        let [first, second] = ["first", "second"].map(name);
        let tree = place.path().join(&first);
        fs::create_dir_all(tree.join("sub")).unwrap();
        let at = place.path().join("at");
        fs::create_dir(&at).unwrap();
        assert!(!has(&first));
        // Only a directory in it.
        let daemon = Daemon::start(|| {
            enter();
            bind(&tree.join("sub"), &at);
        });
        let mounted = Mounted::scan();
        assert!(mounted.has(first.as_bytes()));
        assert_eq!(mounted.sight(), &Sight::Whole);
        fs::rename(&tree, place.path().join(&second)).unwrap();
        assert!(has(&second) && !has(&first));
        daemon.end();
        assert!(!has(&second));
    });
}

#[test]
fn a_thread_is_seen_that_has_mounts_of_its_own() {
    in_mount_namespace(|| {
        let place = directory_of_user();
        let (tree, at) = (place.path().join(name("thread")), place.path().join("at"));
        fs::create_dir(&tree).unwrap();
        fs::create_dir(&at).unwrap();
        let (ready, done) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                unshare(CloneFlags::CLONE_NEWNS).unwrap();
                bind(&tree, &at);
                ready.wait();
                done.wait();
            });
            ready.wait();
            assert!(has(&name("thread")));
            done.wait();
        });
        // Its closure has ended; the kernel takes a moment more to end the thread with its namespace.
        while fs::read_dir("/proc/self/task").unwrap().count() > 1 {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!has(&name("thread")));
    });
}

#[test]
fn where_proc_hides_processes_not_everybody_is_seen() {
    in_mount_namespace(|| {
        let hide = |option| {
            mount(
                Some("proc"),
                "/proc",
                Some("proc"),
                MsFlags::empty(),
                Some(option),
            )
        };
        let sight = || Mounted::scan().sight().clone();
        hide("hidepid=2").unwrap();
        in_child(|| {
            become_user(USER);
            let Sight::Partial(why) = sight() else {
                panic!()
            };
            assert!(why.contains("hidepid="), "{why}");
        });
        hide("hidepid=0").unwrap();
        in_child(|| {
            become_user(USER);
            assert_eq!(sight(), Sight::Whole);
        });
    });
}

#[test]
fn a_pid_namespace_shows_its_own_processes_alone() {
    in_mount_namespace(|| {
        assert_eq!(Mounted::scan().sight(), &Sight::Whole);
        unshare(CloneFlags::CLONE_NEWPID).unwrap();
        let own_proc = || {
            mount(
                Some("proc"),
                "/proc",
                Some("proc"),
                MsFlags::empty(),
                None::<&str>,
            )
        };
        match fork().unwrap() {
            Forked::Child => {
                // The /proc of the host does not know it.
                let is_partial = || matches!(Mounted::scan().sight(), Sight::Partial(_));
                let seen = is_partial() && own_proc().is_ok() && is_partial();
                exit_now(i32::from(!seen))
            }
            Forked::Parent(child) => assert_eq!(wait_for(child).unwrap(), ExitKind::Exited(0)),
        }
    });
}
