//! The program as mount(8) calls it, for `/etc/fstab` and `mount -t`. What comes is turned into `encbox mount`.
//!
//! ```text
//! mount -t fuse.encbox SRC DIR -o OPTIONS   mount.fuse3 has `sh` run   encbox SRC DIR -o OPTIONS
//! mount -t encbox SRC DIR -o OPTIONS        mount(8) runs              /sbin/mount.encbox SRC DIR [-sfnvrw] [-o OPTIONS]
//! mount -t fuse.encbox SRC DIR              the same, if there is a    /sbin/mount.fuse.encbox
//! ```
//!
//! Options are those of `encbox mount` by their long names, and for the rest those of the kernel. A value with commas
//! in it stands in double quotes, as with mount(8).

use super::Error;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Options of `encbox mount` that mean something here; `true` for those with a value.
const OURS: &[(&str, bool)] = &[
    ("config", true),
    ("extpass", true),
    ("idle", true),
    ("keyring", false),
    ("log", true),
    ("on-demand", false),
    ("password-command", true),
    ("password-file", true),
    ("threads", true),
    ("verbose", false),
];

/// What somebody may take for the way to give a password.
const SECRETS: &[&str] = &["pass", "passphrase", "passwd", "password", "pw"];

/// The command line as `encbox mount` would have it, if mount(8) made it; as it is, if not. `None` if there is
/// nothing to do.
pub(super) fn translate(arguments: Vec<OsString>) -> Result<Option<Vec<OsString>>, Error> {
    let program = arguments.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    let is_helper = program.as_bytes().starts_with(b"mount.");
    let is_path = arguments.get(1).is_some_and(|first| first.as_bytes().starts_with(b"/"));
    if !is_helper && !is_path {
        return Ok(Some(arguments));
    }
    mount(&arguments[1..])
}

fn mount(arguments: &[OsString]) -> Result<Option<Vec<OsString>>, Error> {
    let mut mount: Vec<OsString> = ["encbox", "mount"].map(OsString::from).to_vec();
    let mut places = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_bytes() {
            b"-o" => mount.extend(options(value(arguments.next(), "-o")?)?),
            // the type is ours, and a namespace is entered before we are called
            b"-t" | b"-N" => drop(value(arguments.next(), "-t")?),
            [b'-', flags @ ..] if !flags.is_empty() => {
                for flag in flags {
                    match flag {
                        // a rehearsal
                        b'f' => return Ok(None),
                        b'r' => mount.push("--read-only".into()),
                        b'v' => mount.push("--verbose".into()),
                        b's' | b'n' | b'w' => {}
                        _ => {
                            return Err(usage(&format!(
                                "{}: unknown to mount(8)",
                                argument.to_string_lossy()
                            )));
                        }
                    }
                }
            }
            _ => places.push(argument.clone()),
        }
    }
    if places.len() != 2 {
        return Err(usage("as mount(8) calls it: VOLUME MOUNTPOINT [-sfnvrw] [-o OPTIONS]"));
    }
    mount.push("--".into());
    mount.extend(places);
    Ok(Some(mount))
}

fn value<'a>(value: Option<&'a OsString>, option: &str) -> Result<&'a OsStr, Error> {
    value.map(OsString::as_os_str).ok_or_else(|| usage(&format!("{option} has no value")))
}

fn options(text: &OsStr) -> Result<Vec<OsString>, Error> {
    let text = text.to_str().ok_or_else(|| usage("-o: not UTF-8"))?;
    let mut arguments = Vec::new();
    for word in words(text) {
        let (key, value) =
            word.split_once('=').map_or((word.as_str(), None), |(key, value)| (key, Some(value)));
        let name = key.replace('_', "-");
        if SECRETS.contains(&name.as_str()) {
            return Err(usage(&format!(
                "-o {key}: everybody on the machine could read it; use password-file, password-command or keyring"
            )));
        }
        match (OURS.iter().find(|(ours, _)| *ours == name), value) {
            (Some((_, true)), Some(value)) => arguments.extend([format!("--{name}").into(), value.into()]),
            (Some((_, false)), None) => arguments.push(format!("--{name}").into()),
            (Some((_, true)), None) => return Err(usage(&format!("-o {key} needs a value"))),
            (Some((_, false)), Some(_)) => return Err(usage(&format!("-o {key} takes no value"))),
            (None, _) => arguments.extend(["-o".into(), word.clone().into()]),
        }
    }
    Ok(arguments)
}

/// Parts at commas, but not within double quotes, which go.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is one to begin with").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn usage(text: &str) -> Error {
    Error::Usage(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &[&str]) -> Option<String> {
        let line = line.iter().map(OsString::from).collect();
        let words = translate(line).ok()?.unwrap_or_default();
        Some(words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn as_mount_fuse_calls_it() {
        let line =
            ["encbox", "/a b", "/m", "-o", "rw,nodev,password_file=/p q,idle=10,on-demand,allow_other"];
        let expected = "encbox|mount|-o|rw|-o|nodev|--password-file|/p q|--idle|10|--on-demand|-o|allow_other|--|/a b|/m";
        assert_eq!(translated(&line).as_deref(), Some(expected));
    }

    #[test]
    fn as_mount_calls_its_helpers() {
        let line = ["/sbin/mount.encbox", "v", "/m", "-sv", "-t", "fuse.encbox", "-o", "keyring,user"];
        let expected = "encbox|mount|--verbose|--keyring|-o|user|--|v|/m";
        assert_eq!(translated(&line).as_deref(), Some(expected));
        assert_eq!(translated(&["mount.fuse.encbox", "v", "m", "-f"]).as_deref(), Some(""));
        assert_eq!(translated(&["mount.encbox", "v"]), None);
        assert_eq!(translated(&["mount.encbox", "v", "m", "-x"]), None);
    }

    #[test]
    fn a_command_stays_what_it_is() {
        let line = ["/usr/bin/encbox", "ls", "/v", "-o", "x"];
        assert_eq!(translated(&line).as_deref(), Some("/usr/bin/encbox|ls|/v|-o|x"));
    }

    #[test]
    fn commas_in_quotes() {
        assert_eq!(words("a,password-command=\"x,y z\",,b"), ["a", "password-command=x,y z", "b"]);
    }

    #[test]
    fn no_password_on_the_command_line() {
        for option in ["password=x", "pass=x", "password-file", "keyring=yes"] {
            assert_eq!(translated(&["mount.encbox", "v", "m", "-o", option]), None, "{option}");
        }
    }
}
