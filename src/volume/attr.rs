//! What a volume says about its entries, and what can be changed about them.

use super::Volume;
use super::core::Core;
use super::dir::Dir;
use super::error::{Error, Fault};
use super::file::{File, OpenFile};
use super::spot::Spot;
use super::sys::{self, RawStat};
use std::ffi::OsStr;
use std::time::SystemTime;

/// The identity of a backing file: it survives renames and remounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device of the ciphertext folder.
    pub dev: u64,
    /// The inode number there.
    pub ino: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names of the trade
pub enum Kind {
    File,
    Dir,
    Symlink,
    Fifo,
    Socket,
    CharDevice,
    BlockDevice,
}

/// The state of an entry; all but the size is as on disk.
#[derive(Debug, Clone)]
pub struct Stat {
    /// The backing file.
    pub id: FileId,
    /// What it is.
    pub kind: Kind,
    /// Plaintext bytes; of a link, the length of its decoded target. 0 where the file is cut inside its header.
    pub size: u64,
    /// Bytes on disk.
    pub cipher_size: u64,
    /// Units of 512 bytes taken on disk.
    pub blocks: u64,
    /// Permission bits, 0o7777 at the most.
    pub mode: u32,
    /// Number of hard links.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// What device a device file stands for.
    pub rdev: u64,
    /// Last access.
    pub atime: SystemTime,
    /// Last change of the contents.
    pub mtime: SystemTime,
    /// Last change of the state.
    pub ctime: SystemTime,
    /// Birth, where the backing file system keeps it.
    pub btime: Option<SystemTime>,
}

/// Who a new entry shall belong to.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)] // the names of the trade
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// A time to be set.
#[derive(Debug, Clone, Copy)]
pub enum SetTime {
    /// The system's clock at that instant.
    Now,
    /// This one, to the nanosecond.
    At(SystemTime),
}

/// Changes to the state of an entry; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct SetAttr {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Plaintext size, of a regular file.
    pub size: Option<u64>,
    /// Last access.
    pub atime: Option<SetTime>,
    /// Last change of the contents.
    pub mtime: Option<SetTime>,
}

/// Space and inodes of the backing file system.
#[derive(Debug, Clone)]
pub struct StatFs {
    /// Preferred unit of input and output, in bytes.
    pub block_size: u64,
    /// Unit of the counts of blocks, in bytes.
    pub fragment_size: u64,
    /// All blocks.
    pub blocks: u64,
    /// Free blocks.
    pub blocks_free: u64,
    /// Blocks free to those who are not root.
    pub blocks_available: u64,
    /// All inodes.
    pub files: u64,
    /// Free inodes.
    pub files_free: u64,
    /// Bytes of the longest *plaintext* name.
    pub name_max: u64,
}

/// What an operation on attributes works on.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// A directory that is at hand.
    Dir(&'a Dir),
    /// An entry of a directory; a link itself, not what it points to.
    Entry(&'a Dir, &'a OsStr),
    /// An open file, whatever became of its name.
    File(&'a File),
}

impl<'a> From<&'a Dir> for Target<'a> {
    fn from(dir: &'a Dir) -> Target<'a> {
        Target::Dir(dir)
    }
}

impl<'a> From<(&'a Dir, &'a OsStr)> for Target<'a> {
    fn from((dir, name): (&'a Dir, &'a OsStr)) -> Target<'a> {
        Target::Entry(dir, name)
    }
}

impl<'a> From<&'a File> for Target<'a> {
    fn from(file: &'a File) -> Target<'a> {
        Target::File(file)
    }
}

