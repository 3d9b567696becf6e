//! Names as somebody types them, against names as somebody else wrote them: in another form of Unicode.

use super::Volume;
use super::dir::Dir;
use super::spot::os_str;
use crate::names::{composed, other_forms};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

impl Volume {
    /// Whether [`Volume::spelling`] may change this name.
    pub fn has_spellings(&self, name: &OsStr) -> bool {
        !self.forms(name).is_empty()
    }

    /// A name as it is spelt in a directory: the same if that is there, else in the form of Unicode that is there. One that
    /// is in no form there is spelt as [`Volume::new_spelling`] says.
    pub fn spelling<'n>(&self, dir: &Dir, name: &'n OsStr) -> Cow<'n, OsStr> {
        let forms = self.forms(name);
        if forms.is_empty() {
            return Cow::Borrowed(name);
        }
        let _chains = self.core.hold_chains();
        // whoever uses the name hears of any other error
        let is_there =
            |name: &OsStr| self.spot("looking at", dir, name).is_ok_and(|spot| spot.stat().is_ok());
        if is_there(name) {
            return Cow::Borrowed(name);
        }
        match forms.iter().find(|form| is_there(os_str(form))) {
            Some(form) => Cow::Owned(os_str(form).to_owned()),
            None => self.new_spelling(name),
        }
    }

    /// A name as it is spelt where it is made: as it is given; composed on macOS, which decomposes what programs hand to
    /// it.
    pub fn new_spelling<'n>(&self, name: &'n OsStr) -> Cow<'n, OsStr> {
        if cfg!(target_os = "macos") && self.has_spellings(name) {
            return Cow::Owned(os_str(&composed(name.as_bytes())).to_owned());
        }
        Cow::Borrowed(name)
    }

    fn forms(&self, name: &OsStr) -> Vec<Vec<u8>> {
        if self.core.exact_names { Vec::new() } else { other_forms(name.as_bytes()) }
    }
}
