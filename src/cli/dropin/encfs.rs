//! `encfs`: mounts a volume, makes it first where there is none, unmounts.

use super::fuse_words::FuseWords;
use super::options::{Action, Options};
use super::{Ended, StandIn, create, say, usage};
use crate::cli::mount::{How, Mount};
use crate::cli::open::{VolumeArgs, find};
use crate::cli::password::{PasswordOptions, unbuffered_stdin};
use crate::cli::secret::{ReadError, Secret};
use crate::cli::service::ServiceArgs;
use crate::cli::{Error, Global, system};
use crate::mount;
use crate::volume::{FoundConfig, OpenError};
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

/// Runs the program.
pub(super) fn run(arguments: &[OsString]) -> Result<(), Ended> {
    match Action::parse(arguments)? {
        Action::ShowVersion => {
            let verbose = arguments.iter().any(|argument| argument == "-v" || argument == "--verbose");
            usage::show_version(verbose);
            Ok(())
        }
        Action::ShowFuseOptions => {
            usage::show_fuse_options();
            Ok(())
        }
        Action::Unmount(mountpoint) => unmount(&mountpoint),
        Action::Mount(options) => {
            system::forbid_core_dumps();
            system::start_log(options.verbose);
            mount(&options)
        }
    }
}

/// Lazily, as EncFS has it done.
fn unmount(mountpoint: &Path) -> Result<(), Ended> {
    say::out(&format!("Filesystem unmounting: {}\n", mountpoint.display()));
    mount::unmount(mountpoint, true).map_err(|error| say::report("encfs", &Error::Mount(error)))
}

fn mount(options: &Options) -> Result<(), Ended> {
    let words = FuseWords::sort(&options.fuse)?;
    folder(&options.root, "root directory", options.annotate.then_some("create_root_dir"))?;
    folder(&options.mountpoint, "mount point", options.annotate.then_some("create_mount_point"))?;
    refuse_what_cannot_be(options)?;
    let global = Global { config: options.config.clone(), quiet: false, verbose: options.verbose };
    let (found, secret) = match look_for_config(&global, options)? {
        Some(found) => {
            check(&found, options)?;
            (found, options.passwords.read(&options.root, options.annotate)?)
        }
        None => create::create(options)?,
    };
    let foreground = options.foreground || words.foreground;
    let mount = as_mount(options, words);
    let status = |words: &str| {
        if options.annotate {
            say::err(&format!("$STATUS$ {words}\n"));
        }
    };
    let report = |error: Error| say::report("encfs", &error);
    if !foreground {
        mount.start_in_background(&global, &secret).map_err(report)?;
        status("fuse_main_start");
        return Ok(());
    }
    let source = mount.source(&global, &found, &secret).map_err(report)?;
    drop(secret);
    status("fuse_main_start");
    mount.serve(&global, source).map_err(report)?;
    status("fuse_main_end");
    Ok(())
}

/// Nobody is there to type when the volume is unlocked again; EncFS sees it so, too.
fn refuse_what_cannot_be(options: &Options) -> Result<(), Ended> {
    if options.idle.on_demand && options.passwords.program.is_none() {
        return Err(say::fail("Must set password program when using mount-on-demand"));
    }
    Ok(())
}

/// A folder that is there, or that the user lets us make.
pub(super) fn folder(path: &Path, what: &str, annotation: Option<&str>) -> Result<(), Ended> {
    if path.is_dir() || may_make(path, annotation) {
        return Ok(());
    }
    say::fail(&format!("Unable to locate {what}, aborting."));
    Err(usage::show())
}

/// Asks whether to make a folder, and makes it.
pub(super) fn may_make(path: &Path, annotation: Option<&str>) -> bool {
    say::err(&format!("The directory \"{}\" does not exist. Should it be created? (y,N) ", path.display()));
    if let Some(question) = annotation {
        say::err(&format!("\n$PROMPT$ {question}\n"));
    }
    let answer = unbuffered_stdin().map_err(ReadError::Io).and_then(|mut stdin| Secret::line(&mut stdin));
    let yes = matches!(answer, Ok(Some(line)) if matches!(line.first(), Some(b'y' | b'Y')));
    if !yes {
        say::fail("Directory not created.");
        return false;
    }
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(|error| say::fail(&format!("Unable to create directory: {}: {error}", path.display())))
        .is_ok()
}

/// The config of the volume; nothing where there is none, so that one may be made.
fn look_for_config(global: &Global, options: &Options) -> Result<Option<FoundConfig>, Ended> {
    let missing = |whose: &str, path: &Path| {
        say::fail(&format!("fatal: config file specified {whose} does not exist: {}", path.display()))
    };
    match find(global, &options.root) {
        Ok(found) => Ok(Some(found)),
        Err(Error::Open(OpenError::NoConfig { .. })) => Ok(None),
        Err(Error::Open(OpenError::Root { path, source })) if source.kind() == io::ErrorKind::NotFound => {
            Err(missing(if options.config.is_some() { "on command line" } else { "by environment" }, &path))
        }
        Err(error) => Err(say::report("encfs", &error)),
    }
}

/// What is refused before a password is asked for.
fn check(found: &FoundConfig, options: &Options) -> Result<(), Ended> {
    let parameters = found.config.parameters();
    let problem = if parameters.plain_data && !options.insecure {
        "Configuration use plainData but you did not use --insecure\n"
    } else if parameters.mac_len == 0 && options.require_macs {
        "The configuration disabled MAC, but you passed --require-macs\n"
    } else {
        return Ok(());
    };
    say::out(problem);
    Err(super::FAILED)
}

/// The same in the words of `encbox mount`.
fn as_mount(options: &Options, words: FuseWords) -> Mount {
    let public = options.public && rustix::process::geteuid().is_root();
    if options.public && !public {
        say::err("option '--public' ignored for non-root user\n");
    }
    let not_kept = options.no_attribute_cache.then_some(0);
    let stand_in = StandIn {
        as_encfs: true,
        fs_name: words.fs_name,
        any_key: options.any_key,
        force_decode: options.force_decode,
        attributes_ms: not_kept.or(words.attributes_ms),
        names_ms: not_kept.or(words.names_ms),
        no_pages: options.no_data_cache || words.no_pages,
    };
    let minutes = u64::from(options.idle.minutes);
    let how = How {
        read_only: words.words.iter().any(|word| word == "ro"),
        allow_other: public,
        idle: (minutes > 0).then(|| Duration::from_secs(60 * minutes)),
        on_demand: options.idle.on_demand,
        threads: (options.single_thread || words.single_thread).then_some(1),
        options: words.words,
        stand_in,
        ..How::default()
    };
    let password =
        PasswordOptions { password_command: options.passwords.program.clone(), ..PasswordOptions::default() };
    Mount {
        volume: VolumeArgs { volume: options.root.clone(), password },
        mountpoint: options.mountpoint.clone(),
        foreground: false,
        how,
        service: ServiceArgs::default(),
        in_background: false,
    }
}
