//! What is mounted, as the system tells it.

use super::control;
use super::error::Error;
use super::status::Status;
use std::path::Path;
use std::path::PathBuf;

/// How the mounts of this program are told from others: the kernel lists them as `fuse.encbox`.
pub(super) const SUBTYPE: &str = "encbox";
/// What they are called where they stand in for EncFS; then both programs' mounts are ours, to see and to unmount.
pub(super) const ENCFS_SUBTYPE: &str = "encfs";

/// A mounted volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// The ciphertext folder.
    pub volume: PathBuf,
    /// Where it is shown.
    pub mountpoint: PathBuf,
    /// Whether changes are refused.
    pub read_only: bool,
    /// How it is.
    pub state: State,
    /// What the program behind it says of itself. It answers its own user only.
    pub status: Option<Status>,
}

/// How a mount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Serving,
    /// It is there, and unlocked at the next access.
    Locked,
    /// Unmounted while it was in use: served until the last file is closed.
    OutOfSight,
    /// There is no program behind it any more.
    Dead,
}

/// Every mounted volume, those out of sight at the end. Asks each mount for a sign of life, and each program behind
/// one that belongs to the same user how it is.
pub fn mounts() -> Result<Vec<Mounted>, Error> {
    let mut told = control::ask_all();
    // only Linux has a table to read; elsewhere there is what the programs say
    let lines = if cfg!(target_os = "linux") { table()? } else { Vec::new() };
    let mut mounts = Vec::new();
    for line in lines.into_iter().filter(Line::is_ours) {
        let here = told.iter().position(|status| status.device == line.device);
        let status = here.map(|at| told.swap_remove(at));
        let locked = status.as_ref().is_some_and(|status| status.locked);
        // who has answered is alive, and is not kept busy
        let state = match status.is_some() || is_alive(&line.mountpoint) {
            true if locked => State::Locked,
            true => State::Serving,
            false => State::Dead,
        };
        let Line { mountpoint, source: volume, read_only, .. } = line;
        mounts.push(Mounted { volume, mountpoint, read_only, state, status });
    }
    mounts.extend(told.into_iter().map(Mounted::from_status));
    Ok(mounts)
}

impl Mounted {
    /// Whether there is a program behind it still.
    pub fn alive(&self) -> bool {
        self.state != State::Dead
    }

    /// A mount that the system's table does not have.
    fn from_status(status: Status) -> Mounted {
        let state = match (cfg!(target_os = "linux"), status.locked) {
            (true, _) => State::OutOfSight,
            (false, true) => State::Locked,
            (false, false) => State::Serving,
        };
        Mounted {
            volume: status.volume.clone().into(),
            mountpoint: status.mountpoint.clone().into(),
            read_only: status.read_only,
            state,
            status: Some(status),
        }
    }
}

/// A line of the system's table of mounts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Major and minor number of the device, which a mount keeps while it is out of sight.
    pub(super) device: String,
    pub(super) mountpoint: PathBuf,
    /// The type of the file system, `ext4` or `fuse.sshfs`.
    pub(super) kind: String,
    pub(super) source: PathBuf,
    read_only: bool,
}

impl Line {
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.kind.strip_prefix("fuse."), Some(SUBTYPE | ENCFS_SUBTYPE))
    }
}

/// What is mounted on `path`; if several are, the one on top. `path` is absolute, without links.
pub(super) fn mounted_on(path: &Path) -> Result<Option<Line>, Error> {
    Ok(table()?.into_iter().rfind(|line| line.mountpoint == path))
}

/// Whether a mount answers. Attributes could come from the kernel's memory; the space on the disk is asked for
/// every time.
pub(super) fn is_alive(mountpoint: &Path) -> bool {
    use rustix::io::Errno;
    !matches!(rustix::fs::statvfs(mountpoint), Err(Errno::NOTCONN | Errno::CONNABORTED))
}

