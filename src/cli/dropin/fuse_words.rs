//! Options that encfs(1) hands to libfuse 2: which of them mean something here, which only tune libfuse, and which
//! would change what users see and cannot be had.

use super::{Ended, say};
use std::ffi::OsString;

/// Mount options, sorted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FuseWords {
    /// For `encbox mount -o`.
    pub(super) words: Vec<String>,
    pub(super) fs_name: Option<String>,
    /// Milliseconds that the kernel keeps attributes, names.
    pub(super) attributes_ms: Option<u64>,
    pub(super) names_ms: Option<u64>,
    pub(super) no_pages: bool,
    pub(super) foreground: bool,
    pub(super) single_thread: bool,
}

/// Nothing depends on these: they tune libfuse, or ask for what is so anyway.
const WITHOUT_EFFECT: &[&str] = &[
    "use_ino",
    "readdir_ino",
    "kernel_cache",
    "auto_cache",
    "noauto_cache",
    "ac_attr_timeout",
    "negative_timeout",
    "big_writes",
    "large_read",
    "max_read",
    "max_write",
    "max_readahead",
    "max_background",
    "congestion_threshold",
    "async_read",
    "sync_read",
    "atomic_o_trunc",
    "hard_remove",
    "noforget",
    "remember",
    "nopath",
    "intr",
    "intr_signal",
    "no_remote_lock",
    "no_remote_flock",
    "no_remote_posix_lock",
    "splice_write",
    "splice_move",
    "splice_read",
    "no_splice_write",
    "no_splice_move",
    "no_splice_read",
    "clone_fd",
    "blkdev",
    "blksize",
    "debug",
];

/// They would change owners, permissions or names.
const REFUSED: &[&str] =
    &["uid", "gid", "umask", "modules", "subdir", "rellinks", "norellinks", "from_code", "to_code"];

impl FuseWords {
    /// Sorts the arguments; complains about what cannot be had.
    pub(super) fn sort(arguments: &[OsString]) -> Result<FuseWords, Ended> {
        let mut sorted = FuseWords::default();
        let mut rest = arguments.iter().map(|argument| argument.to_string_lossy());
        while let Some(argument) = rest.next() {
            match argument.as_ref() {
                "-o" => sorted.take_list(&rest.next().unwrap_or_default())?,
                "-f" | "-d" => sorted.foreground = true,
                "-s" => sorted.single_thread = true,
                glued if glued.starts_with("-o") => sorted.take_list(&glued[2..])?,
                option if option.starts_with('-') => {
                    return Err(say::fail(&format!("fuse: unknown option `{option}'")));
                }
                other => return Err(say::fail(&format!("fuse: invalid argument `{other}'"))),
            }
        }
        Ok(sorted)
    }

    fn take_list(&mut self, list: &str) -> Result<(), Ended> {
        split(list).iter().try_for_each(|word| self.take(word))
    }

    fn take(&mut self, word: &str) -> Result<(), Ended> {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "fsname" => self.fs_name = Some(value.to_owned()),
            "attr_timeout" => self.attributes_ms = Some(milliseconds(word, value)?),
            "entry_timeout" => self.names_ms = Some(milliseconds(word, value)?),
            "direct_io" => self.no_pages = true,
            // front ends say it, too
            "subtype" if value == "encfs" => {}
            "subtype" => say::err("encfs: -o subtype= is not changed: mounts are known by it\n"),
            name if WITHOUT_EFFECT.contains(&name) => {}
            name if REFUSED.contains(&name) => {
                return Err(say::fail(&format!(
                    "encfs: -o {word}: encbox cannot change what files look like"
                )));
            }
            _ => self.words.push(word.to_owned()),
        }
        Ok(())
    }
}

/// Splits at commas; one behind a backslash belongs to its word.
fn split(list: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        match (c, words.last_mut()) {
            (',', _) => words.push(String::new()),
            ('\\', Some(word)) => word.extend(chars.next()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words
}

fn milliseconds(word: &str, seconds: &str) -> Result<u64, Ended> {
    match seconds.parse::<f64>() {
        // out of range, the cast keeps to the nearest number there is
        Ok(seconds) if seconds >= 0.0 => Ok((seconds * 1000.0) as u64),
        _ => Err(say::fail(&format!("fuse: invalid parameter in option `{word}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(words: &[&str]) -> Result<FuseWords, Ended> {
        FuseWords::sort(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_counts_is_kept_and_the_rest_accepted() {
        let sorted =
            sort(&["-o", "ro,kernel_cache,attr_timeout=0.5", "-oallow_other", "-s", "-o", "entry_timeout=0"]);
        let expected = FuseWords {
            words: vec!["ro".into(), "allow_other".into()],
            attributes_ms: Some(500),
            names_ms: Some(0),
            single_thread: true,
            ..FuseWords::default()
        };
        assert_eq!(sorted, Ok(expected));
        let sorted = sort(&["-o", r"fsname=encfs@/a\,b,subtype=encfs"]).expect("both are known");
        assert_eq!(sorted.fs_name.as_deref(), Some("encfs@/a,b"));
        assert!(sorted.words.is_empty());
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        for words in
            [&["-o", "umask=077"][..], &["-o", "uid=3"], &["-n"], &["extra"], &["-o", "attr_timeout=x"]]
        {
            assert_eq!(sort(words), Err(Ended(1)), "{words:?}");
        }
    }
}
