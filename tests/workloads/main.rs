//! Everyday programs at work in a mounted volume, and `encfs` reading afterwards what they left.
//!
//! Every workload runs on three profiles: our default, and the two of EncFS. Where `encfs` or `/dev/fuse`
//! or a program is missing, the tests say so and pass.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod editors;
mod programs;
mod source_tree;
mod stress;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use encbox::config::Profile;
use support::mount::Mount;
use support::process;
use support::scratch;
use support::scratch::ScratchVolume;
use support::tree;

/// The tests of every workload on every profile.
macro_rules! workloads {
    ($($module:ident::$test:ident needs $programs:expr;)+) => {
        workloads! { @profile sync Profile::Sync; $($module $test $programs;)+ }
        workloads! { @profile standard Profile::Standard; $($module $test $programs;)+ }
        workloads! { @profile paranoia Profile::Paranoia; $($module $test $programs;)+ }
    };
    (@profile $name:ident $profile:expr; $($module:ident $test:ident $programs:expr;)+) => {
        mod $name {
            use encbox::config::Profile;
            $(
                #[test]
                fn $test() {
                    let programs: &[&str] = &$programs;
                    if !crate::support::process::something_is_missing(&["encfs", "fusermount", "rsync"])
                        && !crate::support::process::something_is_missing(programs)
                    {
                        crate::$module::$test(crate::Desk::new($profile));
                    }
                }
            )+
        }
    };
}

workloads! {
    source_tree::extracting_5000_files needs ["tar"];
    source_tree::rsync_copies_nothing_the_second_time needs ["rsync"];
    programs::git_clones_checks_and_collects_garbage needs ["git"];
    programs::cargo_builds_once needs ["cc"];
    programs::sqlite_keeps_its_databases_whole needs ["sqlite3"];
    editors::saving_by_rename_replaces_the_file needs ["sed"];
    editors::vim_saves needs ["vim"];
    stress::short_stress needs ["stress-ng"];
}

/// A volume mounted by us, beside a plain folder where the same can be done for comparison.
struct Desk {
    mount: Mount,
    volume: ScratchVolume,
}

impl Desk {
    fn new(profile: Profile) -> Desk {
        let volume = ScratchVolume::create(&profile.parameters());
        std::fs::create_dir(volume.beside("plain")).expect("a scratch folder");
        Desk { mount: volume.mount_with_encbox(), volume }
    }

    fn mounted(&self) -> &Path {
        self.mount.path()
    }

    fn plain(&self) -> std::path::PathBuf {
        self.volume.beside("plain")
    }

    /// Copies what is in the mount, as our mount shows it, into the plain folder.
    fn keep_a_plain_copy(&self) {
        scratch::copy_tree(self.mounted(), &self.plain());
    }

    /// Unmounts; then `encfs` must show what is in the plain folder: contents, modes and, if asked for,
    /// times.
    fn encfs_agrees(self, times: Times) {
        let plain = self.plain();
        self.mount.unmount();
        let mount = self.volume.mount_with_encfs();
        tree::assert_same("read by encfs", &tree::of_folder(&plain), &tree::of_folder(mount.path()));
        let attributes = |root: &Path| {
            let mut attributes = tree::attributes_of_folder(root);
            if times == Times::Differ {
                attributes
                    .values_mut()
                    .for_each(|(_, seconds, nanoseconds)| (*seconds, *nanoseconds) = (0, 0));
            }
            attributes
        };
        tree::assert_same("modes and times read by encfs", &attributes(&plain), &attributes(mount.path()));
        mount.unmount();
    }
}

/// Whether the plain folder holds copies, or was worked on by the same programs a little earlier or later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Equal,
    Differ,
}

/// Runs a program in a folder, free from the settings of this user and of cargo.
fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> String {
    process::run(in_folder(folder, program).args(arguments))
}

fn in_folder(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear();
    for name in ["PATH", "HOME", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test").env(format!("GIT_{role}_EMAIL"), "test@example.org");
    }
    command
}
