//! `encbox unmount`.

use super::{Error, exit};
use crate::mount::{self, Holder, holders, unmount};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Paths that are named of one process.
const MAX_PATHS: usize = 3;

/// Unmount a volume
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
If something in it is in use, says who uses what (of other users only to root), and leaves it mounted.\n\n\
Examples:\n  \
encbox unmount ~/Private\n  \
encbox unmount --wait 10 ~/Private")]
pub(super) struct Unmount {
    /// Where it is mounted
    mountpoint: PathBuf,
    /// Take it out of sight now, and end when the last file in it is closed
    #[arg(short, long)]
    lazy: bool,
    /// If it is in use, try again for so many seconds
    #[arg(short, long, value_name = "SECONDS", default_value_t = 0)]
    wait: u32,
}

impl Unmount {
    pub(super) fn run(&self) -> Result<(), Error> {
        let start = Instant::now();
        let patience = Duration::from_secs(self.wait.into());
        loop {
            match unmount(&self.mountpoint, self.lazy) {
                Err(mount::Error::Busy { .. }) if start.elapsed() < patience => thread::sleep(PAUSE),
                Err(error @ mount::Error::Busy { .. }) => {
                    holders(&self.mountpoint).iter().for_each(|holder| exit::tell(&line(holder)));
                    return Err(error.into());
                }
                done => return Ok(done?),
            }
        }
    }
}

/// `process 4711 (less) uses /home/ann/Private/notes`
fn line(holder: &Holder) -> String {
    let Holder { pid, command, paths } = holder;
    let shown: Vec<_> = paths.iter().take(MAX_PATHS).map(|path| path.display().to_string()).collect();
    let more = match paths.len().saturating_sub(MAX_PATHS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("process {pid} ({}) uses {}{more}", command.to_string_lossy(), shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_uses_much_is_cut_short() {
        let paths = ["a", "b", "c", "d", "e"].map(PathBuf::from).to_vec();
        let holder = Holder { pid: 7, command: "less".into(), paths };
        assert_eq!(line(&holder), "process 7 (less) uses a, b, c and 2 more");
    }
}
