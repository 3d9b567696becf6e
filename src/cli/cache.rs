//! Where encbox keeps what it can make again, outside every volume.

use super::Error;
use std::ffi::OsString;
use std::path::PathBuf;

/// The folder for caches: `ENCBOX_CACHE_DIR`, or where this system has such things. It need not exist.
pub(super) fn folder() -> Result<PathBuf, Error> {
    let chosen = choose(|name| std::env::var_os(name));
    chosen.ok_or_else(|| {
        Error::Usage("no folder for caches is known: set HOME, XDG_CACHE_HOME or ENCBOX_CACHE_DIR".into())
    })
}

fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // a relative path there is to be ignored, says the XDG base directory specification
    let absolute = |name| path(name).filter(|path| path.is_absolute());
    let of_system = || {
        let cache = match cfg!(target_os = "macos") {
            true => absolute("HOME").map(|home| home.join("Library/Caches")),
            false => absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache"))),
        };
        cache.map(|cache| cache.join("encbox"))
    };
    path("ENCBOX_CACHE_DIR").or_else(of_system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_first_that_is_set() {
        let chosen = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into());
            choose(find).map(|path| path.to_str().expect("ASCII").to_owned())
        };
        let (own, xdg, home) =
            (("ENCBOX_CACHE_DIR", "own"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/me"));
        assert_eq!(chosen(&[home, xdg, own]).as_deref(), Some("own"));
        assert_eq!(chosen(&[home, xdg]).as_deref(), Some("/xdg/encbox"));
        assert_eq!(chosen(&[home, ("XDG_CACHE_HOME", "xdg")]).as_deref(), Some("/home/me/.cache/encbox"));
        assert_eq!(chosen(&[]), None);
    }
}
