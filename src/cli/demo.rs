//! `encbox demo`: a tour on a small volume of its own. Every step is this program, started as anybody would.

use super::Error;
use super::exit::tell;
use crate::volume;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Command;

/// Show what encbox does, on a temporary volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:\n  encbox demo")]
pub(super) struct Demo {}

impl Demo {
    pub(super) fn run(&self) -> Result<(), Error> {
        let tour = Tour::begin()?;
        tour.volume()?;
        if cfg!(feature = "mount") && may_mount() {
            tour.mount()?;
        } else {
            tour.say("# (no mount here: /dev/fuse is missing, or not ours to use)")?;
        }
        tour.say("# Done; everything above was in a temporary folder, which goes now.")
    }
}

/// A temporary folder, which is removed at the end.
struct Tour {
    program: PathBuf,
    folder: PathBuf,
}

impl Tour {
    fn begin() -> Result<Tour, Error> {
        let program = std::env::current_exe().map_err(Error::local("find", "encbox"))?;
        let mut random = [0; 8];
        volume::fill_random(&mut random);
        let folder = std::env::temp_dir().join(format!("encbox-demo-{:016x}", u64::from_le_bytes(random)));
        DirBuilder::new().mode(0o700).create(&folder).map_err(Error::local("make", &folder))?;
        Ok(Tour { program, folder })
    }

    /// What needs no mount.
    fn volume(&self) -> Result<(), Error> {
        self.say("# The password is in a file, so that nobody has to type it.")?;
        self.write("password.txt", "a long password\n")?;
        self.say("$ export ENCBOX_PASSWORD_FILE=password.txt")?;
        self.say(
            "\n# A new volume, as BoxCryptor Classic made them. In real life the folder is in Dropbox.",
        )?;
        self.run(&["new", "--quiet", "--profile", "boxcryptor", "Encrypted"])?;
        self.run(&["info", "Encrypted"])?;
        self.say("\n# A note goes in, and can be seen.")?;
        self.write("note.md", "# Shopping\n\n- ink\n- paper\n")?;
        self.run(&["mkdir", "Encrypted", "/Notes"])?;
        self.run(&["import", "Encrypted", "note.md", "/Notes"])?;
        self.run(&["tree", "Encrypted"])?;
        self.run(&["cat", "Encrypted", "/Notes/note.md"])?;
        self.say("\n# What the sync service sees instead:")?;
        self.run(&["encode", "Encrypted", "/Notes/note.md"])?;
        self.say("\n# The whole volume, decrypted into a folder.")?;
        self.run(&["export", "Encrypted", "Exported"])?;
        self.show("Exported/Notes/note.md")
    }

    /// What needs one.
    fn mount(&self) -> Result<(), Error> {
        self.say("\n# Mounted, the volume is a folder like any other.")?;
        self.write_folder("Clear")?;
        self.run(&["mount", "Encrypted", "Clear"])?;
        self.run(&["mounts"])?;
        self.write("Clear/Notes/second.md", "Written through the mount.\n")?;
        self.run(&["unmount", "--wait", "10", "Clear"])?;
        self.say("\n# What was written there is in the volume.")?;
        self.run(&["ls", "-l", "Encrypted", "/Notes"])?;
        self.run(&["cat", "Encrypted", "/Notes/second.md"])
    }

    /// Shows a command and does it.
    fn run(&self, arguments: &[&str]) -> Result<(), Error> {
        self.say(&format!("$ encbox {}", arguments.join(" ")))?;
        let status = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("ENCBOX_PASSWORD_FILE", self.folder.join("password.txt"))
            // nothing is left on this machine, not even a log
            .env("ENCBOX_STATE_DIR", self.folder.join("state"))
            .status()
            .map_err(Error::local("start", &self.program))?;
        match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(0) => Ok(()),
            code => Err(Error::Step(code.unwrap_or(1))),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        self.say(&format!("$ printf {:?} > {name}", text.replace('\n', "\\n")).replace("\\\\n", "\\n"))?;
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(Error::local("write", path))
    }

    fn write_folder(&self, name: &str) -> Result<(), Error> {
        self.say(&format!("$ mkdir {name}"))?;
        let path = self.folder.join(name);
        fs::create_dir(&path).map_err(Error::local("make", path))
    }

    fn show(&self, name: &str) -> Result<(), Error> {
        self.say(&format!("$ cat {name}"))?;
        let path = self.folder.join(name);
        let text = fs::read_to_string(&path).map_err(Error::local("read", path))?;
        self.say(text.trim_end())
    }

    fn say(&self, line: &str) -> Result<(), Error> {
        writeln!(io::stdout(), "{line}").map_err(Error::Output)
    }
}

impl Drop for Tour {
    fn drop(&mut self) {
        #[cfg(feature = "mount")]
        if let Err(error) = crate::mount::unmount(&self.folder.join("Clear"), true) {
            // As it should be: the tour has unmounted.
            tracing::debug!("{error}");
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tell(&format!("encbox: {} stays behind: {error}", self.folder.display()));
        }
    }
}

/// Whether the device that mounting needs is there and open to us.
fn may_mount() -> bool {
    std::fs::File::options().read(true).write(true).open("/dev/fuse").is_ok()
}
