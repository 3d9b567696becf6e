//! A unit for the user's systemd (systemd.service(5), quoting as in systemd.syntax(7)).
#![cfg_attr(target_os = "macos", allow(dead_code, reason = "macOS has launchd"))]

use super::service::{Service, below_home, mark};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(super) fn folder() -> Option<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    Some(config.or_else(|| below_home(".config"))?.join("systemd/user"))
}

pub(super) fn file_name(name: &str) -> String {
    format!("encbox-{name}.service")
}

/// What `systemctl enable` makes beside the file.
pub(super) fn links(path: &Path) -> Vec<PathBuf> {
    let (folder, name) = (path.parent(), path.file_name());
    folder
        .zip(name)
        .map(|(folder, name)| folder.join("default.target.wants").join(name))
        .into_iter()
        .collect()
}

pub(super) fn how_to_start(name: &str, _: &Path) -> Vec<String> {
    vec![
        "systemctl --user daemon-reload".to_owned(),
        format!("systemctl --user enable --now {}", file_name(name)),
    ]
}

pub(super) fn how_to_stop(name: &str) -> Vec<String> {
    vec![format!("systemctl --user stop {}", file_name(name)), "systemctl --user daemon-reload".to_owned()]
}

pub(super) fn file(service: &Service) -> String {
    let Service { mountpoint, program, arguments, .. } = service;
    let start: Vec<String> = [program].into_iter().chain(arguments).map(|word| quote(word)).collect();
    let stop = [program.as_str(), "unmount", "--wait", "5", "--", mountpoint].map(quote);
    format!(
        "\
# {}
# Changes here are lost when it is installed again; `systemctl --user edit` keeps its own file.

[Unit]
Description=Encrypted folder {}

[Service]
Type=notify
NotifyAccess=main
# The colon: no variables in what follows.
ExecStart=:{}
# Whatever is in use after that is served out of sight until it is closed.
ExecStop=-:{}
KillMode=mixed
TimeoutStopSec=60
Restart=on-failure
RestartSec=10
# A wrong password, a missing volume or a mount point that is refused does not get better by itself.
RestartPreventExitStatus=2 3 4 5 6 7 8 12 13
# Keys and plaintext stay out of core dumps and the swap. There is no sandbox: in a user's service it would mean a
# mount namespace of its own, where nobody else sees the mount, or that fusermount3 may not mount.
LimitCORE=0
MemorySwapMax=0
UMask=0077

[Install]
WantedBy=default.target
",
        mark(mountpoint),
        escape_specifiers(&mountpoint.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>()),
        start.join(" "),
        stop.join(" "),
    )
}

/// A word of a command line.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_ascii_control() => {
                write!(quoted, "\\x{:02x}", u32::from(c)).expect("a string takes it")
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    escape_specifiers(&quoted)
}

fn escape_specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_have_to_be() {
        assert_eq!(quote("/usr/bin/encbox"), "/usr/bin/encbox");
        assert_eq!(quote(""), "\"\"");
        assert_eq!(quote("a b"), "\"a b\"");
        assert_eq!(quote("50%$x"), "\"50%%$x\"");
        assert_eq!(quote("q\"b\\s\n;"), "\"q\\\"b\\\\s\\x0a;\"");
        assert_eq!(quote("Übel"), "\"Übel\"");
    }
}
