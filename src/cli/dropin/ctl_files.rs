//! `encfsctl ls`, `cat`, `export` and `showcruft`.

use super::encfs::may_make;
use super::encfsctl::{check_folder, open_volume, print};
use super::{Ended, FAILED, say};
use crate::cli::cat::open_file;
use crate::cli::exit::tell;
use crate::cli::out::unbuffered_stdout;
use crate::cli::{Error, text};
use crate::transfer::{self, CopyOptions, ExportOptions, Progress, Silent};
use crate::volume::{self, Dir, Fault, Kind, PlainPath, Volume};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What `cat` ends with where there is no such file: -ENOENT as a byte.
const NO_SUCH_FILE: Ended = Ended(254);

/// Size, time and name of everything in the root.
pub(super) fn ls(arguments: &[OsString]) -> Result<(), Ended> {
    let (volume, _) = open_volume(arguments)?;
    let root = volume.root();
    let mut entries = volume.list(&root).map_err(report)?;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in entries {
        let stat = volume.stat((&root, entry.name.as_os_str())).map_err(report)?;
        let mut line =
            OsString::from(format!("{:>11} {} ", stat.size, text::local_time_to_the_second(stat.mtime)));
        line.push(&entry.name);
        print(&line)?;
    }
    Ok(())
}

/// A file by its name, or by its encrypted one.
pub(super) fn cat(arguments: &[OsString]) -> Result<(), Ended> {
    let (volume, operands) = open_volume(arguments)?;
    let [path] = operands.as_slice() else { return Err(say::fail("Incorrect number of arguments")) };
    let Some((path, file)) =
        by_either_name(&volume, path).map_err(|error| say::report("encfsctl", &error))?
    else {
        say::fail(&format!("unable to open {}", text::escape(path)));
        return Err(NO_SUCH_FILE);
    };
    let mut stdout = unbuffered_stdout().map_err(|error| say::report("encfsctl", &error))?;
    let copied = transfer::copy(&volume, file, &path, &mut stdout, &CopyOptions::default(), &mut Silent);
    copied.map(drop).map_err(|error| match error {
        transfer::Error::Stream(_) => FAILED,
        error => say::report("encfsctl", &Error::Transfer(error)),
    })
}

fn by_either_name(volume: &Volume, name: &OsStr) -> Result<Option<(PlainPath, volume::File)>, Error> {
    let encrypted = PlainPath::parse(name).and_then(|path| volume.decode_path(&path.to_path()).ok());
    for path in PlainPath::parse(name).into_iter().chain(encrypted) {
        match open_file(volume, &path) {
            Ok(file) => return Ok(Some((path, file))),
            Err(Error::At { source, .. }) if is_not_there(&source.fault) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// No such name, or one that is too long to be there.
fn is_not_there(fault: &Fault) -> bool {
    matches!(fault, Fault::Sys(Errno::NOENT | Errno::NOTDIR) | Fault::NotADirectory | Fault::Name(_))
}

/// The whole volume into a folder, which is made if the user says so. Files that are there are replaced.
pub(super) fn export(arguments: &[OsString]) -> Result<(), Ended> {
    let [root, folder] = arguments else { return Err(say::fail("Incorrect number of arguments")) };
    let folder = Path::new(folder);
    let (volume, _) = open_volume(std::slice::from_ref(root))?;
    if check_folder(folder).is_err() && !may_make(folder, None) {
        return Err(FAILED);
    }
    let options = ExportOptions { force: true, ..ExportOptions::default() };
    let exported = transfer::export_to(&volume, &[], folder, options, &mut Complaints);
    let summary = exported.map_err(|error| say::report("encfsctl", &Error::Transfer(error)))?;
    if summary.failed > 0 { Err(FAILED) } else { Ok(()) }
}

/// Says which files were left out.
struct Complaints;

impl Progress for Complaints {
    fn failed(&mut self, error: &transfer::Error) {
        tell(&format!("encfsctl: {error}"));
    }
}

/// Every name on disk that stands for nothing, folder by folder.
pub(super) fn show_cruft(arguments: &[OsString]) -> Result<(), Ended> {
    let (volume, _) = open_volume(arguments)?;
    let found = cruft_below(&volume, &volume.root(), "/", volume.root_path())?;
    say::err(&format!("Found {found} invalid file{}.\n", if found == 1 { "" } else { "s" }));
    Ok(())
}

fn cruft_below(volume: &Volume, dir: &Dir, shown: &str, on_disk: &Path) -> Result<u64, Ended> {
    let mut cruft = volume.list_undecodable(dir).map_err(report)?;
    cruft.sort();
    if !cruft.is_empty() {
        print(OsStr::new(&format!("In directory {shown}: ")))?;
    }
    for name in &cruft {
        print(on_disk.join(name).as_os_str())?;
    }
    let mut found = cruft.len() as u64;
    let mut entries = volume.list(dir).map_err(report)?;
    entries.retain(|entry| entry.kind == Kind::Dir);
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    for entry in entries {
        let below: PathBuf = on_disk.join(&entry.cipher_name);
        let shown = format!("{}/{}", shown.trim_end_matches('/'), text::escape(&entry.name));
        match volume.open_dir(dir, &entry.name) {
            Ok(dir) => found += cruft_below(volume, &dir, &shown, &below)?,
            // one that cannot be opened does not keep the others from being looked at
            Err(error) => drop(report(error)),
        }
    }
    Ok(found)
}

fn report(error: volume::Error) -> Ended {
    say::report("encfsctl", &Error::Volume(error))
}
