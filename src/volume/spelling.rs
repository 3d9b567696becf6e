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
        !self.core.exact_names && !other_forms(name.as_bytes()).is_empty()
    }

    /// A name as it is spelt in a directory: the same if that is there, else in the form of Unicode that is there. For a
    /// name that is in no form there, as it is given; on macOS, which decomposes what programs hand to it, composed.
    pub fn spelling<'n>(&self, dir: &Dir, name: &'n OsStr) -> Cow<'n, OsStr> {
        if self.core.exact_names {
            return Cow::Borrowed(name);
        }
        let forms = other_forms(name.as_bytes());
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
        if let Some(form) = forms.iter().find(|form| is_there(os_str(form))) {
            return Cow::Owned(os_str(form).to_owned());
        }
        match cfg!(target_os = "macos") {
            true => Cow::Owned(os_str(&composed(name.as_bytes())).to_owned()),
            false => Cow::Borrowed(name),
        }
    }
}
