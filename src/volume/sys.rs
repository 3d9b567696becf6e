//! System calls on the ciphertext tree, and where Linux and macOS differ in them.
//!
//! Everything is relative to a directory descriptor and never follows a symbolic link of the tree.

use super::attr::{FileId, Kind, SetAttr, SetTime};
#[cfg(target_os = "linux")]
use rustix::fd::AsRawFd;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, SeekFrom, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
    Uid, XattrFlags,
};
use rustix::io::{Errno, Result};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A directory entry as the system sees it.
#[derive(Debug, Clone)]
pub(super) struct RawStat {
    pub(super) id: FileId,
    pub(super) kind: Kind,
    pub(super) len: u64,
    pub(super) blocks: u64,
    pub(super) mode: u32,
    pub(super) nlink: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) rdev: u64,
    pub(super) atime: SystemTime,
    pub(super) mtime: SystemTime,
    pub(super) ctime: SystemTime,
    pub(super) btime: Option<SystemTime>,
}

pub(super) fn kind_of(file_type: FileType) -> Option<Kind> {
    Some(match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::Unknown => return None,
    })
}

/// Entry `name` of `dir`; with an empty name, `dir` itself.
pub(super) fn stat_at(dir: impl AsFd, name: &[u8]) -> Result<RawStat> {
    stat_impl(dir, name)
}

/// [`stat_at`] of an entry that may be gone.
pub(super) fn stat_if_there(dir: impl AsFd, name: &[u8]) -> Result<Option<RawStat>> {
    match stat_at(dir, name) {
        Err(Errno::NOENT) => Ok(None),
        stat => stat.map(Some),
    }
}

pub(super) fn stat_fd(fd: impl AsFd) -> Result<RawStat> {
    stat_impl(fd, b"")
}

#[cfg(target_os = "linux")]
fn stat_impl(dir: impl AsFd, name: &[u8]) -> Result<RawStat> {
    use rustix::fs::{StatxFlags, makedev, statx};
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    let stat = statx(dir, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
    let has_btime = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    Ok(RawStat {
        id: FileId { dev: makedev(stat.stx_dev_major, stat.stx_dev_minor), ino: stat.stx_ino },
        kind: kind_of(FileType::from_raw_mode(stat.stx_mode.into())).ok_or(Errno::IO)?,
        len: stat.stx_size,
        blocks: stat.stx_blocks,
        mode: u32::from(stat.stx_mode) & 0o7777,
        nlink: stat.stx_nlink.into(),
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        rdev: makedev(stat.stx_rdev_major, stat.stx_rdev_minor),
        atime: time(stat.stx_atime.tv_sec, stat.stx_atime.tv_nsec),
        mtime: time(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        ctime: time(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        btime: has_btime.then(|| time(stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec)),
    })
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_cast)] // the widths differ between systems
fn stat_impl(dir: impl AsFd, name: &[u8]) -> Result<RawStat> {
    let stat = match name {
        b"" => rustix::fs::fstat(dir)?,
        _ => rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?,
    };
    Ok(RawStat {
        id: FileId { dev: stat.st_dev as u64, ino: stat.st_ino as u64 },
        kind: kind_of(FileType::from_raw_mode(stat.st_mode as _)).ok_or(Errno::IO)?,
        len: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        mode: stat.st_mode as u32 & 0o7777,
        nlink: stat.st_nlink as u64,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: stat.st_rdev as u64,
        atime: time(stat.st_atime as i64, stat.st_atime_nsec as u32),
        mtime: time(stat.st_mtime as i64, stat.st_mtime_nsec as u32),
        ctime: time(stat.st_ctime as i64, stat.st_ctime_nsec as u32),
        btime: None,
    })
}

/// Times before 1970 have negative seconds and, all the same, nanoseconds that count upwards.
pub(super) fn time(seconds: i64, nanoseconds: u32) -> SystemTime {
    let whole = match u64::try_from(seconds) {
        Ok(after) => UNIX_EPOCH.checked_add(Duration::from_secs(after)),
        Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(seconds.unsigned_abs())),
    };
    whole.and_then(|time| time.checked_add(Duration::from_nanos(nanoseconds.into()))).unwrap_or(UNIX_EPOCH)
}

/// Seconds since 1970, rounded down, and nanoseconds on top.
pub fn seconds_and_nanoseconds(time: SystemTime) -> (i64, u32) {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (after.as_secs() as i64, after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let part = before.subsec_nanos();
            let seconds = -(before.as_secs() as i64) - i64::from(part > 0);
            (seconds, (1_000_000_000 - part) % 1_000_000_000)
        }
    }
}

