//! `encbox mount --install-service`: a mount for every session, kept by the service manager of the system (systemd;
//! launchd on macOS).
//!
//! One file is written, and one that encbox has not written for the same mount point is never replaced. Nothing is
//! started: what to run for that is said.

use super::out::Out;
use super::{Error, exit};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "macos")]
use super::launchd as manager;
#[cfg(not(target_os = "macos"))]
use super::systemd as manager;

/// What is to become of the service of a mount.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceArgs {
    /// Do not mount now: write a service that mounts at every login
    #[arg(long, conflicts_with_all = ["foreground", "in_background", "keyring_save"])]
    install_service: bool,
    /// Remove that service
    #[arg(long, conflicts_with_all = ["foreground", "in_background", "install_service"])]
    uninstall_service: bool,
    /// Only show what would be written
    #[arg(long, requires = "install_service")]
    print: bool,
    /// Replace or remove a file that encbox has not written for this mount point
    #[arg(long)]
    force: bool,
}

/// What the file of a service is made from: text, as the file is.
pub(super) struct Service {
    pub(super) name: String,
    pub(super) mountpoint: String,
    pub(super) program: String,
    /// Of the program, to mount.
    pub(super) arguments: Vec<String>,
}

impl ServiceArgs {
    pub(super) fn is_asked_for(&self) -> bool {
        self.install_service || self.uninstall_service
    }

    pub(super) fn is_to_go(&self) -> bool {
        self.uninstall_service
    }
}

/// Writes the service that runs this program with `arguments`.
pub(super) fn install(mountpoint: &Path, arguments: Vec<OsString>, args: &ServiceArgs) -> Result<(), Error> {
    let program = std::env::current_exe().map_err(Error::local("find", "encbox"))?;
    let service = Service {
        name: name(mountpoint),
        mountpoint: text(mountpoint.as_os_str().to_owned())?,
        program: text(program.into())?,
        arguments: arguments.into_iter().map(text).collect::<Result<_, _>>()?,
    };
    let file = manager::file(&service);
    let mut out = Out::new();
    if args.print {
        out.bytes(file.as_bytes())?;
        return out.end();
    }
    let path = path(&service.name)?;
    if !args.force && !may_replace(&path, &service.mountpoint)? {
        return Err(Error::ForeignService(path));
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(Error::local("make", folder))?;
    fs::write(&path, file).map_err(Error::local("write", &path))?;
    exit::tell(&format!("wrote {}; now run", path.display()));
    for line in manager::how_to_start(&service.name, &path) {
        out.line(&line)?;
    }
    out.end()
}

/// Removes the service of a mount point.
pub(super) fn uninstall(mountpoint: &Path, args: &ServiceArgs) -> Result<(), Error> {
    let name = name(mountpoint);
    let path = path(&name)?;
    let mountpoint = text(mountpoint.as_os_str().to_owned())?;
    fs::symlink_metadata(&path).map_err(Error::local("remove", &path))?;
    if !args.force && !may_replace(&path, &mountpoint)? {
        return Err(Error::ForeignService(path));
    }
    fs::remove_file(&path).map_err(Error::local("remove", &path))?;
    for link in manager::links(&path) {
        // it is there only if the service was enabled
        drop(fs::remove_file(link));
    }
    exit::tell(&format!("removed {}; now run", path.display()));
    let mut out = Out::new();
    for line in manager::how_to_stop(&name) {
        out.line(&line)?;
    }
    out.end()
}

/// Whether there is nothing there, or what encbox wrote for the same mount point.
fn may_replace(path: &Path, mountpoint: &str) -> Result<bool, Error> {
    match fs::read_to_string(path) {
        Ok(old) => Ok(old.lines().any(|line| line.contains(&mark(mountpoint)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.symlink_metadata().is_err()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(error) => Err(Error::local("read", path)(error)),
    }
}

/// The words in a comment by which a file of our own is known.
pub(super) fn mark(mountpoint: &str) -> String {
    let mountpoint: String = mountpoint.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    // `--` ends a comment in XML
    format!("written by `encbox mount` for {}", mountpoint.replace("--", "- -"))
}

fn path(name: &str) -> Result<PathBuf, Error> {
    let folder =
        manager::folder().ok_or_else(|| Error::Usage("HOME is not set: whose service is it?".into()))?;
    Ok(folder.join(manager::file_name(name)))
}

/// What a mount's service is called: `Private` for `/home/ann/Private`.
fn name(mountpoint: &Path) -> String {
    let name = mountpoint.file_name().unwrap_or(mountpoint.as_os_str()).to_string_lossy();
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' }).collect()
}

fn text(text: OsString) -> Result<String, Error> {
    text.into_string().map_err(|text| {
        Error::Usage(format!("{}: a service cannot have this in its file: not UTF-8", text.to_string_lossy()))
    })
}

/// A folder below the home of the user.
pub(super) fn below_home(folder: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
    Some(Path::new(&home).join(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(Path::new("/home/ann/Private")), "Private");
        assert_eq!(name(Path::new("/home/ann/Über alles!")), "-ber-alles-");
    }

    #[test]
    fn a_mark_is_one_line_and_no_end_of_a_comment() {
        assert_eq!(mark("/a\n--b"), "written by `encbox mount` for /a?- -b");
    }
}
