//! The two programs under test, each in a folder of its own that looks the same.

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use encbox::config::Config;
use encbox::volume::find_config;
use tempfile::TempDir;

use crate::support::manifest::bundled_volume;
use crate::support::scratch::copy_tree;

/// Longer takes no program here.
const PATIENCE: Duration = Duration::from_secs(60);

/// One of the programs with its folder, in which `c` is for ciphertext and `m` to mount on.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    bin: PathBuf,
    folder: TempDir,
}

/// How a program ended, the folder's name replaced by `DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// EncFS, and encbox in its place; the folders `c` and `m` are empty.
pub(crate) fn sides() -> [Side; 2] {
    [Side::new("EncFS", "/usr/bin".into()), Side::new("encbox", our_bin())]
}

/// The same with a copy of the bundled volume `name` in `c`, whose password is in the file `password`.
pub(crate) fn sides_with(name: &str) -> [Side; 2] {
    let vector = bundled_volume(name);
    sides().map(|side| {
        copy_tree(&vector.cipher, &side.cipher());
        fs::write(side.beside("password"), format!("{}\n", vector.password)).expect("a scratch file");
        side
    })
}

/// encbox under both names.
pub(crate) fn our_bin() -> PathBuf {
    static BIN: OnceLock<TempDir> = OnceLock::new();
    let bin = BIN.get_or_init(|| {
        let bin = tempfile::Builder::new().prefix("encbox-bin-").tempdir().expect("a scratch folder");
        for name in ["encfs", "encfsctl"] {
            symlink(env!("CARGO_BIN_EXE_encbox"), bin.path().join(name)).expect("a fresh link");
        }
        bin
    });
    bin.path().to_owned()
}

impl Side {
    fn new(name: &'static str, bin: PathBuf) -> Side {
        let folder = tempfile::Builder::new().prefix("encbox-side-").tempdir().expect("a scratch folder");
        for name in ["c", "m"] {
            fs::create_dir(folder.path().join(name)).expect("a scratch folder");
        }
        Side { name, bin, folder }
    }

    pub(crate) fn cipher(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    pub(crate) fn mountpoint(&self) -> PathBuf {
        self.folder.path().join("m")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `words[0]` is the program; in every word `DIR` stands for this side's folder. Runs without a terminal.
    pub(crate) fn run(&self, words: &[&str], stdin: &str) -> Run {
        self.run_in(&[], words, stdin)
    }

    /// The same with environment variables.
    pub(crate) fn run_in(&self, variables: &[(&str, &str)], words: &[&str], stdin: &str) -> Run {
        let dir = self.folder.path().to_str().expect("a scratch folder has a plain name");
        let words: Vec<String> = words.iter().map(|word| word.replace("DIR", dir)).collect();
        let program = self.bin.join(&words[0]);
        let mut command = Command::new("setsid");
        command.arg("-w").arg(if program.exists() { program } else { words[0].clone().into() });
        command.args(&words[1..]).current_dir(self.folder.path());
        command.env("ENCBOX_STATE_DIR", self.beside("state"));
        command.envs(variables.iter().map(|(name, value)| (name, value.replace("DIR", dir))));
        // the background process of EncFS keeps none of these open
        let files =
            ["stdout", "stderr"].map(|name| fs::File::create(self.beside(name)).expect("a scratch file"));
        let [stdout, stderr] = files;
        command.stdin(Stdio::piped()).stdout(stdout).stderr(stderr);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // a program that asks for less has ended already
        child.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).ok();
        let start = Instant::now();
        let status = loop {
            match child.try_wait().expect("a child of ours") {
                Some(status) => break status,
                None if start.elapsed() > PATIENCE => {
                    child.kill().ok();
                    panic!("{} does not end: {words:?}", self.name);
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let said = |name: &str| {
            let mut bytes = Vec::new();
            fs::File::open(self.beside(name))
                .and_then(|mut file| file.read_to_end(&mut bytes))
                .expect("just written");
            let text = String::from_utf8_lossy(&bytes).replace(dir, "DIR");
            // getopt(3) names the program as it was called
            text.replace(&format!("{}/", self.bin.display()), "")
        };
        Run { code: status.code().unwrap_or(-1), stdout: said("stdout"), stderr: said("stderr") }
    }

    /// The same command for a shell.
    pub(crate) fn shell_words(&self, words: &[&str]) -> String {
        let dir = self.folder.path().to_str().expect("a scratch folder has a plain name");
        let program = self.bin.join(words[0]);
        let words = words[1..].iter().map(|word| format!(" '{}'", word.replace("DIR", dir)));
        program.display().to_string() + &words.collect::<String>()
    }

    /// The line of the mount table, from the type on; none if nothing is mounted.
    pub(crate) fn mounted(&self) -> Option<String> {
        let table = fs::read_to_string("/proc/self/mountinfo").expect("Linux has a mount table");
        let point = self.mountpoint().canonicalize().unwrap_or_else(|_| self.mountpoint());
        let is_ours = |line: &&str| line.split(' ').nth(4).is_some_and(|mounted| Path::new(mounted) == point);
        let line = table.lines().rfind(is_ours)?;
        let (_, rest) = line.split_once(" - ")?;
        Some(rest.replace(self.folder.path().to_str()?, "DIR"))
    }

    /// Unmounts with the program of this side, and waits until it is gone.
    pub(crate) fn unmount(&self) {
        let run = self.run(&["encfs", "-u", "DIR/m"], "");
        assert_eq!(run.code, 0, "{}: {run:?}", self.name);
        let start = Instant::now();
        while self.mounted().is_some() {
            assert!(start.elapsed() < PATIENCE, "{} is still mounted", self.name);
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn config(&self) -> Config {
        find_config(&self.cipher()).unwrap_or_else(|error| panic!("{}: {error}", self.name)).config
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        Command::new("fusermount")
            .args(["-u", "-z", "--"])
            .arg(self.mountpoint())
            .stderr(Stdio::null())
            .status()
            .ok();
    }
}

impl Run {
    /// Standard error without the usage, which is in other words, and without what the logger puts around lines.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        self.stderr.split("Build: encfs").next().unwrap_or_default().lines().map(str::trim_end).collect()
    }
}