impl Volume {
    /// The state of an entry.
    pub fn stat<'a>(&self, target: impl Into<Target<'a>>) -> Result<Stat, Error> {
        match target.into() {
            Target::Dir(dir) => {
                let handle = dir.handle(&self.core, "looking at")?;
                let raw = sys::stat_fd(&handle).map_err(|errno| dir.error("looking at", None, errno))?;
                Ok(self.core.stat_from(raw, 0))
            }
            Target::Entry(dir, name) => {
                let _chains = self.core.hold_chains();
                let spot = self.spot("looking at", dir, name)?;
                self.stat_spot(&spot)
            }
            Target::File(file) => file.stat(),
        }
    }

    /// The state of an entry, and the directory if it is one.
    pub fn look(&self, dir: &Dir, name: &OsStr) -> Result<(Stat, Option<Dir>), Error> {
        let _chains = self.core.hold_chains();
        let spot = self.spot("looking at", dir, name)?;
        let stat = self.stat_spot(&spot)?;
        if stat.kind != Kind::Dir {
            return Ok((stat, None));
        }
        let (below, stat) = self.open_spot(&spot, stat)?;
        Ok((stat, Some(below)))
    }

    pub(super) fn stat_spot(&self, spot: &Spot<'_>) -> Result<Stat, Error> {
        let raw = spot.stat()?;
        let target_len = match raw.kind {
            // a target that does not decode is an error when it is read, not when the link is listed
            Kind::Symlink => self.read_target(spot).map_or(0, |target| target.len() as u64),
            _ => 0,
        };
        Ok(self.core.stat_from(raw, target_len))
    }

    /// Changes what is `Some`, and gives the state afterwards.
    pub fn set_attr<'a>(&self, target: impl Into<Target<'a>>, attr: &SetAttr) -> Result<Stat, Error> {
        const VERB: &str = "changing";
        let target = target.into();
        match target {
            Target::Dir(dir) => {
                self.core.check_writable(VERB, dir)?;
                let handle = dir.handle(&self.core, VERB)?;
                let fail = |errno| dir.error(VERB, None, errno);
                if attr.size.is_some() {
                    return Err(dir.error(VERB, None, Fault::IsADirectory));
                }
                set_on_handle(&handle, attr).map_err(fail)?;
            }
            Target::Entry(dir, name) => {
                if let Some(size) = attr.size {
                    // emptying helps even where the header is damaged
                    let how = OpenFile { write: true, truncate: size == 0, ..OpenFile::default() };
                    let file = self.open_file(dir, name, how)?;
                    if size > 0 {
                        file.truncate(size)?;
                    }
                }
                let _chains = self.core.hold_chains();
                let spot = self.spot_to_change(VERB, dir, name)?;
                if attr.uid.is_some() || attr.gid.is_some() {
                    spot.check(sys::chown_at(&spot.handle, &spot.cipher_name, attr.uid, attr.gid))?;
                }
                if let Some(mode) = attr.mode {
                    spot.check(sys::chmod_at(&spot.handle, &spot.cipher_name, mode))?;
                }
                if attr.atime.is_some() || attr.mtime.is_some() {
                    spot.check(sys::set_times_at(&spot.handle, &spot.cipher_name, attr.atime, attr.mtime))?;
                }
            }
            Target::File(file) => {
                file.check_volume_writable(VERB)?;
                if let Some(size) = attr.size {
                    file.truncate(size)?;
                }
                set_on_handle(file.fd(), attr).map_err(|errno| file.error(VERB, errno))?;
            }
        }
        self.stat(target)
    }

    /// Space and inodes of the backing file system, with the plaintext name limit.
    pub fn statfs(&self) -> Result<StatFs, Error> {
        let root = &self.core.root;
        let handle = root.handle(&self.core, "looking at")?;
        let stat = sys::reopen_dir(&handle)
            .and_then(rustix::fs::fstatvfs)
            .map_err(|errno| root.error("looking at", None, errno))?;
        Ok(StatFs {
            block_size: stat.f_bsize,
            fragment_size: stat.f_frsize,
            blocks: stat.f_blocks,
            blocks_free: stat.f_bfree,
            blocks_available: stat.f_bavail,
            files: stat.f_files,
            files_free: stat.f_ffree,
            name_max: self.max_name_len() as u64,
        })
    }
}

impl Core {
    /// Translates sizes; `target_len` is that of a link's decoded target.
    pub(super) fn stat_from(&self, raw: RawStat, target_len: u64) -> Stat {
        let size = match raw.kind {
            Kind::File => self.content.layout().plain_len(raw.len).unwrap_or(0),
            Kind::Symlink => target_len,
            _ => raw.len,
        };
        Stat {
            id: raw.id,
            kind: raw.kind,
            size,
            cipher_size: raw.len,
            blocks: raw.blocks,
            mode: raw.mode,
            nlink: raw.nlink,
            uid: raw.uid,
            gid: raw.gid,
            rdev: raw.rdev,
            atime: raw.atime,
            mtime: raw.mtime,
            ctime: raw.ctime,
            btime: raw.btime,
        }
    }
}

/// Owner before mode: a change of owner takes set-uid bits away. Times last: the others change them.
fn set_on_handle(handle: &rustix::fd::OwnedFd, attr: &SetAttr) -> rustix::io::Result<()> {
    if attr.uid.is_some() || attr.gid.is_some() {
        sys::chown_handle(handle, attr.uid, attr.gid)?;
    }
    if let Some(mode) = attr.mode {
        sys::chmod_handle(handle, mode)?;
    }
    if attr.atime.is_some() || attr.mtime.is_some() {
        sys::set_handle_times(handle, attr.atime, attr.mtime)?;
    }
    Ok(())
}
