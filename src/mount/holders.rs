//! Who keeps a mount from being unmounted, as `/proc` knows it: open files, memory maps, working directories,
//! programs that run from there. Only root sees the processes of others.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;

/// A process that uses something below a mount point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// What it is called.
    pub command: OsString,
    /// What it uses, sorted.
    pub paths: Vec<PathBuf>,
}

/// The processes that use something below `mountpoint`, by number. Nobody on systems without `/proc`.
pub fn holders(mountpoint: &Path) -> Vec<Holder> {
    let Ok(mountpoint) = super::mounts::absolute(mountpoint) else { return Vec::new() };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut holders: Vec<Holder> = numbers.filter_map(|pid| holder(pid, &mountpoint)).collect();
    holders.sort_by_key(|holder| holder.pid);
    holders
}

fn holder(pid: u32, mountpoint: &Path) -> Option<Holder> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let links = ["cwd", "root", "exe"].map(|name| process.join(name));
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten().map(|entry| entry.path());
    let linked = links.into_iter().chain(files).filter_map(|link| fs::read_link(link).ok());
    let maps = fs::read(process.join("maps")).unwrap_or_default();
    let mapped = maps.split(|&byte| byte == b'\n').filter_map(mapped_file);
    let mut paths: Vec<PathBuf> = linked.chain(mapped).filter(|path| path.starts_with(mountpoint)).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return None;
    }
    let mut command = fs::read(process.join("comm")).unwrap_or_default();
    command.pop_if(|byte| *byte == b'\n');
    Some(Holder { pid, command: OsString::from_vec(command), paths })
}

/// The file of a line of `/proc/PID/maps`: the sixth field, which begins with a slash and may hold blanks. Line
/// ends in names are written `\012`.
fn mapped_file(line: &[u8]) -> Option<PathBuf> {
    let slash = line.iter().position(|&byte| byte == b'/')?;
    let mut name = line[slash..].to_vec();
    while let Some(at) = name.windows(4).position(|piece| piece == b"\\012") {
        name.splice(at..at + 4, [b'\n']);
    }
    Some(OsString::from_vec(name).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_map() {
        let line = b"7f00-7f01 r-xp 00000000 00:2c 42                 /home/ann/clear text/a\\012b";
        assert_eq!(mapped_file(line), Some("/home/ann/clear text/a\nb".into()));
        assert_eq!(mapped_file(b"7f00-7f01 rw-p 00000000 00:00 0      [stack]"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_open_file_is_found() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().canonicalize().expect("it exists").join("held");
        assert_eq!(holders(folder.path()), []);
        let file = fs::File::create(&path).expect("a scratch file");
        let found = holders(folder.path());
        assert_eq!((found.len(), found[0].pid, &found[0].paths), (1, std::process::id(), &vec![path]));
        drop(file);
    }
}
