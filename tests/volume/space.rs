//! A full disk: what was there stays readable, and what was refused leaves no trace.

use crate::scratch::*;
use encbox::config::{Config, Parameters, Profile};
use encbox::volume::Volume;
use std::path::Path;
use std::process::Command;

/// A file system of 1 MiB; needs root.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("SKIPPED: mounting a small tmpfs needs root");
        }
        mounted.then_some(SmallDisk(folder))
    }

    /// A new volume on a new disk.
    fn with_volume(profile: Profile) -> Option<(SmallDisk, Volume)> {
        let disk = SmallDisk::mount()?;
        let config = Config::create(&profile.parameters(), &password(), 10, fill_random).expect("valid");
        encbox::volume::create(disk.path(), &config, true).expect("made");
        let volume = open(disk.path(), Default::default());
        Some((disk, volume))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_write_that_does_not_fit_loses_nothing_that_was_there() {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
        let Some((disk, volume)) = SmallDisk::with_volume(profile) else { return };
        let root = volume.root();
        let create = |name: &str| {
            volume
                .create_file(&root, std::ffi::OsStr::new(name), 0o644, true, READ_WRITE, None)
                .expect("created")
        };
        let old = create("old");
        old.write_at(&[3; 5000], 0).expect("fits");
        let filler = create("filler");
        let mut filled: u64 = 0;
        while filler.write_at(&[9; 3000], filled).is_ok() {
            filled += 3000;
        }
        assert!(filled > 300_000, "the disk takes about 1 MiB");
        assert!(old.append(&[4; 100_000]).is_err(), "the disk is full");
        if old.truncate(10 << 20).is_ok() {
            assert!(profile.parameters().allow_holes, "zeros that are written take room");
            old.truncate(5000).expect("no room needed");
        }

        let volume = open(disk.path(), Default::default());
        let root = volume.root();
        let read =
            |name: &str| read_all(&volume.open_file(&root, std::ffi::OsStr::new(name), READ).expect("sound"));
        assert_eq!(read("old")[..5000], [3; 5000], "{profile:?}");
        let filler = read("filler");
        assert!(filler.len() as u64 >= filled && filler.iter().all(|&byte| byte == 9), "{profile:?}");
    }
}

/// The write covers a short last block and makes it longer; the old one is back when the rest does not fit.
#[test]
fn a_last_block_that_a_failed_write_would_have_lengthened_is_kept() {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
        let Some((_disk, volume)) = SmallDisk::with_volume(profile) else { return };
        let root = volume.root();
        let create = |name: &str| {
            volume
                .create_file(&root, std::ffi::OsStr::new(name), 0o644, true, READ_WRITE, None)
                .expect("created")
        };
        let (old, filler) = (create("old"), create("filler"));
        let size = 3 * profile.parameters().layout().payload_len() + 100;
        old.write_at(&vec![3; size], 0).expect("fits");
        let mut filled = 0;
        while filler.write_at(&[9; 1000], filled).is_ok() {
            filled += 1000;
        }
        assert!(old.write_at(&[5; 100_000], 0).is_err(), "the disk is full");
        let data = read_all(&old);
        let new = data.iter().take_while(|&&byte| byte == 5).count();
        assert!(data.len() >= size && data[new..].iter().all(|&byte| byte == 3), "{profile:?}");
    }
}

#[test]
fn growing_beyond_the_disk_without_holes_is_refused_at_once() {
    let parameters = Parameters { allow_holes: false, ..Profile::Sync.parameters() };
    let scratch = Scratch::new(&parameters);
    let file = scratch.create("file");
    file.write_at(b"kept", 0).expect("written");
    assert!(file.truncate(1 << 55).is_err());
    assert_eq!(read_all(&file), b"kept");
}
