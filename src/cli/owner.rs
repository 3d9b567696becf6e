//! Names of users and groups, as far as `/etc/passwd` and `/etc/group` have them; others stay numbers.

use std::collections::HashMap;
use std::path::Path;

/// What ids are called on this machine.
pub(super) struct Owners {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Owners {
    pub(super) fn read() -> Owners {
        Owners { users: names(Path::new("/etc/passwd")), groups: names(Path::new("/etc/group")) }
    }

    pub(super) fn user(&self, uid: u32) -> String {
        self.users.get(&uid).cloned().unwrap_or_else(|| uid.to_string())
    }

    pub(super) fn group(&self, gid: u32) -> String {
        self.groups.get(&gid).cloned().unwrap_or_else(|| gid.to_string())
    }
}

/// Lines of `name:password:id:…`.
fn names(path: &Path) -> HashMap<u32, String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = |line: &str| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        Some((id.parse().ok()?, name.to_string()))
    };
    text.lines().filter_map(line).collect()
}
