//! `encbox mount`: a volume as a folder, now (`background.rs`) or whenever somebody logs in (`service.rs`).

use super::dropin::StandIn;
#[cfg(feature = "index")]
use super::indexing::Keeper;
use super::open::{VolumeArgs, find, open};
use super::secret::Secret;
use super::service::{self, ServiceArgs};
use super::{Error, Global, background, log, minutes};
use crate::config::FileIvMode;
use crate::mount::{self, MountOptions, OnDemand, Source};
use crate::sync;
use crate::volume::{FoundConfig, OpenOptions, Volume};
use clap::ValueEnum;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Mount a volume, so that it looks like any other folder
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Returns when the mount can be used. MOUNTPOINT has to be outside every synced folder.\n\n\
Examples:\n  \
encbox mount ~/Dropbox/Private ~/Private\n  \
encbox mount --read-only --keyring ~/Dropbox/Private ~/Private\n  \
encbox mount --on-demand --idle 10 --keyring ~/Dropbox/Private ~/Private\n  \
encbox mount --install-service --keyring ~/Dropbox/Private ~/Private")]
pub(super) struct Mount {
    #[command(flatten)]
    pub(super) volume: VolumeArgs,
    /// An empty folder
    pub(super) mountpoint: PathBuf,
    /// Stay in the foreground, and unmount on Ctrl-C
    #[arg(short, long)]
    pub(super) foreground: bool,
    #[command(flatten)]
    pub(super) how: How,
    #[command(flatten)]
    pub(super) service: ServiceArgs,
    /// This is the background process: a password, if one is needed, is all there is on standard input
    #[arg(long, hide = true)]
    pub(super) in_background: bool,
}

/// What a mount is like, whoever starts it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct How {
    /// Refuse every change
    #[arg(short, long)]
    pub(super) read_only: bool,
    /// Let other users in, as far as permissions go
    #[arg(long)]
    pub(super) allow_other: bool,
    /// Mount on a folder that is not empty, hiding what is in it
    #[arg(long)]
    pub(super) nonempty: bool,
    /// Mount though the mount point seems to lie in a folder that a sync client keeps in step, or in another volume: what
    /// is in the mount may be uploaded as clear text
    #[arg(long)]
    pub(super) even_if_synced: bool,
    /// Unmount after so many minutes without use; with --on-demand, lock
    #[arg(long, value_name = "MINUTES", value_parser = minutes::minutes)]
    pub(super) idle: Option<Duration>,
    /// Unlock the volume when somebody looks into it, not before
    #[arg(long, conflicts_with = "keyring_save")]
    pub(super) on_demand: bool,
    /// Append what goes wrong to FILE; in the background it is kept without this, too
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// Threads that serve the mount
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,
    /// What the kernel may keep
    #[arg(long, value_enum, default_value_t = Cache::WriteBack)]
    pub(super) cache: Cache,
    /// Take names that differ in their form of Unicode only (NFC, NFD) for two names; else one that is not there is looked
    /// for in the other form
    #[arg(long)]
    pub(super) exact_names: bool,
    /// What reading a file does of which not everything has arrived
    #[arg(long, value_enum, default_value_t = Partial::Fail)]
    pub(super) partial: Partial,
    /// Keep the index of the volume true while it is mounted, and publish it where `encbox index --publish` was asked for
    #[cfg(feature = "index")]
    #[arg(long, conflicts_with = "on_demand")]
    pub(super) index: bool,
    /// Options for the kernel, as mount(8) takes them
    #[arg(short = 'o', value_name = "OPTIONS")]
    pub(super) options: Vec<String>,
    #[command(flatten)]
    pub(super) stand_in: StandIn,
}

/// How much is left to the kernel's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Cache {
    /// Writes until the file is closed or synced, and all that is known until it changes (Linux; elsewhere as the next)
    #[default]
    WriteBack,
    /// All that is known until it changes
    WriteThrough,
    /// What was true a second ago: for disks that tell of no changes, as network file systems
    None,
}

/// What becomes of the part of a file that has not arrived, where that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Partial {
    /// Reading it fails (EIO), and the log says why
    #[default]
    Fail,
    /// The file ends there; its size is the one that it is to have
    Read,
}

impl Mount {
    pub(super) fn run(&self, global: &Global) -> Result<(), Error> {
        if self.service.is_asked_for() {
            return self.manage_service(global);
        }
        let found = find(global, &self.volume.volume)?;
        if self.in_background {
            return self.serve_in_background(global, &found).map_err(|error| self.how.stand_in.report(error));
        }
        if self.foreground {
            let source = if self.how.on_demand {
                self.on_demand(global)?.into()
            } else {
                Source::from(Arc::new(
                    self.volume.unlock(global, |secret| self.open(global, &found, secret))?,
                ))
            };
            return self.serve(global, source);
        }
        if self.how.on_demand {
            return background::start(self.for_background(global)?, None);
        }
        let arguments = self.for_background(global)?;
        self.volume.unlock(global, |secret| background::start(arguments.clone(), Some(secret)))
    }

