//! Which volume a mount of type `fuse.encfs` shows. The table of mounts says only `encfs`; but the program that
//! serves it, EncFS or encbox in its place, has the two folders side by side on its command line.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The ciphertext folder behind a mount point; `None` where the system does not tell.
pub(in crate::cli) fn served_by_encfs(mountpoint: &Path) -> Option<PathBuf> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut command_lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    command_lines.find_map(|line| volume_in(&line, mountpoint))
}

/// A command line has a zero behind every word.
fn volume_in(command_line: &[u8], mountpoint: &Path) -> Option<PathBuf> {
    let words: Vec<&Path> =
        command_line.split(|&byte| byte == 0).map(|word| Path::new(OsStr::from_bytes(word))).collect();
    let (program, words) = words.split_first()?;
    if !matches!(program.file_name()?.as_bytes(), b"encfs" | b"encbox") {
        return None;
    }
    let folders = words.windows(2).find(|pair| pair[0].is_absolute() && pair[1] == mountpoint)?;
    // without the slash that EncFS puts at the end
    Some(folders[0].components().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(words: &[&str]) -> Option<PathBuf> {
        volume_in((words.join("\0") + "\0").as_bytes(), Path::new("/home/ann/clear"))
    }

    #[test]
    fn the_word_before_the_mount_point() {
        let vault = Some("/vault".into());
        assert_eq!(volume(&["encfs", "-S", "/vault/", "/home/ann/clear/", "-o", "ro"]), vault);
        assert_eq!(volume(&["/usr/bin/encbox", "mount", "--", "/vault", "/home/ann/clear"]), vault);
        assert_eq!(volume(&["encbox", "guard", "/home/ann/clear"]), None);
        assert_eq!(volume(&["encfs", "/vault", "/home/ann/other"]), None);
        assert_eq!(volume(&["less", "/vault", "/home/ann/clear"]), None);
    }
}
