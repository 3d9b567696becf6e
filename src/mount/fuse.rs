//! The FUSE protocol: unpack a request, ask the tree, reply.

use super::announce::Announcements;
use super::attr::file_type;
use super::attr::node_kind;
use super::attr::set_time;
use super::caching::Caching;
use super::counters;
use super::seek::Sought;
use super::tree::Entry;
use super::tree::Tree;
use super::tree::absent;
use crate::volume::Owner;
use crate::volume::RenameMode;
use crate::volume::SetAttr;
use crate::volume::StatFs;
use crate::volume::Volume;
use crate::volume::Watch;
use crate::volume::XattrMode;
use fuser::BsdFileFlags;
use fuser::Errno;
use fuser::FileAttr;
use fuser::FileHandle;
use fuser::Filesystem;
use fuser::FopenFlags;
use fuser::Generation;
use fuser::INodeNo;
use fuser::InitFlags;
use fuser::KernelConfig;
use fuser::LockOwner;
use fuser::OpenFlags;
use fuser::RenameFlags;
use fuser::ReplyAttr;
use fuser::ReplyCreate;
use fuser::ReplyData;
use fuser::ReplyDirectory;
use fuser::ReplyDirectoryPlus;
use fuser::ReplyEmpty;
use fuser::ReplyEntry;
use fuser::ReplyLseek;
use fuser::ReplyOpen;
use fuser::ReplyStatfs;
use fuser::ReplyWrite;
use fuser::ReplyXattr;
use fuser::Request;
use fuser::TimeOrNow;
use fuser::WriteFlags;
use rustix::fs::OFlags;
use rustix::fs::XattrFlags;
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use tracing::debug;
use tracing::trace;

/// The longest read or write in one request.
const MAX_IO_LEN: u32 = 1 << 20;

/// Requests of the kernel's own making (reading ahead) that may wait at once.
const MAX_BACKGROUND: u16 = 64;

/// What is asked of the kernel, if it has it.
const WANTED: InitFlags = InitFlags::FUSE_ASYNC_READ
    .union(InitFlags::FUSE_ATOMIC_O_TRUNC)
    .union(InitFlags::FUSE_BIG_WRITES)
    .union(InitFlags::FUSE_DONT_MASK)
    .union(InitFlags::FUSE_DO_READDIRPLUS)
    .union(InitFlags::FUSE_HANDLE_KILLPRIV_V2)
    .union(InitFlags::FUSE_PARALLEL_DIROPS)
    .union(InitFlags::FUSE_POSIX_ACL);