fn timespec(time: Option<SetTime>) -> Timespec {
    match time {
        None => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        Some(SetTime::Now) => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Some(SetTime::At(time)) => {
            let (seconds, nanoseconds) = seconds_and_nanoseconds(time);
            Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() }
        }
    }
}

fn timestamps(atime: Option<SetTime>, mtime: Option<SetTime>) -> Timestamps {
    Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) }
}

pub(super) fn set_times_at(
    dir: impl AsFd,
    name: &[u8],
    atime: Option<SetTime>,
    mtime: Option<SetTime>,
) -> Result<()> {
    rustix::fs::utimensat(dir, name, &timestamps(atime, mtime), AtFlags::SYMLINK_NOFOLLOW)
}

pub(super) fn chown_at(dir: impl AsFd, name: &[u8], uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    rustix::fs::chownat(dir, name, uid.map(Uid::from_raw), gid.map(Gid::from_raw), AtFlags::SYMLINK_NOFOLLOW)
}

/// Changes the mode of an entry; a symbolic link has none to change.
pub(super) fn chmod_at(dir: impl AsFd, name: &[u8], mode: u32) -> Result<()> {
    // a descriptor first: by name alone, a link put there meanwhile would be followed
    chmod_handle(open_handle(dir, name)?, mode)
}

/// Changes the mode of what a handle or an open file stands for.
pub(super) fn chmod_handle(fd: impl AsFd, mode: u32) -> Result<()> {
    let mode = Mode::from_raw_mode(mode as _);
    #[cfg(target_os = "linux")]
    return rustix::fs::chmod(handle_path(&fd), mode);
    #[cfg(not(target_os = "linux"))]
    return rustix::fs::fchmod(fd, mode);
}

pub(super) fn chown_handle(fd: impl AsFd, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    #[cfg(target_os = "linux")]
    return rustix::fs::chownat(fd, "", uid, gid, AtFlags::EMPTY_PATH);
    #[cfg(not(target_os = "linux"))]
    return rustix::fs::fchown(fd, uid, gid);
}

pub(super) fn set_handle_times(fd: impl AsFd, atime: Option<SetTime>, mtime: Option<SetTime>) -> Result<()> {
    let times = timestamps(atime, mtime);
    #[cfg(target_os = "linux")]
    return rustix::fs::utimensat(rustix::fs::CWD, handle_path(&fd), &times, AtFlags::empty());
    #[cfg(not(target_os = "linux"))]
    return rustix::fs::futimens(fd, &times);
}

/// Changes mode and times of a file that is open in earnest, which needs no path to it.
pub(super) fn set_on_file(fd: impl AsFd, attr: &SetAttr) -> Result<()> {
    if let Some(mode) = attr.mode {
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode as _))?;
    }
    if attr.atime.is_some() || attr.mtime.is_some() {
        rustix::fs::futimens(fd, &timestamps(attr.atime, attr.mtime))?;
    }
    Ok(())
}

/// The times of an entry that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) atime: SystemTime,
    pub(super) mtime: SystemTime,
}

impl RawStat {
    pub(super) fn times(&self) -> Times {
        Times { atime: self.atime, mtime: self.mtime }
    }
}

/// Sets times back after something had to change them. Those who may write are not always those who may do
/// this, and no operation is worth failing for it.
pub(super) fn restore_times(fd: impl AsFd, times: Times) {
    let times = timestamps(Some(SetTime::At(times.atime)), Some(SetTime::At(times.mtime)));
    note(rustix::fs::futimens(fd, &times));
}

/// [`restore_times`] of a directory handle.
pub(super) fn restore_handle_times(fd: impl AsFd, times: Times) {
    note(set_handle_times(fd, Some(SetTime::At(times.atime)), Some(SetTime::At(times.mtime))));
}

fn note(restored: Result<()>) {
    if let Err(errno) = restored {
        tracing::debug!(%errno, "times could not be restored");
    }
}

/// Renames; nothing that has the new name is lost.
pub(super) fn rename_noreplace(from: impl AsFd, old: &[u8], into: impl AsFd, new: &[u8]) -> Result<()> {
    match rustix::fs::renameat_with(&from, old, &into, new, RenameFlags::NOREPLACE) {
        // a file system that cannot: then this is as near as it gets
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => match stat_at(&into, new) {
            Ok(_) => Err(Errno::EXIST),
            Err(_) => rustix::fs::renameat(from, old, into, new),
        },
        result => result,
    }
}

/// Swaps two entries.
pub(super) fn rename_exchange(from: impl AsFd, old: &[u8], into: impl AsFd, new: &[u8]) -> Result<()> {
    rustix::fs::renameat_with(from, old, into, new, RenameFlags::EXCHANGE)
}

