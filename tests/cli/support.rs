//! A scratch folder with a volume in it, and the program run there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_encbox");
pub(crate) const PASSWORD: &str = "päss wörd";

/// A folder of its own for one test. The volume in it, if there is one, is called `V`.
pub(crate) struct Scratch {
    folder: TempDir,
}

/// How the program ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Scratch {
    /// A folder with nothing but the password in a file.
    pub(crate) fn empty() -> Scratch {
        let scratch = Scratch { folder: tempfile::tempdir().unwrap() };
        scratch.write("password", format!("{PASSWORD}\n").as_bytes());
        scratch
    }

    /// A folder with an empty volume of this profile.
    pub(crate) fn with_profile(profile: &str) -> Scratch {
        let scratch = Scratch::empty();
        scratch.run(&["new", "-q", "--iterations", "1000", "--profile", profile, "V"]).ok();
        scratch
    }

    /// A folder with an empty volume.
    pub(crate) fn new() -> Scratch {
        Scratch::with_profile("sync")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// The names in a folder.
    pub(crate) fn folder_names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Puts a file into the volume.
    pub(crate) fn add(&self, path: &str, content: &[u8]) {
        if let Some((parent, _)) = path.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) {
            self.run(&["mkdir", "-p", "V", parent]).ok();
        }
        self.feed(&["import", "V", "-", path], content).ok();
    }

    /// Where the ciphertext of a path is.
    pub(crate) fn cipher(&self, path: &str) -> PathBuf {
        self.path("V").join(self.run(&["encode", "V", path]).ok().text().trim_end())
    }

    /// The paths in the volume, as `tree --json` has them, sorted.
    pub(crate) fn paths(&self) -> Vec<String> {
        let listed = self.run(&["tree", "-a", "--json", "V"]).ok().json();
        let mut paths: Vec<String> =
            listed.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap().into()).collect();
        paths.sort();
        paths
    }

    /// Runs the program, which finds the password in its environment.
    pub(crate) fn run<T: AsRef<OsStr>>(&self, arguments: &[T]) -> Run {
        self.feed(arguments, b"")
    }

    /// The same with something on standard input.
    pub(crate) fn feed<T: AsRef<OsStr>>(&self, arguments: &[T], input: &[u8]) -> Run {
        run(self.command(arguments), input)
    }

    pub(crate) fn command<T: AsRef<OsStr>>(&self, arguments: &[T]) -> Command {
        let mut command = self.bare_command(PROGRAM);
        command.args(arguments).env("ENCBOX_PASSWORD_FILE", self.path("password"));
        command
    }

    /// Any program, run in the folder, with nothing in its environment that would change what encbox does.
    pub(crate) fn bare_command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env("ENCBOX_STATE_DIR", self.path("state"));
        command.env("ENCBOX_CACHE_DIR", self.path("cache"));
        for variable in [
            "ENCBOX_PASSWORD_FILE",
            "ENCBOX_PASSWORD_COMMAND",
            "ENCBOX_LOG",
            "ENCFS6_CONFIG",
            "ENCFS5_CONFIG",
            "NOTIFY_SOCKET",
            "XDG_CONFIG_HOME",
        ] {
            command.env_remove(variable);
        }
        // what encbox notes of this machine, and where its mounts can be asked
        command.env("ENCBOX_STATE_DIR", self.path("state")).env("XDG_RUNTIME_DIR", self.folder());
        command
    }
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Run {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that does not want its input may close it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Run { code: output.status.code().unwrap_or(-1), stdout: output.stdout, stderr }
}

impl Run {
    /// It must have worked, and had nothing to complain about.
    #[track_caller]
    pub(crate) fn ok(self) -> Run {
        assert_eq!(self.code, 0, "{}", self.stderr);
        assert!(!self.stderr.contains("encbox:"), "{}", self.stderr);
        self
    }

    /// It must have failed with this code, one message, and no panic.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> Run {
        assert_eq!(self.code, code, "{}", self.stderr);
        let complaints = self.stderr.lines().filter(|line| line.starts_with("encbox: ")).count();
        assert_eq!(complaints, 1, "one message: {}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Some items must have failed, each with a message, and the rest be done.
    #[track_caller]
    pub(crate) fn partly(self) -> Run {
        assert_eq!(self.code, 15, "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// Standard error must hold each of these.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Run {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} not in: {}", self.stderr);
        }
        self
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }

    /// The lines of standard output.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.text().lines().collect()
    }
}

/// A small file system of its own on a folder, for disks that are full or read-only. Taken away at the end.
pub(crate) struct Disk {
    mountpoint: PathBuf,
}

impl Disk {
    /// Mounts a tmpfs, or says that the test is skipped: only root may.
    pub(crate) fn new(mountpoint: PathBuf, options: &str) -> Option<Disk> {
        fs::create_dir_all(&mountpoint).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&mountpoint)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            skipped("mounting a tmpfs needs root");
        }
        mounted.then_some(Disk { mountpoint })
    }

    /// Mounts an image that a command makes; says that the test is skipped where that does not work.
    pub(crate) fn from_image(scratch: &Scratch, name: &str, make: &[&str], image: &str) -> Option<Disk> {
        if !has(make[0]) {
            return None;
        }
        let mut command = scratch.bare_command(make[0]);
        let made = command
            .args(&make[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let mountpoint = scratch.path(name);
        fs::create_dir_all(&mountpoint).unwrap();
        let mut mount = scratch.bare_command("mount");
        let mounted = mount.args(["-o", "loop", image]).arg(&mountpoint).stderr(Stdio::null()).status();
        let works = [made, mounted].into_iter().all(|done| done.is_ok_and(|status| status.success()));
        if !works {
            skipped(&format!("what {} makes cannot be mounted here", make[0]));
        }
        works.then(|| Disk { mountpoint })
    }

    pub(crate) fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.mountpoint).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn make_read_only(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.mountpoint).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.mountpoint).status());
    }
}

/// A volume and a mount point; whatever is mounted there goes at the end.
#[cfg(feature = "mount")]
pub(crate) struct Mounted(pub(crate) Scratch);

#[cfg(feature = "mount")]
impl Mounted {
    /// None, loudly, where nothing can be mounted.
    pub(crate) fn new() -> Option<Mounted> {
        if fs::OpenOptions::new().read(true).write(true).open("/dev/fuse").is_err() {
            skipped("no /dev/fuse here");
            return None;
        }
        let scratch = Scratch::new();
        fs::create_dir(scratch.path("M")).unwrap();
        Some(Mounted(scratch))
    }

    pub(crate) fn is_mounted(&self) -> bool {
        let here = self.0.path("M").canonicalize().unwrap();
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        table.lines().any(|line| line.split(' ').nth(4).is_some_and(|mounted| Path::new(mounted) == here))
    }

    /// What `encbox mounts --json` says of the one mount that there is.
    pub(crate) fn facts(&self) -> serde_json::Value {
        let here = self.0.path("M").canonicalize().unwrap();
        let mounts = self.0.run(&["mounts", "--json"]).ok().json();
        let mut ours = mounts.as_array().unwrap().iter();
        let ours = ours.find(|mount| Path::new(mount["mountpoint"].as_str().unwrap()) == here);
        ours.unwrap_or(&serde_json::Value::Null).clone()
    }

    /// A command that gives the password and notes each call in `calls`.
    pub(crate) fn counting_command(&self) -> PathBuf {
        let (password, calls) = (self.0.path("password"), self.0.path("calls"));
        let script = format!("#!/bin/sh\necho >> '{}'\ncat '{}'\n", calls.display(), password.display());
        let path = self.0.write("ask", script.as_bytes());
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// How often that command was called.
    pub(crate) fn calls(&self) -> usize {
        fs::read(self.0.path("calls")).map_or(0, |calls| calls.len())
    }
}

#[cfg(feature = "mount")]
impl Drop for Mounted {
    fn drop(&mut self) {
        drop(self.0.run(&["unmount", "--lazy", "M"]));
    }
}

/// Waits for what happens by itself.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says that a test was skipped, where the test runner does not swallow it.
pub(crate) fn skipped(reason: &str) {
    drop(writeln!(std::io::stderr(), "\n*** SKIPPED: {reason} ***"));
}

/// Is this program installed? If not, says that the test is skipped.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program} >/dev/null")]).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        skipped(&format!("{program} is not installed"));
    }
    found
}

/// Bytes that are all different in every block.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}