thread_local! {
    /// Where each serving thread decrypts what it reads.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The adapter between `fuser` and a [`Tree`].
#[derive(Debug)]
pub(super) struct Fuse {
    pub(super) tree: Tree,
    announcements: Arc<Announcements>,
    /// Only root can make files that belong to whoever asks for them.
    gives_away: bool,
}

impl Fuse {
    pub(super) fn new(
        volume: Arc<Volume>,
        caching: Caching,
        watch: Option<Arc<dyn Watch>>,
        announcements: Arc<Announcements>,
    ) -> Fuse {
        let tree = Tree::new(volume, caching, watch);
        Fuse { tree, announcements, gives_away: rustix::process::geteuid().is_root() }
    }

    /// Whether a request is one of our own, which tells those who watch of what has happened already.
    fn announces(&self, request: &Request) -> bool {
        self.announcements.are_from(request.pid())
    }

    /// What the kernel is to do with the contents of a file that it opens.
    fn kept(&self) -> FopenFlags {
        if self.tree.caching.direct { FopenFlags::FOPEN_DIRECT_IO } else { FopenFlags::empty() }
    }

    fn owner(&self, request: &Request) -> Option<Owner> {
        self.gives_away.then(|| Owner { uid: request.uid(), gid: request.gid() })
    }
}

fn entry(reply: ReplyEntry, result: Result<Entry, Errno>) {
    match result {
        Ok(Entry { attr, generation, life }) => {
            reply.entry_with_ttls(&life.attr, &life.name, &attr, generation);
        }
        Err(errno) => reply.error(refused(errno)),
    }
}

fn attr(reply: ReplyAttr, result: Result<(FileAttr, Duration), Errno>) {
    match result {
        Ok((attr, life)) => reply.attr(&life, &attr),
        Err(errno) => reply.error(refused(errno)),
    }
}

impl Fuse {
    /// Says where data or holes are in what is on disk.
    pub(super) fn seek(&self, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        let sought = Sought::from_whence(whence).ok_or(Errno::EINVAL);
        match sought.and_then(|sought| self.tree.seek(fh.0, offset, sought)) {
            Ok(offset) => reply.offset(offset),
            Err(errno) => reply.error(refused(errno)),
        }
    }
}

/// Agrees on the protocol with the kernel.
pub(super) fn agree(config: &mut KernelConfig, caching: &Caching) -> io::Result<()> {
    let offered = config.capabilities();
    let odd = |what: &str| io::Error::other(format!("the FUSE library refuses {what}"));
    let wanted = match caching.write_back {
        true => WANTED | InitFlags::FUSE_WRITEBACK_CACHE,
        // without it the kernel believes what it is told of sizes and times, and has to act on it
        false => WANTED | InitFlags::FUSE_AUTO_INVAL_DATA,
    };
    config.add_capabilities(wanted & offered).map_err(|_| odd("what the kernel offers"))?;
    config.set_max_write(MAX_IO_LEN).map_err(|_| odd("the longest write"))?;
    config.set_max_background(MAX_BACKGROUND).map_err(|_| odd("the background limit"))?;
    Ok(())
}

fn empty(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(refused(errno)),
    }
}

/// Tells of the space on the disk.
pub(super) fn statfs(reply: ReplyStatfs, stat: &StatFs) {
    reply.statfs(
        stat.blocks,
        stat.blocks_free,
        stat.blocks_available,
        stat.files,
        stat.files_free,
        stat.block_size as u32,
        stat.name_max as u32,
        stat.fragment_size as u32,
    );
}

/// Gives an attribute's value, or its length where only that is asked for.
fn xattr(reply: ReplyXattr, room: u32, result: Result<Vec<u8>, Errno>) {
    match result {
        Ok(value) if room == 0 => reply.size(value.len() as u32),
        Ok(value) if value.len() <= room as usize => reply.data(&value),
        Ok(_) => reply.error(Errno::ERANGE),
        Err(errno) => reply.error(refused(errno)),
    }
}

/// Whether set-user-ID bits outlive what the caller does to the contents. The kernel knows more exactly who may do
/// that, but the library does not pass on what it says.
fn is_root(request: &Request) -> bool {
    request.uid() == 0
}

pub(super) fn refused(errno: Errno) -> Errno {
    counters::refused(errno);
    debug!(errno = errno.code(), "refused");
    errno
}

fn open_flags(flags: i32) -> OFlags {
    OFlags::from_bits_retain(flags as _)
}

fn rename_mode(flags: RenameFlags) -> Option<RenameMode> {
    // linux/fs.h; macOS has none of them
    match flags.bits() {
        0 => Some(RenameMode::Replace),
        1 => Some(RenameMode::NoReplace),
        2 => Some(RenameMode::Exchange),
        _ => None,
    }
}

fn xattr_mode(flags: i32) -> Option<XattrMode> {
    match XattrFlags::from_bits_retain(flags as _) {
        flags if flags.is_empty() => Some(XattrMode::Set),
        XattrFlags::CREATE => Some(XattrMode::Create),
        XattrFlags::REPLACE => Some(XattrMode::Replace),
        _ => None,
    }
}

impl Filesystem for Fuse {
    // ---- nodes ---------------------------------------------------------------------------------

    fn lookup(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        trace!(parent = parent.0, "lookup");
        let staged = if self.announces(request) { self.announcements.staged(parent.0, name) } else { None };
        let found = match staged {
            Some(staged) => self.tree.staged(&staged),
            None => self.tree.lookup(parent.0, name),
        };
        match found {
            Ok(Ok(found)) => entry(reply, Ok(found)),
            // a node numbered 0 says that there is none, and for how long
            Ok(Err(life)) => reply.entry_with_ttls(&life.attr, &life.name, &absent(), Generation(0)),
            Err(errno) => reply.error(refused(errno)),
        }
    }