/// The absolute path of a mount point without links, also of one whose mount is dead.
pub(super) fn absolute(mountpoint: &Path) -> std::io::Result<PathBuf> {
    match (mountpoint.canonicalize(), mountpoint.parent(), mountpoint.file_name()) {
        (Err(_), Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(parent.canonicalize()?.join(name))
        }
        (resolved, _, _) => resolved,
    }
}

#[cfg(target_os = "linux")]
fn table() -> Result<Vec<Line>, Error> {
    let path = "/proc/self/mountinfo";
    match std::fs::read(path) {
        Ok(table) => Ok(linux::parse(&table)),
        Err(source) => Err(Error::System { path: path.into(), source }),
    }
}

#[cfg(not(target_os = "linux"))]
fn table() -> Result<Vec<Line>, Error> {
    let source = std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "the list of mounts is read on Linux only; `mount` shows it",
    );
    Err(Error::System { path: "/".into(), source })
}

#[cfg(target_os = "linux")]
mod linux {
    //! `/proc/self/mountinfo`, as proc(5) has it:
    //!
    //! ```text
    //! 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    //!  id parent dev root mountpoint options [tags]...   type source options-of-the-file-system
    //! ```

    use super::Line;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;

    pub(super) fn parse(table: &[u8]) -> Vec<Line> {
        table.split(|&byte| byte == b'\n').filter_map(line).collect()
    }

    fn line(line: &[u8]) -> Option<Line> {
        let mut fields = line.split(|&byte| byte == b' ');
        let device = String::from_utf8_lossy(fields.nth(2)?).into_owned();
        let mountpoint = path(fields.nth(1)?);
        let options = fields.next()?;
        let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
        let kind = String::from_utf8_lossy(fields.next()?).into_owned();
        let source = path(fields.next()?);
        let read_only = options.split(|&byte| byte == b',').any(|option| option == b"ro");
        Some(Line { device, mountpoint, kind, source, read_only })
    }

    /// Blanks, tabs, line ends and backslashes stand as three octal digits.
    fn path(field: &[u8]) -> PathBuf {
        let mut bytes = Vec::with_capacity(field.len());
        let mut rest = field;
        while let [first, tail @ ..] = rest {
            match rest {
                [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                    bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                    rest = tail;
                }
                _ => {
                    bytes.push(*first);
                    rest = tail;
                }
            }
        }
        OsString::from_vec(bytes).into()
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::path::Path;

        const TABLE: &[u8] = b"\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
90 22 0:44 / /home/ann/clear\\040text ro,nosuid,nodev shared:5 master:2 - fuse.encbox /home/ann/Dropbox/a\\134b ro,user_id=0\n\
91 22 0:45 / /mnt rw - fuse.sshfs host:/ rw,user_id=0\n\
92 22 0:46 / /mnt2 rw - fuse.encfs encfs rw,user_id=0\n";

        #[test]
        fn fields_with_and_without_tags() {
            let lines = parse(TABLE);
            assert_eq!(lines.len(), 4);
            assert_eq!(lines[1].mountpoint, Path::new("/home/ann/clear text"));
            assert_eq!(lines[1].source, Path::new("/home/ann/Dropbox/a\\b"));
            assert_eq!(lines[1].device, "0:44");
            assert!(lines[1].read_only && lines[1].is_ours());
            assert_eq!((lines[2].kind.as_str(), lines[2].is_ours()), ("fuse.sshfs", false));
            assert_eq!((lines[3].kind.as_str(), lines[3].is_ours()), ("fuse.encfs", true));
            assert!(!lines[0].read_only);
        }

        #[test]
        fn a_line_cut_short_is_no_line() {
            assert_eq!(parse(b"36 35 98:0 / /mnt rw - ext4\n\nrubbish"), []);
        }

        #[test]
        fn only_octal_digits_are_an_escape() {
            assert_eq!(path(b"\\0409\\9\\12"), Path::new(" 9\\9\\12"));
        }
    }
}
