//! The file system stressors of stress-ng, a moment each; `scripts/posix.sh` has more of them, and for longer.

use std::process::Command;

use crate::Desk;
use crate::support::process;

/// Those that check what they read back, or what they are told.
const STRESSORS: [&str; 10] =
    ["dentry", "dir", "fallocate", "flock", "fstat", "hdd", "mmap", "rename", "seek", "xattr"];

pub(crate) fn short_stress(desk: Desk) {
    for stressor in STRESSORS {
        let mut stress = Command::new("stress-ng");
        stress.args([&format!("--{stressor}"), "2", "--timeout", "1s", "--verify", "--temp-path"]);
        process::run(stress.arg(desk.mounted()));
    }
    desk.mount.unmount();
}