    fn forget(&self, _: &Request, ino: INodeNo, count: u64) {
        trace!(ino = ino.0, count, "forget");
        self.tree.forget(ino.0, count);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, fh: Option<FileHandle>, reply: ReplyAttr) {
        trace!(ino = ino.0, "getattr");
        attr(reply, self.tree.stat(ino.0, fh.map(u64::from)));
    }

    fn setattr(
        &self,
        request: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        trace!(ino = ino.0, "setattr");
        let wanted = SetAttr {
            mode: mode.map(|mode| mode & 0o7777),
            uid,
            gid,
            size,
            atime: atime.map(set_time),
            mtime: mtime.map(set_time),
        };
        // the kernel may also write back times of its own on that thread
        if self.announces(request) && self.tree.announces_time(&self.announcements, ino.0, &wanted) {
            return attr(reply, self.tree.stat(ino.0, None));
        }
        attr(reply, self.tree.set_attr(ino.0, fh.map(u64::from), &wanted, is_root(request)));
    }

    fn setxattr(
        &self,
        request: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        position: u32,
        reply: ReplyEmpty,
    ) {
        trace!(ino = ino.0, "setxattr");
        match xattr_mode(flags) {
            // macOS writes resource forks in pieces; they are stored whole
            Some(mode) if position == 0 => {
                let set = self.tree.set_xattr(ino.0, name, value, mode);
                let by = (request.uid(), request.gid());
                empty(reply, set.and_then(|()| self.tree.list_was_set(ino.0, name, by)));
            }
            _ => reply.error(Errno::EINVAL),
        }
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        trace!(ino = ino.0, "getxattr");
        xattr(reply, size, self.tree.get_xattr(ino.0, name));
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        trace!(ino = ino.0, "listxattr");
        let names = self.tree.list_xattrs(ino.0);
        xattr(
            reply,
            size,
            names.map(|names| names.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect()),
        );
    }

    fn removexattr(&self, _: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        trace!(ino = ino.0, "removexattr");
        empty(reply, self.tree.remove_xattr(ino.0, name));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        trace!("statfs");
        match self.tree.statfs() {
            Ok(stat) => statfs(reply, &stat),
            Err(errno) => reply.error(refused(errno)),
        }
    }

    // ---- names ---------------------------------------------------------------------------------

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        trace!(ino = ino.0, "readlink");
        match self.tree.readlink(ino.0) {
            Ok(target) => reply.data(target.as_bytes()),
            Err(errno) => reply.error(refused(errno)),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        trace!(parent = parent.0, "mknod");
        let made = node_kind(mode).ok_or(Errno::EINVAL).and_then(|kind| {
            let mode = self.tree.masked(parent.0, mode & 0o7777, umask);
            self.tree.mknod(parent.0, name, kind, mode, rdev.into(), self.owner(request))
        });
        entry(reply, made);
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        trace!(parent = parent.0, "mkdir");
        let mode = self.tree.masked(parent.0, mode & 0o7777, umask);
        entry(reply, self.tree.mkdir(parent.0, name, mode, self.owner(request)));
    }

    fn symlink(&self, request: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        trace!(parent = parent.0, "symlink");
        entry(reply, self.tree.symlink(target.as_os_str(), parent.0, name, self.owner(request)));
    }

    fn link(&self, _: &Request, ino: INodeNo, new_parent: INodeNo, new_name: &OsStr, reply: ReplyEntry) {
        trace!(ino = ino.0, new_parent = new_parent.0, "link");
        entry(reply, self.tree.link(ino.0, new_parent.0, new_name));
    }

    fn unlink(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        trace!(parent = parent.0, "unlink");
        if self.announces(request) {
            return empty(reply, self.tree.announced_removal(&self.announcements, parent.0, name));
        }
        empty(reply, self.tree.unlink(parent.0, name));
    }

