//! Loop devices, attached for real.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fuselage_linux::loop_device::{LoopDevice, LoopError, LoopOptions, attach};
use fuselage_linux::mount::{MountError, mount_image};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;

use crate::call_filter::refuse_ioctl;
use crate::child::{as_user, in_child, in_mount_namespace, root_may_mount, skip};
use crate::mount::o_path;

fn loops_work() -> bool {
    root_may_mount()
        && (File::options()
            .read(true)
            .write(true)
            .open("/dev/loop-control")
            .is_ok()
            || skip("there is no /dev/loop-control"))
}

/// A file of `sectors` sectors, each filled with its number.
fn image(directory: &Path, sectors: u8) -> PathBuf {
    let path = directory.join("image with a name that is longer than the 63 bytes of lo_file_name");
    let content: Vec<u8> = (0..sectors).flat_map(|number| [number; 512]).collect();
    fs::write(&path, content).unwrap();
    path
}

fn read_whole(device: &LoopDevice) -> Vec<u8> {
    let mut content = Vec::new();
    File::open(device.path())
        .unwrap()
        .read_to_end(&mut content)
        .unwrap();
    content
}

fn attribute(device: &LoopDevice, name: &str) -> Option<String> {
    let device = device.path().file_name().unwrap().to_str().unwrap();
    Some(
        fs::read_to_string(format!("/sys/block/{device}/{name}"))
            .ok()?
            .trim()
            .to_owned(),
    )
}

/// The directory of a device's own attributes is there as long as it is attached; the kernel
/// detaches a little after the last close.
fn is_detached(path: &Path) -> bool {
    let device = path.file_name().unwrap().to_str().unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    while Path::new(&format!("/sys/block/{device}/loop/backing_file")).exists() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// With LOOP_CONFIGURE, and with the two calls of old kernels.
fn both_ways(test: impl Fn() + Copy) {
    const LOOP_CONFIGURE: u32 = 0x4c0a;
    if loops_work() {
        in_child(test);
        in_child(|| {
            refuse_ioctl(LOOP_CONFIGURE, Errno::ENOTTY);
            test();
        });
    }
}

#[test]
fn a_device_shows_the_file_read_only() {
    both_ways(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = image(directory.path(), 16);
        let file = File::open(&path).unwrap();
        let device = attach(file.as_fd(), LoopOptions::default()).unwrap();
        assert!(device.path().starts_with("/dev"), "{device:?}");
        assert_eq!(read_whole(&device), fs::read(&path).unwrap());
        assert_eq!(attribute(&device, "ro").as_deref(), Some("1"));
        assert_eq!(attribute(&device, "loop/autoclear").as_deref(), Some("1"));
        assert_eq!(
            attribute(&device, "loop/backing_file").as_deref(),
            path.to_str()
        );
        let write = File::options().write(true).open(device.path());
        let write = write.and_then(|device| device.write_at(&[1; 512], 0).map(drop));
        assert!(write.is_err());
        // The caller's descriptor is as it was: direct I/O is the device's own affair.
        let mut some = [0; 3];
        file.read_exact_at(&mut some, 1023).unwrap();
        assert_eq!(some, [1, 2, 2]);
    });
}

#[test]
fn offset_and_length_bound_what_can_be_read() {
    both_ways(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = image(directory.path(), 16);
        let whole = fs::read(&path).unwrap();
        let file = File::open(&path).unwrap();
        // Also offsets that direct I/O cannot have.
        for (offset, length) in [(0, 1024), (512, 2048), (4096, 512), (777, 1024)] {
            let options = LoopOptions {
                offset,
                length: Some(length),
            };
            let device = attach(file.as_fd(), options).unwrap();
            let part = &whole[offset as usize..(offset + length) as usize];
            assert_eq!(read_whole(&device), part, "{offset} {length}");
            device.detach().unwrap();
        }
    });
}

#[test]
fn it_is_gone_when_detached_and_when_dropped() {
    both_ways(|| {
        let directory = tempfile::tempdir().unwrap();
        let file = File::open(image(directory.path(), 16)).unwrap();
        let device = attach(file.as_fd(), LoopOptions::default()).unwrap();
        let path = device.path().to_owned();
        device.detach().unwrap();
        assert!(is_detached(&path));
        let device = attach(file.as_fd(), LoopOptions::default()).unwrap();
        let path = device.path().to_owned();
        drop(device);
        assert!(is_detached(&path));
    });
}

