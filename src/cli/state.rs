//! Where encbox keeps what it has to remember between runs, outside every volume.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder for state: `ENCBOX_STATE_DIR`, or where this system has such things. It need not exist; `None` where
/// nothing says who we are.
pub(super) fn folder() -> Option<PathBuf> {
    choose(|name| std::env::var_os(name), rustix::process::geteuid().is_root())
}

fn choose(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Option<PathBuf> {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // a relative path there is to be ignored, says the XDG base directory specification
    let absolute = |name| path(name).filter(|path| path.is_absolute());
    let of_home = || {
        if cfg!(target_os = "macos") {
            return absolute("HOME").map(|home| home.join("Library/Application Support/encbox"));
        }
        let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
        state.map(|state| state.join("encbox"))
    };
    path("ENCBOX_STATE_DIR").or_else(of_home).or_else(|| is_root.then(|| PathBuf::from("/var/lib/encbox")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_first_that_is_set() {
        let chosen = |set: &[(&str, &str)], is_root| {
            let find = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into());
            choose(find, is_root).map(|path| path.to_str().expect("ASCII").to_owned())
        };
        let (own, xdg, home) =
            (("ENCBOX_STATE_DIR", "own"), ("XDG_STATE_HOME", "/xdg"), ("HOME", "/home/me"));
        assert_eq!(chosen(&[home, xdg, own], true).as_deref(), Some("own"));
        assert_eq!(chosen(&[home, xdg], false).as_deref(), Some("/xdg/encbox"));
        assert_eq!(
            chosen(&[home, ("XDG_STATE_HOME", "xdg")], false).as_deref(),
            Some("/home/me/.local/state/encbox")
        );
        assert_eq!(
            chosen(&[home, ("ENCBOX_STATE_DIR", "")], true).as_deref(),
            Some("/home/me/.local/state/encbox")
        );
        assert_eq!(chosen(&[], true).as_deref(), Some("/var/lib/encbox"));
        assert_eq!(chosen(&[], false), None);
    }
}
