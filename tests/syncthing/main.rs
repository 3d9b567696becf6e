//! Two machines with one volume, kept in step by a real sync client: Syncthing, from Debian.
//!
//! Needs root, `/dev/fuse` and `syncthing`; without them it says that it was skipped, and passes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod client;

use client::Client;
use std::fs;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PASSWORD: &str = "open sesame";
/// More than a client ever takes here.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Two machines, each with a synced folder, a mount of the volume in it, and a sync client.
struct Machines {
    folder: TempDir,
    clients: [Client; 2],
}

impl Machines {
    fn new(profile: &str) -> Option<Machines> {
        let why = if File::options().read(true).write(true).open("/dev/fuse").is_err() {
            "no /dev/fuse"
        } else if !rustix::process::geteuid().is_root() {
            "not root"
        } else if Command::new("syncthing").arg("--version").output().is_err() {
            "no syncthing"
        } else {
            ""
        };
        if !why.is_empty() {
            writeln!(io::stderr(), "SKIPPED: {why}").expect("standard error takes a line");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("password"), PASSWORD).unwrap();
        for name in ["0", "1"] {
            for inside in ["mount", "home"] {
                fs::create_dir_all(path.join(name).join(inside)).unwrap();
            }
        }
        let client = |name: &str| Client::new(&path.join(name).join("home"), &path.join(name).join("volume"));
        let mut machines = Machines { clients: [client("0"), client("1")], folder };
        machines.encbox(0, &["new", "-q", "--iterations", "1000", "--profile", profile, "volume"]);
        fs::create_dir(machines.path(1, "volume")).unwrap();
        Client::introduce(&machines.clients);
        // the config has to arrive before anything can be mounted
        machines.clients.iter_mut().for_each(Client::start);
        let arrived = machines.path(1, "volume/.encfs6.xml");
        wait_for("the config arrives", || arrived.exists());
        for machine in [0, 1] {
            machines.encbox(machine, &["mount", "volume", "mount"]);
        }
        Some(machines)
    }

    fn path(&self, machine: usize, name: &str) -> PathBuf {
        self.folder.path().join(machine.to_string()).join(name)
    }

    /// A path in the mount of a machine.
    fn mounted(&self, machine: usize, name: &str) -> PathBuf {
        self.path(machine, "mount").join(name)
    }

    fn encbox(&self, machine: usize, arguments: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_encbox"));
        command.args(arguments).current_dir(self.path(machine, "")).stdin(Stdio::null());
        command.env("ENCBOX_STATE_DIR", self.path(machine, "state"));
        command.env("ENCBOX_PASSWORD_FILE", self.folder.path().join("password"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until a file shows on a machine, with these contents.
    fn shows(&self, machine: usize, name: &str, contents: &[u8]) {
        let path = self.mounted(machine, name);
        wait_for(&format!("{name} on machine {machine}"), || {
            fs::read(&path).is_ok_and(|read| read == contents)
        });
    }

    /// The names in the root of a mount.
    fn names(&self, machine: usize) -> Vec<String> {
        let entries = fs::read_dir(self.path(machine, "mount")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What the files in the root hold that were made of `name`, sorted.
    fn versions(&self, machine: usize, name: &str) -> Vec<Vec<u8>> {
        let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
        let of_it = self.names(machine).into_iter().filter(|name| name.starts_with(stem));
        let mut versions: Vec<_> =
            of_it.filter_map(|name| fs::read(self.mounted(machine, &name)).ok()).collect();
        versions.sort();
        versions
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        if thread::panicking() {
            for (machine, client) in self.clients.iter().enumerate() {
                let on_disk = Command::new("ls").arg("-laR").arg(self.path(machine, "volume")).output();
                let on_disk = on_disk.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned());
                let shown = self.names(machine);
                let _ =
                    writeln!(io::stderr(), "{}\n{shown:?}\n{}", client.log(), on_disk.unwrap_or_default());
            }
        }
        for machine in [0, 1] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_encbox"));
            let _ = command.args(["unmount", "--lazy"]).arg(self.path(machine, "mount")).output();
        }
    }
}

fn with_profiles(test: impl Fn(&mut Machines)) {
    for profile in ["sync", "boxcryptor"] {
        let Some(mut machines) = Machines::new(profile) else { return };
        test(&mut machines);
    }
}

/// Files, folders, new versions, other names and removals, made in a mount and by `encbox import`, whose files come to be
/// in another way.
#[test]
fn what_one_machine_does_shows_on_the_other() {
    with_profiles(|machines| {
        fs::create_dir_all(machines.mounted(0, "notes/2026")).unwrap();
        fs::write(machines.mounted(0, "notes/2026/lake.md"), "# The lake").unwrap();
        machines.shows(1, "notes/2026/lake.md", b"# The lake");
        fs::write(machines.mounted(1, "notes/2026/lake.md"), "# The lake, revised").unwrap();
        machines.shows(0, "notes/2026/lake.md", b"# The lake, revised");

        let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 253) as u8).collect();
        fs::write(machines.path(0, "large"), &large).unwrap();
        machines.encbox(0, &["import", "volume", "large", "/notes"]);
        machines.shows(1, "notes/large", &large);
        machines.encbox(0, &["import", "volume", "../password", "/notes/small"]);
        machines.shows(1, "notes/small", PASSWORD.as_bytes());

        fs::rename(machines.mounted(1, "notes"), machines.mounted(1, "moved")).unwrap();
        machines.shows(0, "moved/2026/lake.md", b"# The lake, revised");
        machines.shows(0, "moved/large", &large);
        fs::remove_dir_all(machines.mounted(0, "moved")).unwrap();
        for machine in [0, 1] {
            wait_for("everything goes on both machines", || machines.names(machine).is_empty());
        }
    });
}

/// Both machines change one file while they do not hear of each other: both versions show on both.
#[test]
fn two_versions_show_on_both_machines() {
    with_profiles(|machines| {
        fs::write(machines.mounted(0, "letter.md"), "first").unwrap();
        machines.shows(1, "letter.md", b"first");
        machines.clients[1].stop();
        fs::write(machines.mounted(0, "letter.md"), "version of the one").unwrap();
        // later, so that Syncthing has no doubt who wins
        thread::sleep(Duration::from_millis(1100));
        fs::write(machines.mounted(1, "letter.md"), "version of the other").unwrap();
        machines.clients[1].start();
        let expected = [b"version of the one".to_vec(), b"version of the other".to_vec()];
        for machine in [0, 1] {
            wait_for("both versions", || machines.versions(machine, "letter.md") == expected);
            let names = machines.names(machine);
            assert!(names.iter().any(|name| name.contains("sync-conflict-")), "{names:?}");
        }
    });
}

/// A version arrives while a program has unsaved changes: they become a copy, which travels too.
#[test]
fn an_edit_whose_file_was_replaced_is_kept_on_both_machines() {
    with_profiles(|machines| {
        fs::write(machines.mounted(0, "draft.md"), "first").unwrap();
        machines.shows(1, "draft.md", b"first");
        let mut editor = File::options().append(true).open(machines.mounted(1, "draft.md")).unwrap();
        fs::write(machines.mounted(0, "draft.md"), "replaced").unwrap();
        machines.shows(1, "draft.md", b"replaced");
        editor.write_all(b", and edited").unwrap();
        editor.sync_all().unwrap();
        drop(editor);
        let expected = [b"first, and edited".to_vec(), b"replaced".to_vec()];
        for machine in [0, 1] {
            wait_for("both versions", || machines.versions(machine, "draft.md") == expected);
        }
    });
}