#[test]
fn many_at_once_all_get_one() {
    if loops_work() {
        in_child(|| {
            let directory = tempfile::tempdir().unwrap();
            let file = File::open(image(directory.path(), 16)).unwrap();
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..16)
                    .map(|_| scope.spawn(|| attach(file.as_fd(), LoopOptions::default())))
                    .collect();
                let devices: Vec<_> = all
                    .into_iter()
                    .map(|one| one.join().unwrap().unwrap())
                    .collect();
                let mut paths: Vec<_> = devices.iter().map(LoopDevice::path).collect();
                paths.sort();
                paths.dedup();
                assert_eq!(paths.len(), 16);
            });
        });
    }
}

#[test]
fn errors_say_what_and_why() {
    if loops_work() {
        in_child(|| {
            let directory = tempfile::tempdir().unwrap();
            let path = image(directory.path(), 16);
            let only_a_path = o_path(&path);
            let error = attach(only_a_path.as_fd(), LoopOptions::default()).unwrap_err();
            let LoopError::Attach { image, source } = error else {
                panic!("{error:?}")
            };
            assert_eq!(image, path.to_str().unwrap());
            assert_eq!(source.raw_os_error(), Some(libc::EBADF));

            let directory = File::open(directory.path()).unwrap();
            let error = attach(directory.as_fd(), LoopOptions::default()).unwrap_err();
            let LoopError::Attach { source, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!(source.raw_os_error(), Some(libc::EINVAL));
        });
    }
}

#[test]
fn an_ordinary_user_is_refused() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let file = File::open(image(directory.path(), 16)).unwrap();
    as_user(|| {
        let error = attach(file.as_fd(), LoopOptions::default()).unwrap_err();
        assert!(matches!(error, LoopError::Control(_)), "{error:?}");
        assert!(error.to_string().contains("/dev/loop-control"));
    });
}

/// A file system that the machine can make, with one file in it.
fn make_image(directory: &Path) -> Option<(PathBuf, &'static str)> {
    let (tree, image) = (directory.join("tree"), directory.join("image"));
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("file"), "in the image").unwrap();
    let made = |program: &str, arguments: &[&Path]| {
        let status = Command::new(program).args(arguments).output();
        status.is_ok_and(|output| output.status.success())
    };
    let no_questions = Path::new("-noappend");
    if made("mksquashfs", &[&tree, &image, no_questions]) {
        return Some((image, "squashfs"));
    }
    if made("mkfs.erofs", &[&image, &tree]) {
        return Some((image, "erofs"));
    }
    File::create(&image).unwrap().set_len(4 << 20).unwrap();
    let made = made("mkfs.ext4", &[Path::new("-qFd"), &tree, &image]);
    made.then_some((image, "ext4"))
}

#[test]
fn an_image_can_be_mounted_and_goes_with_its_mount() {
    if !loops_work() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let Some((image, file_system)) = make_image(directory.path()) else {
        eprintln!("skipped: none of mksquashfs, mkfs.erofs and mkfs.ext4 is here");
        return;
    };
    let target = directory.path().join("target");
    fs::create_dir(&target).unwrap();
    let used = directory.path().join("used");
    in_mount_namespace(|| {
        let file = File::open(&image).unwrap();
        let device = attach(file.as_fd(), LoopOptions::default()).unwrap();
        fs::write(&used, device.path().to_str().unwrap()).unwrap();
        match mount_image(device.path(), file_system, o_path(&target).as_fd()) {
            Err(MountError {
                errno: Errno::ENODEV,
                ..
            }) => {
                eprintln!("skipped: this kernel has no {file_system}");
                return;
            }
            other => other.unwrap(),
        }
        drop(device);
        assert_eq!(
            fs::read_to_string(target.join("file")).unwrap(),
            "in the image"
        );
        let error = fs::write(target.join("file"), "x").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EROFS));
        let line = crate::mount::mount_line(&target);
        assert!(line.contains(" ro,nosuid,nodev"), "{line}");
    });
    assert!(is_detached(Path::new(&fs::read_to_string(&used).unwrap())));
}

#[test]
fn what_is_no_image_is_not_mounted() {
    if loops_work() {
        in_mount_namespace(|| {
            let directory = tempfile::tempdir().unwrap();
            let file = File::open(image(directory.path(), 64)).unwrap();
            let device = attach(file.as_fd(), LoopOptions::default()).unwrap();
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
            let target =
                nix::fcntl::open(directory.path(), flags, nix::sys::stat::Mode::empty()).unwrap();
            let error = mount_image(device.path(), "ext4", target.as_fd()).unwrap_err();
            assert!(
                matches!(error.errno, Errno::EINVAL | Errno::ENODEV),
                "{error}"
            );
        });
    }
}
