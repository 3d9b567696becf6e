//! Taking a mount away.

use super::error::Error;
use super::mounts::absolute;
use super::mounts::mounted_on;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// How often, and how long each time, a mount that is in use is waited for.
const MOMENTS: u32 = 5;
const MOMENT: Duration = Duration::from_millis(20);

/// Unmounts a volume. With `lazy` it disappears at once, and the program behind it ends when the last file that
/// is open there is closed.
pub fn unmount(mountpoint: &Path, lazy: bool) -> Result<(), Error> {
    let path = absolute(mountpoint).map_err(|source| Error::System { path: mountpoint.into(), source })?;
    expect_ours(&path)?;
    for _ in 0..MOMENTS {
        match detach(&path, lazy) {
            // perhaps it is only being looked at, be it by the daemon itself (see `announce`)
            Err(Error::Busy { .. }) => thread::sleep(MOMENT),
            detached => return detached,
        }
    }
    detach(&path, lazy)
}

fn expect_ours(path: &Path) -> Result<(), Error> {
    if cfg!(not(target_os = "linux")) {
        return Ok(()); // no table of mounts to ask, and `umount` refuses what is no mount point
    }
    match mounted_on(path)? {
        Some(line) if line.is_ours() => Ok(()),
        Some(line) => Err(Error::NotOurs { path: path.into(), kind: line.kind }),
        None => Err(Error::NotMounted { path: path.into() }),
    }
}

#[cfg(target_os = "linux")]
fn detach(path: &Path, lazy: bool) -> Result<(), Error> {
    use rustix::io::Errno;
    use rustix::mount::UnmountFlags;

    let lazily = if lazy { UnmountFlags::DETACH } else { UnmountFlags::empty() };
    match rustix::mount::unmount(path, UnmountFlags::NOFOLLOW | lazily) {
        Ok(()) => Ok(()),
        Err(Errno::BUSY) => Err(Error::Busy { path: path.into() }),
        // only root may; fusermount may for the one who mounted
        Err(Errno::PERM) => {
            let arguments: &[_] = if lazy { &["-u", "-z", "--"] } else { &["-u", "--"] };
            ask(path, &["fusermount3", "fusermount"], arguments)
        }
        Err(errno) => Err(Error::Unmount { path: path.into(), reason: errno.to_string() }),
    }
}

#[cfg(not(target_os = "linux"))]
fn detach(path: &Path, lazy: bool) -> Result<(), Error> {
    ask(path, &["umount"], if lazy { &["-f"] } else { &[] })
}

/// Has another program unmount `path`: the first of these that is installed.
fn ask(path: &Path, programs: &[&str], arguments: &[&str]) -> Result<(), Error> {
    let failed = |reason| Error::Unmount { path: path.into(), reason };
    for program in programs {
        let output = match Command::new(program).args(arguments).arg(path).output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(format!("{program}: {error}"))),
        };
        let said = String::from_utf8_lossy(&output.stderr);
        return match (output.status.success(), said.contains("busy")) {
            (true, _) => Ok(()),
            (false, true) => Err(Error::Busy { path: path.into() }),
            (false, false) => Err(failed(said.trim().to_owned())),
        };
    }
    Err(failed(format!("{} is not installed", programs.join(" or "))))
}
