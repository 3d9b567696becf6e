//! The disk under the ciphertext folder fills up, becomes read-only, is taken away or moved while the volume is mounted.

use super::*;
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;

/// A small disk in memory.
struct Disk(PathBuf);

impl Disk {
    fn new(path: PathBuf) -> Disk {
        fs::create_dir_all(&path).expect("a fresh folder");
        let disk = Disk(path);
        disk.mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs"]);
        disk
    }

    fn mount(&self, arguments: &[&str]) {
        assert!(self.try_mount(arguments), "{arguments:?}");
    }

    fn try_mount(&self, arguments: &[&str]) -> bool {
        let mounted = Command::new("mount").args(arguments).arg(&self.0).status();
        mounted.expect("every system has it").success()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Runs a test on a fresh volume that has a disk of its own.
fn with_disk(test: impl Fn(&mut Mount, &Disk)) {
    if !has_fuse() {
        return;
    }
    for profile in [Profile::Sync, Profile::Standard] {
        println!("profile {profile:?}");
        let folder = tempfile::tempdir().expect("a scratch folder");
        let disk = Disk::new(folder.path().join("volume"));
        let mut mount = Mount::fresh_in(folder, profile);
        mount.mount(|_| {});
        test(&mut mount, &disk);
        mount.unmount();
    }
}

#[test]
fn a_full_disk_is_told_of_and_nothing_before_is_lost() {
    with_disk(|mount, _| {
        fs::write(mount.path("kept"), pattern(1, 100_000)).expect("there is room");
        let fill = || {
            let file = File::create(mount.path("filler"))?;
            for number in 0..16 {
                file.write_all_at(&pattern(2, 1 << 20), number << 20)?;
            }
            file.sync_all()
        };
        assert_eq!(errno(fill()), Some(Errno::NOSPC));
        assert_eq!(fs::read(mount.path("kept")).expect("it is there"), pattern(1, 100_000));
        fs::remove_file(mount.path("filler")).expect("it is there");
        fs::write(mount.path("new"), pattern(3, 1 << 20)).expect("there is room again");
        outlive_the_kernels_memory();
        assert_eq!(fs::read(mount.path("new")).expect("it is there"), pattern(3, 1 << 20));
    });
}

#[test]
fn a_disk_that_becomes_read_only_and_writable_again() {
    with_disk(|mount, disk| {
        fs::write(mount.path("file"), "text").expect("a fresh file");
        // a file is closed on disk a moment after it is closed in the mount, and until then the disk is busy
        let is_read_only = || disk.try_mount(&["-o", "remount,ro"]);
        assert!((0..100).any(|_| is_read_only() || {
            thread::sleep(Duration::from_millis(100));
            false
        }));
        assert_eq!(fs::read(mount.path("file")).expect("it is there"), b"text");
        assert_eq!(errno(fs::write(mount.path("file"), "other")), Some(Errno::ROFS));
        assert_eq!(errno(fs::write(mount.path("new"), "")), Some(Errno::ROFS));
        assert_eq!(errno(fs::rename(mount.path("file"), mount.path("moved"))), Some(Errno::ROFS));
        assert_eq!(errno(fs::remove_file(mount.path("file"))), Some(Errno::ROFS));
        disk.mount(&["-o", "remount,rw"]);
        fs::write(mount.path("file"), "other").expect("it is writable");
        assert_eq!(fs::read(mount.path("file")).expect("it is there"), b"other");
    });
}

/// Who has the folder open has it still, wherever it is.
#[test]
fn a_folder_that_is_renamed_or_out_of_sight_goes_on() {
    with_disk(|mount, disk| {
        fs::create_dir(mount.path("folder")).expect("a fresh folder");
        fs::write(mount.path("folder/file"), "text").expect("a fresh file");
        let moved = disk.0.with_file_name("moved");
        fs::create_dir(&moved).expect("a fresh folder");
        let status = Command::new("mount").arg("--move").args([&disk.0, &moved]).status();
        // shared mounts cannot be moved: then it goes out of sight at once
        let is_moved = status.expect("every system has it").success();
        let moved = Disk(if is_moved { moved } else { disk.0.clone() });
        for _ in 0..2 {
            outlive_the_kernels_memory();
            assert_eq!(fs::read(mount.path("folder/file")).expect("it is there"), b"text");
            fs::write(mount.path("folder/new"), "more").expect("it is writable");
            fs::rename(mount.path("folder/new"), mount.path("folder/newer")).expect("both are there");
            fs::remove_file(mount.path("folder/newer")).expect("it is there");
            let _ = Command::new("umount").arg("--lazy").arg(&moved.0).status();
        }
    });
}

/// The folder is removed, as when somebody deletes it on another machine: nothing crashes, errors say that it is gone, and
/// the mount can be taken away.
#[test]
fn a_folder_that_is_removed() {
    if !has_fuse() {
        return;
    }
    let mut mount = Mount::fresh(Profile::Sync);
    mount.mount(|_| {});
    fs::write(mount.path("file"), "text").expect("a fresh file");
    let open = File::open(mount.path("file")).expect("it is there");
    fs::remove_dir_all(mount.volume_path()).expect("it is there");
    outlive_the_kernels_memory();
    assert_eq!(errno(fs::read(mount.path("file"))), Some(Errno::NOENT));
    assert_eq!(errno(fs::write(mount.path("new"), "text")), Some(Errno::NOENT));
    let mut contents = [0; 4];
    open.read_exact_at(&mut contents, 0).expect("it is open");
    assert_eq!(&contents, b"text");
    drop(open);
    mount.unmount();
}