    fn open(&self, global: &Global, found: &FoundConfig, secret: &Secret) -> Result<Volume, Error> {
        open(global, &self.volume.volume, found, secret, self.how.opening())
    }

    /// What is mounted, where the password is at hand.
    pub(super) fn source(
        &self,
        global: &Global,
        found: &FoundConfig,
        secret: &Secret,
    ) -> Result<Source, Error> {
        // a password that is wrong now is wrong later
        let volume = self.open(global, found, secret)?;
        if self.how.on_demand {
            drop(volume);
            return Ok(self.on_demand(global)?.into());
        }
        Ok(Source::from(Arc::new(volume)))
    }

    /// The parent's part of a mount in the background, where the password is at hand.
    pub(super) fn start_in_background(&self, global: &Global, secret: &Secret) -> Result<(), Error> {
        let secret = (!self.how.on_demand).then_some(secret);
        background::start(self.for_background(global)?, secret)
    }

    /// The volume, to be unlocked when it is needed: everything that takes is read anew each time.
    fn on_demand(&self, global: &Global) -> Result<OnDemand, Error> {
        let source = self.volume.password.source().unattended("--on-demand")?;
        let root = absolute(&self.volume.volume)?;
        let (global, folder, options) = (global.clone(), root.clone(), self.how.opening());
        let unlock = move || {
            let found = find(&global, &folder)?;
            let secret = source.read_unattended(&folder)?;
            open(&global, &folder, &found, &secret, options.clone())
        };
        Ok(OnDemand {
            root,
            read_only: self.how.read_only,
            unlock: Box::new(move || unlock().map_err(Into::into)),
        })
    }

    fn options(&self) -> MountOptions {
        let mut options = self.how.options(&self.mountpoint);
        if self.how.cache != Cache::None {
            match sync::watcher(&self.volume.volume) {
                Ok(watcher) => options.watch = Some(watcher),
                Err(error) => tracing::info!("changes by other programs show after a second: {error}"),
            }
        }
        options
    }

    pub(super) fn serve(&self, global: &Global, source: Source) -> Result<(), Error> {
        let log = self.how.open_log()?;
        let options = MountOptions { tell_manager: true, ..self.options() };
        let risk = self.risk_of_syncing(global);
        self.run_mount(source, options, || {
            global.note_on_terminal("mounted; Ctrl-C unmounts");
            if let Some(Err(error)) = log.as_ref().map(rustix::stdio::dup2_stderr) {
                tracing::warn!("the log goes to standard error: {error}");
            }
            if let Some(risk) = risk.filter(|_| log.is_some()) {
                tracing::warn!("{risk}");
            }
        })
    }

    /// The mount from beginning to end, with what is done beside it.
    fn run_mount(&self, source: Source, options: MountOptions, ready: impl FnOnce()) -> Result<(), Error> {
        #[cfg(feature = "index")]
        let mut options = options;
        #[cfg(feature = "index")]
        let keeper = match &source {
            Source::Volume(volume) if self.how.index => {
                let (keeper, watch) = Keeper::start(volume, options.watch.take())?;
                options.watch = watch;
                Some(keeper)
            }
            Source::Volume(_) | Source::OnDemand(_) => None,
        };
        mount::run(source, &options, ready)?;
        #[cfg(feature = "index")]
        if let Some(keeper) = keeper {
            keeper.end();
        }
        Ok(())
    }

    /// What external IV chaining puts at risk where another machine writes, said to whoever mounts; and returned for
    /// the log.
    fn risk_of_syncing(&self, global: &Global) -> Option<String> {
        let root = &self.volume.volume;
        let found = find(global, root).ok()?;
        if found.config.parameters().file_iv != FileIvMode::External {
            return None;
        }
        let folder = match mount::synced_folder(root) {
            Some(synced) => format!(", in {synced}"),
            None => String::new(),
        };
        let risk = format!(
            "{}{folder}: in a volume with external IV chaining a file cannot be read any more once a sync client \
             brings its contents under another name; better move to one without (`encbox new`, then `encbox export` \
             and `encbox import`)",
            root.display()
        );
        global.note(&risk);
        Some(risk)
    }

    /// The background process's part. Until the mount is ready, standard error is still the parent's.
    fn serve_in_background(&self, global: &Global, found: &FoundConfig) -> Result<(), Error> {
        let source = if self.how.on_demand {
            self.on_demand(global)?.into()
        } else {
            let secret = Secret::exactly(&mut io::stdin().lock())
                .map_err(|error| error.into_error(super::password::Error::Stdin))?;
            Source::from(Arc::new(self.open(global, found, &secret)?))
        };
        let log = self.how.open_log()?;
        background::enter()?;
        let options = self.options();
        let risk = self.risk_of_syncing(global);
        self.run_mount(source, options, || {
            background::is_ready(log.as_ref());
            if let Some(risk) = risk {
                tracing::warn!("{risk}");
            }
        })
    }

