//! `encbox mount`: a volume as a folder.
//!
//! In the background the program starts itself once more and gives it the password on standard input; the parent
//! ends when the other has written a line to its standard output, or with its exit code. No fork: a process with
//! threads cannot, and the new one begins with a clean memory.

use super::dropin::StandIn;
use super::open::{VolumeArgs, find, open};
use super::secret::Secret;
use super::{Error, Global};
use crate::mount::{self, MountOptions};
use crate::sync;
use crate::volume::{FoundConfig, OpenOptions, Volume};
use clap::ValueEnum;
use rustix::fs::{Mode, OFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What the background process writes when the mount can be used.
const READY: &str = "ready";

/// Mount a volume, so that it looks like any other folder
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Returns when the mount can be used. MOUNTPOINT has to be outside every synced folder.\n\n\
Examples:\n  \
encbox mount ~/Dropbox/Private ~/Private\n  \
encbox mount --read-only --keyring ~/Dropbox/Private ~/Private")]
pub(super) struct Mount {
    #[command(flatten)]
    pub(super) volume: VolumeArgs,
    /// An empty folder
    pub(super) mountpoint: PathBuf,
    /// Stay in the foreground, and unmount on Ctrl-C
    #[arg(short, long)]
    pub(super) foreground: bool,
    /// Refuse every change
    #[arg(short, long)]
    pub(super) read_only: bool,
    /// Let other users in, as far as permissions go
    #[arg(long)]
    pub(super) allow_other: bool,
    /// Mount on a folder that is not empty, hiding what is in it
    #[arg(long)]
    pub(super) nonempty: bool,
    /// Threads that serve the mount
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,
    /// What the kernel may keep
    #[arg(long, value_enum, default_value_t = Cache::WriteBack)]
    pub(super) cache: Cache,
    /// Options for the kernel, as mount(8) takes them
    #[arg(short = 'o', value_name = "OPTIONS")]
    pub(super) options: Vec<String>,
    /// This is the background process: the password is all there is on standard input
    #[arg(long, hide = true, conflicts_with = "password_source")]
    pub(super) in_background: bool,
    #[command(flatten)]
    pub(super) stand_in: StandIn,
}

/// How much is left to the kernel's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Cache {
    /// Writes until the file is closed or synced, and all that is known until it changes (Linux; elsewhere as the next)
    WriteBack,
    /// All that is known until it changes
    WriteThrough,
    /// What was true a second ago: for disks that tell of no changes, as network file systems
    None,
}

impl Mount {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        let found = find(global, &self.volume.volume)?;
        if self.in_background {
            return self.serve_in_background(global, &found).map_err(|error| self.stand_in.report(error));
        }
        if self.foreground {
            let volume = self.volume.unlock(global, |secret| self.open(global, &found, secret))?;
            return Ok(mount::run(Arc::new(volume), &self.options(), || {
                global.note_on_terminal("mounted; Ctrl-C unmounts");
            })?);
        }
        self.volume.unlock(global, |secret| self.start_in_background(global, secret))
    }

    pub(super) fn open(
        &self,
        global: &Global,
        found: &FoundConfig,
        secret: &Secret,
    ) -> Result<Volume, Error> {
        let options = OpenOptions { read_only: self.read_only, ..OpenOptions::default() };
        open(global, &self.volume.volume, found, secret, self.stand_in.opening(options))
    }

    pub(super) fn options(&self) -> MountOptions {
        let mut options = MountOptions::new(&self.mountpoint);
        options.read_only = self.read_only;
        options.allow_other = self.allow_other;
        options.options.clone_from(&self.options);
        if self.nonempty {
            options.options.push("nonempty".into());
        }
        if let Some(threads) = self.threads {
            options.threads = threads.into();
        }
        options.caching.write_back &= self.cache == Cache::WriteBack;
        if self.cache != Cache::None {
            match sync::watcher(&self.volume.volume) {
                Ok(watcher) => options.watch = Some(watcher),
                Err(error) => tracing::info!("changes by other programs show after a second: {error}"),
            }
        }
        self.stand_in.mounting(options)
    }

    /// The parent's part.
    pub(super) fn start_in_background(&self, global: &Global, secret: &Secret) -> Result<(), Error> {
        let program = std::env::current_exe().map_err(Error::local("find", "encbox"))?;
        let failed = || Error::local("start", &program);
        let mut child = Command::new(&program)
            // whatever its file is called: under another name it is another program
            .arg0(env!("CARGO_PKG_NAME"))
            .args(self.arguments(global)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        let stdin = child.stdin.take().expect("standard input was piped");
        let stdout = child.stdout.take().expect("standard output was piped");
        // If the other end is gone already, its exit code says why.
        let _ = { stdin }.write_all(secret.bytes());
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(failed())?;
        if line.trim_end() == READY {
            return Ok(());
        }
        let status = child.wait().map_err(failed())?;
        Err(Error::Background(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
    }

    /// The same command for the background process, whose folder is another.
    fn arguments(&self, global: &Global) -> Result<Vec<OsString>, Error> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(Error::local("find", path));
        let mut arguments: Vec<OsString> = vec!["mount".into(), "--in-background".into()];
        if let Some(config) = &global.config {
            arguments.extend(["--config".into(), absolute(config)?.into()]);
        }
        arguments.extend((0..global.verbose).map(|_| OsString::from("--verbose")));
        let switches = [
            (global.quiet, "--quiet"),
            (self.read_only, "--read-only"),
            (self.allow_other, "--allow-other"),
            (self.nonempty, "--nonempty"),
        ];
        arguments.extend(switches.iter().filter(|(on, _)| *on).map(|(_, switch)| OsString::from(switch)));
        if let Some(threads) = self.threads {
            arguments.extend(["--threads".into(), threads.to_string().into()]);
        }
        if let Some(cache) = self.cache.to_possible_value() {
            arguments.extend(["--cache".into(), cache.get_name().into()]);
        }
        for option in &self.options {
            arguments.extend(["-o".into(), option.into()]);
        }
        arguments.extend(self.stand_in.arguments());
        arguments.extend([
            "--".into(),
            absolute(&self.volume.volume)?.into(),
            absolute(&self.mountpoint)?.into(),
        ]);
        Ok(arguments)
    }

    /// The background process's part. Until the mount is ready, standard error is still the parent's.
    fn serve_in_background(&self, global: &Global, found: &FoundConfig) -> Result<(), Error> {
        let secret = Secret::exactly(&mut io::stdin().lock())
            .map_err(|error| error.into_error(super::password::Error::Stdin))?;
        let volume = self.open(global, found, &secret)?;
        drop(secret);
        // It fails for the leader of a process group, which has no terminal to leave.
        let _ = rustix::process::setsid();
        std::env::set_current_dir("/").map_err(Error::local("enter", "/"))?;
        Ok(mount::run(Arc::new(volume), &self.options(), || {
            // A parent that is gone has nobody waiting for it.
            let _ = writeln!(io::stdout(), "{READY}");
            if let Err(error) = leave_terminal() {
                tracing::warn!("standard streams stay open: {error}");
            }
        })?)
    }
}

/// Leaves the streams of the one who started us.
fn leave_terminal() -> io::Result<()> {
    let null = File::from(rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?);
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}
