//! An agent for launchd (launchd.plist(5)).
#![cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "others have systemd"))]

use super::service::{Service, below_home, mark};
use std::path::{Path, PathBuf};

pub(super) fn folder() -> Option<PathBuf> {
    below_home("Library/LaunchAgents")
}

pub(super) fn file_name(name: &str) -> String {
    format!("{}.plist", label(name))
}

fn label(name: &str) -> String {
    format!("encbox.{name}")
}

/// `launchctl` makes none.
pub(super) fn links(_: &Path) -> Vec<PathBuf> {
    Vec::new()
}

pub(super) fn how_to_start(_: &str, path: &Path) -> Vec<String> {
    vec![format!("launchctl bootstrap gui/$(id -u) '{}'", path.display().to_string().replace('\'', "'\\''"))]
}

pub(super) fn how_to_stop(name: &str) -> Vec<String> {
    vec![format!("launchctl bootout gui/$(id -u)/{}", label(name))]
}

pub(super) fn file(service: &Service) -> String {
    let Service { name, mountpoint, program, arguments } = service;
    let words = [program].into_iter().chain(arguments);
    let words: String = words.map(|word| format!("        <string>{}</string>\n", escape(word))).collect();
    format!(
        "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<!-- {} -->
<plist version=\"1.0\">
<dict>
    <key>Label</key>
    <string>{}</string>
    <key>ProgramArguments</key>
    <array>
{words}    </array>
    <key>RunAtLoad</key>
    <true/>
    <key>KeepAlive</key>
    <dict>
        <key>SuccessfulExit</key>
        <false/>
    </dict>
    <key>ThrottleInterval</key>
    <integer>30</integer>
    <key>Umask</key>
    <integer>63</integer>
</dict>
</plist>
",
        escape(&mark(mountpoint)),
        escape(&label(name)),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_escaped() {
        let service = Service {
            name: "Private".to_owned(),
            mountpoint: "/Users/ann/Private".to_owned(),
            program: "/usr/local/bin/encbox".to_owned(),
            arguments: vec!["mount".to_owned(), "/Users/ann/R&D <old>".to_owned()],
        };
        let file = file(&service);
        assert!(file.contains(
            "        <string>mount</string>\n        <string>/Users/ann/R&amp;D &lt;old&gt;</string>"
        ));
        assert!(file.contains("<string>encbox.Private</string>"));
    }
}