    fn rmdir(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        trace!(parent = parent.0, "rmdir");
        if self.announces(request) {
            return empty(reply, self.tree.announced_removal(&self.announcements, parent.0, name));
        }
        empty(reply, self.tree.rmdir(parent.0, name));
    }

    fn rename(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        trace!(parent = parent.0, new_parent = new_parent.0, "rename");
        if self.announces(request) {
            let (from, to) = ((parent.0, name), (new_parent.0, new_name));
            return empty(reply, self.tree.announced_rename(&self.announcements, from, to));
        }
        let renamed = rename_mode(flags)
            .ok_or(Errno::EINVAL)
            .and_then(|mode| self.tree.rename(parent.0, name, new_parent.0, new_name, mode));
        empty(reply, renamed);
    }

    // ---- files ---------------------------------------------------------------------------------

    fn open(&self, request: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        trace!(ino = ino.0, "open");
        match self.tree.open(ino.0, open_flags(flags.0), is_root(request)) {
            Ok(opened) => {
                let mut flags = self.kept();
                if self.tree.caching.pages && opened.unchanged {
                    flags |= FopenFlags::FOPEN_KEEP_CACHE;
                }
                reply.opened(FileHandle(opened.handle), flags);
            }
            Err(errno) => reply.error(refused(errno)),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        trace!(parent = parent.0, "create");
        let mode = self.tree.masked(parent.0, mode & 0o7777, umask);
        match self.tree.create(parent.0, name, mode, open_flags(flags), self.owner(request)) {
            Ok((Entry { attr, generation, life }, handle)) => {
                // the library has one life for both
                let life = life.attr.min(life.name);
                reply.created(&life, &attr, generation, FileHandle(handle), self.kept());
            }
            Err(errno) => reply.error(refused(errno)),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        trace!(ino = ino.0, offset, size, "read");
        BUFFER.with_borrow_mut(|buffer| {
            let size = size as usize;
            if buffer.len() < size {
                buffer.resize(size, 0);
            }
            match self.tree.read(fh.0, offset, &mut buffer[..size]) {
                Ok(filled) => {
                    counters::moved(filled);
                    reply.data(&buffer[..filled]);
                }
                Err(errno) => reply.error(refused(errno)),
            }
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        trace!(ino = ino.0, offset, size = data.len(), "write");
        // pages have their place, however the file was opened; so has all else where the kernel knows the end
        let paged = write_flags.contains(WriteFlags::FUSE_WRITE_CACHE);
        let write_back = self.tree.caching.write_back;
        let at_end = open_flags(flags.0).contains(OFlags::APPEND) && !paged && !write_back;
        let mut written = match paged && write_back {
            true => self.tree.write_back(fh.0, offset, data),
            false => self.tree.write(fh.0, (!at_end).then_some(offset), data),
        };
        if write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID) {
            written = written.and_then(|()| self.tree.written_by_others(fh.0));
        }
        match written {
            Ok(()) => {
                counters::moved(data.len());
                reply.written(data.len() as u32);
            }
            Err(errno) => reply.error(refused(errno)),
        }
    }

    /// Nothing is held back that a close would have to write: the kernel need not ask again.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(Errno::ENOSYS);
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        trace!(ino = ino.0, "release");
        self.tree.close(ino.0, fh.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, fh: FileHandle, data_only: bool, reply: ReplyEmpty) {
        trace!(ino = ino.0, data_only, "fsync");
        empty(reply, self.tree.sync(fh.0, data_only));
    }

    /// Zeros can be had, space cannot be set aside: the ciphertext would need blocks without contents.
    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        trace!(ino = ino.0, offset, length, mode, "fallocate");
        // linux/falloc.h, the same on every architecture
        const KEEP_SIZE: i32 = 0x01;
        const PUNCH_HOLE: i32 = 0x02;
        const ZERO_RANGE: i32 = 0x10;
        const ZERO_WITHIN: i32 = ZERO_RANGE | KEEP_SIZE;
        const PUNCH_WITHIN: i32 = PUNCH_HOLE | KEEP_SIZE;
        let Some(end) = offset.checked_add(length) else { return reply.error(Errno::EFBIG) };
        let done = match mode {
            0 => self.tree.lengthen(fh.0, end),
            PUNCH_WITHIN | ZERO_WITHIN => self.tree.punch_hole(fh.0, offset, length),
            ZERO_RANGE => {
                self.tree.punch_hole(fh.0, offset, length).and_then(|()| self.tree.lengthen(fh.0, end))
            }
            _ => Err(Errno::EOPNOTSUPP),
        };
        empty(reply, done);
    }

    fn lseek(&self, _: &Request, ino: INodeNo, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        trace!(ino = ino.0, offset, whence, "lseek");
        self.seek(fh, offset, whence, reply);
    }

    // ---- directories ---------------------------------------------------------------------------

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        trace!(ino = ino.0, "opendir");
        match self.tree.open_dir(ino.0) {
            Ok(handle) => reply.opened(FileHandle(handle), FopenFlags::empty()),
            Err(errno) => reply.error(refused(errno)),
        }
    }

    fn readdir(&self, _: &Request, ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        trace!(ino = ino.0, offset, "readdir");
        let open = self.tree.open_directory(fh.0);
        match open.and_then(|open| self.tree.snapshot(&open, offset)) {
            Ok(snapshot) => {
                for (item, next) in snapshot.iter().zip(1..).skip(offset as usize) {
                    if reply.add(INodeNo(item.ino), next, file_type(item.kind), &item.name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(errno) => reply.error(refused(errno)),
        }
    }

    fn readdirplus(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        trace!(ino = ino.0, offset, "readdirplus");
        let open = self.tree.open_directory(fh.0);
        let (open, snapshot) = match open.and_then(|open| Ok((self.tree.snapshot(&open, offset)?, open))) {
            Ok((snapshot, open)) => (open, snapshot),
            Err(errno) => return reply.error(refused(errno)),
        };
        let mut empty = true;
        for (item, next) in snapshot.iter().zip(1..).skip(offset as usize) {
            let listed = match self.tree.listed(&open, item) {
                Ok(Some(listed)) => listed,
                Ok(None) => continue,
                Err(errno) if empty => return reply.error(refused(errno)),
                // the kernel comes back for the rest, and then gets the error
                Err(_) => break,
            };
            let Entry { attr, generation, life } = &listed.entry;
            // the library has one life for both
            let life = life.attr.min(life.name);
            if reply.add(attr.ino, next, &item.name, &life, attr, *generation) {
                if listed.told {
                    self.tree.forget(attr.ino.0, 1);
                }
                break;
            }
            empty = false;
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, ino: INodeNo, fh: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        trace!(ino = ino.0, "releasedir");
        self.tree.close_dir(fh.0);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, fh: FileHandle, _data_only: bool, reply: ReplyEmpty) {
        trace!(ino = ino.0, "fsyncdir");
        empty(reply, self.tree.sync_dir(fh.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rename_flags_that_nobody_knows_are_refused() {
        assert_eq!(rename_mode(RenameFlags::empty()), Some(RenameMode::Replace));
        assert_eq!(rename_mode(RenameFlags::from_bits_retain(1)), Some(RenameMode::NoReplace));
        assert_eq!(rename_mode(RenameFlags::from_bits_retain(2)), Some(RenameMode::Exchange));
        assert_eq!(rename_mode(RenameFlags::from_bits_retain(3)), None);
        assert_eq!(rename_mode(RenameFlags::from_bits_retain(4)), None);
    }

    #[test]
    fn xattr_flags() {
        assert_eq!(xattr_mode(0), Some(XattrMode::Set));
        assert_eq!(xattr_mode(XattrFlags::CREATE.bits() as i32), Some(XattrMode::Create));
        assert_eq!(xattr_mode(XattrFlags::REPLACE.bits() as i32), Some(XattrMode::Replace));
        assert_eq!(xattr_mode(0x40), None);
    }
}