/// How a handle is opened: on Linux without any right to the contents, so that a directory needs no read
/// permission to be walked through.
#[cfg(target_os = "linux")]
const HANDLE: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const HANDLE: OFlags = OFlags::RDONLY;

/// A handle on an entry, a link itself rather than what it points to.
pub(super) fn open_handle(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | HANDLE;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

/// A handle on a directory, for the `*at` calls.
pub(super) fn open_dir_handle(dir: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | HANDLE;
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

/// A handle on the root of a volume; here links on the way are followed, they are the user's.
pub(super) fn open_root_handle(path: &std::path::Path) -> Result<OwnedFd> {
    rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC | HANDLE, Mode::empty())
}

/// Opens a file whose access time we had better not change, which only its owner can ask for.
pub(super) fn open_leaving_atime(dir: impl AsFd, name: &[u8], flags: OFlags) -> Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    match rustix::fs::openat(&dir, name, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => {}
        opened => return opened,
    }
    rustix::fs::openat(dir, name, flags, Mode::empty())
}

/// A directory open for listing and for fsync.
pub(super) fn reopen_dir(handle: impl AsFd) -> Result<OwnedFd> {
    rustix::fs::openat(handle, ".", OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// The entries of a directory, `.` and `..` included.
pub(super) fn read_dir(handle: impl AsFd) -> Result<rustix::fs::Dir> {
    rustix::fs::Dir::new(reopen_dir(handle)?)
}

/// A way to name what a handle stands for, for calls that take paths only.
#[cfg(target_os = "linux")]
fn handle_path(fd: impl AsFd) -> String {
    format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())
}

/// Where extended attributes are read and written: by descriptor, or by a path that leads to one.
pub(super) enum XattrPlace {
    Fd(OwnedFd),
    #[cfg(target_os = "linux")]
    Path(Vec<u8>),
}

impl XattrPlace {
    /// Entry `name` of `dir`, a link itself rather than what it points to; with an empty name, `dir` itself.
    pub(super) fn at(dir: impl AsFd, name: &[u8]) -> Result<XattrPlace> {
        #[cfg(target_os = "linux")]
        {
            let tail: &[u8] = if name.is_empty() { b"/." } else { b"/" };
            Ok(XattrPlace::Path([handle_path(&dir).as_bytes(), tail, name].concat()))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let name = if name.is_empty() { b".".as_slice() } else { name };
            let flags =
                OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::from_bits_retain(O_SYMLINK);
            Ok(XattrPlace::Fd(rustix::fs::openat(dir, name, flags, Mode::empty())?))
        }
    }

    pub(super) fn get(&self, name: &[u8]) -> Result<Vec<u8>> {
        grow_until_it_fits(|buffer| match self {
            XattrPlace::Fd(fd) => rustix::fs::fgetxattr(fd, name, buffer),
            #[cfg(target_os = "linux")]
            XattrPlace::Path(path) => rustix::fs::lgetxattr(path.as_slice(), name, buffer),
        })
    }

    /// The names, each ended by a zero byte.
    pub(super) fn list(&self) -> Result<Vec<u8>> {
        grow_until_it_fits(|buffer| match self {
            XattrPlace::Fd(fd) => rustix::fs::flistxattr(fd, buffer),
            #[cfg(target_os = "linux")]
            XattrPlace::Path(path) => rustix::fs::llistxattr(path.as_slice(), buffer),
        })
    }

    pub(super) fn set(&self, name: &[u8], value: &[u8], flags: XattrFlags) -> Result<()> {
        match self {
            XattrPlace::Fd(fd) => rustix::fs::fsetxattr(fd, name, value, flags),
            #[cfg(target_os = "linux")]
            XattrPlace::Path(path) => rustix::fs::lsetxattr(path.as_slice(), name, value, flags),
        }
    }

    pub(super) fn remove(&self, name: &[u8]) -> Result<()> {
        match self {
            XattrPlace::Fd(fd) => rustix::fs::fremovexattr(fd, name),
            #[cfg(target_os = "linux")]
            XattrPlace::Path(path) => rustix::fs::lremovexattr(path.as_slice(), name),
        }
    }
}

/// Opens the link itself, on macOS.
#[cfg(not(target_os = "linux"))]
const O_SYMLINK: u32 = 0x0020_0000;

fn grow_until_it_fits(mut call: impl FnMut(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        match call(&mut buffer) {
            Ok(len) => {
                buffer.truncate(len);
                return Ok(buffer);
            }
            Err(Errno::RANGE) if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            Err(error) => return Err(error),
        }
    }
}

/// Reads until `buffer` is full or the file ends.
pub(super) fn pread_full(fd: impl AsFd, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match rustix::io::pread(&fd, &mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Writes until everything is written; gives what was, and the error that ended it, otherwise.
pub(super) fn pwrite_full(
    fd: impl AsFd,
    bytes: &[u8],
    offset: u64,
) -> std::result::Result<(), (usize, Errno)> {
    let mut len = 0;
    while len < bytes.len() {
        match rustix::io::pwrite(&fd, &bytes[len..], offset + len as u64) {
            Ok(0) => return Err((len, Errno::IO)),
            Ok(written) => len += written,
            Err(Errno::INTR) => {}
            Err(error) => return Err((len, error)),
        }
    }
    Ok(())
}

/// Makes a file or directory durable.
pub(super) fn sync(fd: impl AsFd) -> Result<()> {
    #[cfg(target_vendor = "apple")]
    return rustix::fs::fcntl_fullfsync(fd);
    #[cfg(not(target_vendor = "apple"))]
    return rustix::fs::fsync(fd);
}

/// Makes the data of a file durable, and what of its state reading them needs.
pub(super) fn sync_data(fd: impl AsFd) -> Result<()> {
    #[cfg(target_os = "linux")]
    return rustix::fs::fdatasync(fd);
    #[cfg(not(target_os = "linux"))]
    return sync(fd);
}

/// Makes everything durable that was changed on the file system of a directory.
pub(super) fn sync_file_system(dir: impl AsFd) -> Result<()> {
    #[cfg(target_os = "linux")]
    return rustix::fs::syncfs(reopen_dir(dir)?);
    #[cfg(not(target_os = "linux"))]
    {
        rustix::fs::sync();
        sync(reopen_dir(dir)?)
    }
}

/// Makes a range of a file zeros, and gives its space back if the file system can do that.
pub(super) fn punch_hole(fd: impl AsFd, offset: u64, len: u64) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::FallocateFlags;
        match rustix::fs::fallocate(&fd, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len)
        {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            result => return result,
        }
    }
    let zeros = [0; 1 << 16];
    let mut done = 0;
    while done < len {
        let part = (len - done).min(zeros.len() as u64);
        pwrite_full(&fd, &zeros[..part as usize], offset + done).map_err(|(_, errno)| errno)?;
        done += part;
    }
    Ok(())
}

/// The first data at `offset` or behind it; `None` if there is none.
pub(super) fn seek_data(fd: impl AsFd, offset: u64) -> Result<Option<u64>> {
    match rustix::fs::seek(fd, SeekFrom::Data(offset)) {
        Err(Errno::NXIO) => Ok(None),
        // a file system that knows of no holes
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(Some(offset)),
        found => found.map(Some),
    }
}

/// The first hole at `offset` or behind it, be it the end; `None` behind that, and where nothing is known of holes.
pub(super) fn seek_hole(fd: impl AsFd, offset: u64) -> Result<Option<u64>> {
    match rustix::fs::seek(fd, SeekFrom::Hole(offset)) {
        Err(Errno::NXIO | Errno::INVAL | Errno::NOTSUP) => Ok(None),
        found => found.map(Some),
    }
}

/// Makes a special file.
#[cfg(target_os = "linux")]
pub(super) fn make_node(dir: impl AsFd, name: &[u8], kind: Kind, mode: u32, rdev: u64) -> Result<()> {
    let file_type = match kind {
        Kind::File => FileType::RegularFile,
        Kind::Fifo => FileType::Fifo,
        Kind::Socket => FileType::Socket,
        Kind::CharDevice => FileType::CharacterDevice,
        Kind::BlockDevice => FileType::BlockDevice,
        Kind::Dir | Kind::Symlink => return Err(Errno::INVAL),
    };
    rustix::fs::mknodat(dir, name, file_type, Mode::from_raw_mode(mode), rdev)
}

/// macOS has no call for special files relative to a directory.
#[cfg(not(target_os = "linux"))]
pub(super) fn make_node(dir: impl AsFd, name: &[u8], kind: Kind, mode: u32, _rdev: u64) -> Result<()> {
    match kind {
        Kind::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(mode as _)).map(drop)
        }
        _ => Err(Errno::PERM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_survive() {
        for (seconds, nanoseconds) in [(-1, 999_999_999), (-2, 0), (0, 0), (0, 1), (1_700_000_000, 5)] {
            let made = timespec(Some(SetTime::At(time(seconds, nanoseconds))));
            assert_eq!((made.tv_sec, made.tv_nsec), (seconds, nanoseconds.into()));
        }
    }
}
