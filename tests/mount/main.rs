//! A mounted volume against what POSIX and the kernel promise, one file per operation.
//!
//! Needs `/dev/fuse` and root; without them every test says that it was skipped, and passes.

#![allow(clippy::print_stdout)] // shown for a test that fails

mod acl;
mod append;
mod attributes;
mod create;
mod daemon;
mod damage;
mod disk;
mod fallocate;
mod foreign;
mod fsync;
mod link;
mod mkdir;
mod mknod;
mod mountpoint;
mod names;
mod open;
mod other_users;
mod read_only;
mod readdir;
mod remount;
mod rename;
mod rescue;
mod seek;
mod symlink;
mod truncate;
mod unlink;
mod watchers;
mod write;
mod xattr;

use encbox::config::Config;
use encbox::config::Profile;
use encbox::crypto::Password;
use encbox::mount;
use encbox::mount::MountOptions;
use encbox::mount::Session;
use encbox::sync;
use encbox::volume;
use encbox::volume::OpenOptions;
use encbox::volume::PlainPath;
use encbox::volume::Volume;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

const PASSWORD: &str = "open sesame";

/// How long the kernel trusts names and attributes here.
const TRUST: Duration = Duration::from_millis(200);

/// A mounted volume in a folder of its own.
struct Mount {
    folder: TempDir,
    config: Config,
    serving: Option<JoinHandle<Result<(), mount::Error>>>,
}

/// Runs a test on a fresh volume of every profile.
fn with_every_profile(test: impl Fn(&Mount)) {
    for profile in [Profile::Sync, Profile::Boxcryptor, Profile::Standard, Profile::Paranoia] {
        with_profile(profile, &test);
    }
}

/// Runs a test on a fresh volume.
fn with_profile(profile: Profile, test: impl Fn(&Mount)) {
    if !has_fuse() {
        return;
    }
    println!("profile {profile:?}");
    let mut mount = Mount::fresh(profile);
    mount.mount(|_| {});
    test(&mount);
}

fn has_fuse() -> bool {
    let why = match fs::File::options().read(true).write(true).open("/dev/fuse") {
        Err(error) => format!("no /dev/fuse: {error}"),
        Ok(_) if !rustix::process::geteuid().is_root() => "not root".to_owned(),
        Ok(_) => return true,
    };
    // past the test runner, which shows nothing of a test that passes
    writeln!(io::stderr(), "SKIPPED: {why}").expect("standard error takes a line");
    false
}

impl Mount {
    /// A fresh volume, not mounted yet.
    fn fresh(profile: Profile) -> Mount {
        Mount::fresh_in(tempfile::tempdir().expect("a scratch folder"), profile)
    }

    fn fresh_in(folder: TempDir, profile: Profile) -> Mount {
        let password = Password::new(PASSWORD.into()).expect("not empty");
        let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("random bytes");
        let config =
            Config::create(&profile.parameters(), &password, 1000, random).expect("a profile is legal");
        let mount = Mount { folder, config, serving: None };
        volume::create(&mount.volume_path(), &mount.config, false).expect("an empty folder");
        fs::create_dir(mount.root()).expect("a fresh folder");
        mount
    }

    fn mount(&mut self, adjust: impl FnOnce(&mut MountOptions)) {
        let mut options = MountOptions::new(self.root());
        options.caching.unwatched = TRUST;
        options.watch = sync::watcher(&self.volume_path()).ok();
        adjust(&mut options);
        let volume = Arc::new(self.open(options.read_only));
        let session = Session::mount(volume, &options).expect("it can be mounted");
        self.serving = Some(thread::spawn(|| session.serve()));
    }

    fn unmount(&mut self) {
        if let Some(serving) = self.serving.take() {
            unmount(&self.root());
            serving.join().expect("no panic").expect("served to the end");
        }
    }

    /// Mounts once more, so that nothing comes from the kernel's memory.
    fn remount(&mut self) {
        self.unmount();
        self.mount(|_| {});
    }

    /// The volume beside the mount, as another program on the same ciphertext.
    fn open(&self, read_only: bool) -> Volume {
        let password = Password::new(PASSWORD.into()).expect("not empty");
        let key = self.config.unlock(&password).expect("the password it was made with");
        Volume::with_key(
            &self.volume_path(),
            &self.config,
            &key,
            OpenOptions { read_only, ..OpenOptions::default() },
        )
        .expect("a volume")
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    fn volume_path(&self) -> PathBuf {
        self.folder.path().join("volume")
    }

    /// The ciphertext file behind a name.
    fn cipher_path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = PlainPath::parse(name.as_ref()).expect("inside the volume");
        self.volume_path().join(self.open(true).encode_path(&path).expect("it can be encoded"))
    }
}

/// Unmounts what nobody uses. Other tests list all mounts or start programs, and so hold this one for an instant.
fn unmount(root: &Path) {
    for _ in 0..100 {
        match mount::unmount(root, false) {
            Err(mount::Error::Busy { .. }) => thread::sleep(Duration::from_millis(20)),
            unmounted => return unmounted.expect("it is mounted"),
        }
    }
    mount::unmount(root, true).expect("it is mounted");
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// Waits until the kernel asks for every name and attribute again.
fn outlive_the_kernels_memory() {
    thread::sleep(TRUST + TRUST / 4);
}

/// The errno of a failure.
fn errno<T>(result: io::Result<T>) -> Option<rustix::io::Errno> {
    result.err().as_ref().and_then(rustix::io::Errno::from_io_error)
}

/// Bytes that look random and are the same every time.
fn pattern(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..len).map(|_| random.next() as u8).collect()
}

/// Numbers that look random and are the same every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        self.0 ^= self.0 >> 29;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }
}