    /// The same command for the background process, whose folder is another.
    fn for_background(&self, global: &Global) -> Result<Vec<OsString>, Error> {
        let mut arguments: Vec<OsString> = vec!["mount".into(), "--in-background".into()];
        if self.how.on_demand {
            arguments.extend(self.volume.password.source().unattended("--on-demand")?.arguments()?);
        }
        if self.how.log.is_none()
            && let Some(log) = log::default(&absolute(&self.mountpoint)?)
        {
            arguments.extend(["--log".into(), log.into()]);
        }
        arguments.extend(self.rest(global)?);
        Ok(arguments)
    }

    /// What every process that does this mount is told.
    fn rest(&self, global: &Global) -> Result<Vec<OsString>, Error> {
        let mut arguments = global.arguments()?;
        arguments.extend(self.how.arguments()?);
        arguments.extend([
            "--".into(),
            absolute(&self.volume.volume)?.into(),
            absolute(&self.mountpoint)?.into(),
        ]);
        Ok(arguments)
    }

    fn manage_service(&self, global: &Global) -> Result<(), Error> {
        let mountpoint = absolute(&self.mountpoint)?;
        if self.service.is_to_go() {
            return service::uninstall(&mountpoint, &self.service);
        }
        // nothing is installed that could not work
        find(global, &self.volume.volume)?;
        let mut arguments: Vec<OsString> = vec!["mount".into(), "--foreground".into()];
        arguments.extend(self.volume.password.source().unattended("a service")?.arguments()?);
        arguments.extend(self.rest(global)?);
        service::install(&mountpoint, arguments, &self.service)
    }
}

impl How {
    /// How the volume is opened.
    fn opening(&self) -> OpenOptions {
        let read_partial = self.partial == Partial::Read;
        self.stand_in.opening(OpenOptions {
            read_only: self.read_only,
            exact_names: self.exact_names,
            read_partial,
            ..OpenOptions::default()
        })
    }

    fn options(&self, mountpoint: &Path) -> MountOptions {
        let mut options = MountOptions::new(mountpoint);
        options.read_only = self.read_only;
        options.allow_other = self.allow_other;
        options.idle = self.idle;
        options.options.clone_from(&self.options);
        for (on, word) in [(self.nonempty, "nonempty"), (self.even_if_synced, "even_if_synced")] {
            options.options.extend(on.then(|| word.to_owned()));
        }
        if let Some(threads) = self.threads {
            options.threads = threads.into();
        }
        options.caching.write_back &= self.cache == Cache::WriteBack;
        options.caching.direct = self.partial == Partial::Read;
        self.stand_in.mounting(options)
    }

    fn open_log(&self) -> Result<Option<File>, Error> {
        self.log.as_deref().map(log::open).transpose()
    }

    /// All this for another process, whose folder is another.
    fn arguments(&self) -> Result<Vec<OsString>, Error> {
        let How {
            read_only,
            allow_other,
            nonempty,
            even_if_synced,
            exact_names,
            idle,
            on_demand,
            log,
            threads,
            cache,
            partial,
            #[cfg(feature = "index")]
            index,
            options,
            stand_in,
        } = self;
        let switches = [
            #[cfg(feature = "index")]
            (*index, "--index"),
            (*read_only, "--read-only"),
            (*allow_other, "--allow-other"),
            (*nonempty, "--nonempty"),
            (*even_if_synced, "--even-if-synced"),
            (*exact_names, "--exact-names"),
            (*on_demand, "--on-demand"),
        ];
        let switches = switches.iter().filter(|(on, _)| *on);
        let mut arguments: Vec<OsString> = switches.map(|(_, switch)| switch.into()).collect();
        if let Some(idle) = idle {
            arguments.extend(["--idle".into(), minutes::to_text(*idle).into()]);
        }
        if let Some(log) = log {
            arguments.extend(["--log".into(), absolute(log)?.into()]);
        }
        if let Some(threads) = threads {
            arguments.extend(["--threads".into(), threads.to_string().into()]);
        }
        if *cache != Cache::default()
            && let Some(cache) = cache.to_possible_value()
        {
            arguments.extend(["--cache".into(), cache.get_name().into()]);
        }
        if *partial == Partial::Read {
            arguments.extend(["--partial".into(), "read".into()]);
        }
        arguments.extend(stand_in.arguments());
        for option in options {
            arguments.extend(["-o".into(), option.into()]);
        }
        Ok(arguments)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(Error::local("find", path))
}
