//! What an import has before it.

use super::Survey;
use super::local::Folders;
use rustix::fs::FileType;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Counts what an import of `sources` has before it. Whatever cannot be read counts for nothing.
pub fn survey_outside(sources: &[PathBuf]) -> Survey {
    let mut survey = Survey::default();
    for source in sources {
        let meta = match source.as_os_str().as_bytes().ends_with(b"/") {
            true => source.metadata(),
            false => source.symlink_metadata(),
        };
        let Ok(meta) = meta else { continue };
        survey.items += 1;
        if meta.is_file() {
            survey.bytes += meta.len();
        } else if meta.is_dir() {
            count(&mut survey, source);
        }
    }
    survey
}

/// Everything below a folder. One that cannot be left any more ends the counting.
fn count(survey: &mut Survey, source: &Path) {
    let Ok(mut folders) = Folders::open(source) else { return };
    let mut levels = vec![list(survey, &folders)];
    while let Some(level) = levels.last_mut() {
        match level.pop() {
            Some(name) if folders.enter(&name).is_ok() => levels.push(list(survey, &folders)),
            Some(_) => {}
            None => {
                levels.pop();
                if !levels.is_empty() && folders.leave().is_err() {
                    return;
                }
            }
        }
    }
}

/// Counts what is in the current folder; gives the folders in it.
fn list(survey: &mut Survey, folders: &Folders) -> Vec<OsString> {
    let mut below = Vec::new();
    let Ok(entries) = rustix::fs::Dir::read_from(folders.fd()) else { return below };
    for entry in entries.flatten() {
        let name = match entry.file_name().to_bytes() {
            b"." | b".." => continue,
            name => OsStr::from_bytes(name),
        };
        survey.items += 1;
        match entry.file_type() {
            FileType::Directory => below.push(name.to_os_string()),
            FileType::RegularFile | FileType::Unknown => {
                let Ok(Some(stat)) = folders.stat(name) else { continue };
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => survey.bytes += u64::try_from(stat.st_size).unwrap_or(0),
                    FileType::Directory => below.push(name.to_os_string()),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    below
}
