//! What stands between the kernel and the file system: every request is counted, and served by whatever is behind
//! the [`Vault`], which may have to be unlocked first.
//!
//! Looking at the mount point from outside (`ls -l` of the folder above, `df`) unlocks nothing: while the volume
//! is locked it is answered here.

use super::announce::Announcements;
use super::caching::Caching;
use super::counters::Counters;
use super::counters::Kind;
use super::fuse;
use super::inode::ROOT;
use super::locked;
use super::vault::Source;
use super::vault::Vault;
use crate::volume::Watch;
use fuser::AccessFlags;
use fuser::BsdFileFlags;
use fuser::CopyFileRangeFlags;
use fuser::Errno;
use fuser::FileHandle;
use fuser::Filesystem;
use fuser::INodeNo;
use fuser::IoctlFlags;
use fuser::KernelConfig;
use fuser::LockOwner;
use fuser::Notifier;
use fuser::OpenFlags;
use fuser::PollEvents;
use fuser::PollFlags;
use fuser::PollNotifier;
use fuser::RenameFlags;
use fuser::ReplyAttr;
use fuser::ReplyBmap;
use fuser::ReplyCreate;
use fuser::ReplyData;
use fuser::ReplyDirectory;
use fuser::ReplyDirectoryPlus;
use fuser::ReplyEmpty;
use fuser::ReplyEntry;
use fuser::ReplyIoctl;
use fuser::ReplyLock;
use fuser::ReplyLseek;
use fuser::ReplyOpen;
use fuser::ReplyPoll;
use fuser::ReplyStatfs;
use fuser::ReplyWrite;
use fuser::ReplyXattr;
use fuser::Request;
use fuser::TimeOrNow;
use fuser::WriteFlags;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;
use tracing::warn;

/// A file system that is counted, and perhaps locked. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Front {
    pub(super) vault: Arc<Vault>,
    pub(super) counters: Arc<Counters>,
    /// Where the kernel can be told something, once requests are served.
    pub(super) kernel: Arc<OnceLock<Notifier>>,
    pub(super) announcements: Arc<Announcements>,
    caching: Caching,
}

impl Front {
    pub(super) fn new(source: Source, caching: Caching, watch: Option<Arc<dyn Watch>>) -> Front {
        let announcements = Arc::new(Announcements::default());
        let vault = Arc::new(Vault::new(source, caching, watch, Arc::clone(&announcements)));
        Front { vault, counters: Arc::new(Counters::new()), kernel: Arc::default(), announcements, caching }
    }
}

/// A request whose only concern here is its kind.
macro_rules! requests {
    ($($kind:ident $request:ident($($name:ident: $of:ty),*) -> $reply:ty;)*) => {$(
        #[allow(clippy::too_many_arguments, reason = "the protocol's")]
        fn $request(&self, request: &Request, $($name: $of,)* reply: $reply) {
            let announces = self.announcements.are_from(request.pid());
            self.counters.count(if announces { Kind::Announce } else { Kind::$kind }, || {
                self.vault.with(|fuse| match fuse {
                    Ok(fuse) => fuse.$request(request, $($name,)* reply),
                    Err(errno) => reply.error(fuse::refused(errno)),
                });
            });
        }
    )*};
}

impl Filesystem for Front {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        fuse::agree(config, &self.caching)
    }

    fn forget(&self, _: &Request, ino: INodeNo, count: u64) {
        self.counters.count(Kind::Forget, || {
            self.vault.with_inodes(|nodes| nodes.forget(ino.0, count));
        });
    }

    fn getattr(&self, request: &Request, ino: INodeNo, fh: Option<FileHandle>, reply: ReplyAttr) {
        let kind = if ino.0 == ROOT { Kind::Peek } else { Kind::Getattr };
        self.counters.count(kind, || match self.vault.locked().filter(|_| ino.0 == ROOT) {
            Some(root) => match locked::attr(root) {
                Ok(attr) => reply.attr(&Duration::ZERO, &attr),
                Err(error) => reply.error(fuse::refused(error.into())),
            },
            None => self.vault.with(|fuse| match fuse {
                Ok(fuse) => fuse.getattr(request, ino, fh, reply),
                Err(errno) => reply.error(fuse::refused(errno)),
            }),
        });
    }

    fn statfs(&self, request: &Request, ino: INodeNo, reply: ReplyStatfs) {
        self.counters.count(Kind::Peek, || match self.vault.locked() {
            Some(root) => match locked::statfs(root) {
                Ok(stat) => fuse::statfs(reply, &stat),
                Err(error) => reply.error(fuse::refused(error.into())),
            },
            None => self.vault.with(|fuse| match fuse {
                Ok(fuse) => fuse.statfs(request, ino, reply),
                Err(errno) => reply.error(fuse::refused(errno)),
            }),
        });
    }

    /// `ls -l` asks for labels and access control lists; of a locked root there are none to be had.
    fn getxattr(&self, request: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let kind = if ino.0 == ROOT { Kind::Peek } else { Kind::Getxattr };
        self.counters.count(kind, || match self.vault.locked().filter(|_| ino.0 == ROOT) {
            Some(_) => reply.error(fuse::refused(Errno::NO_XATTR)),
            None => self.vault.with(|fuse| match fuse {
                Ok(fuse) => fuse.getxattr(request, ino, name, size, reply),
                Err(errno) => reply.error(fuse::refused(errno)),
            }),
        });
    }

    fn listxattr(&self, request: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        let kind = if ino.0 == ROOT { Kind::Peek } else { Kind::Listxattr };
        self.counters.count(kind, || match self.vault.locked().filter(|_| ino.0 == ROOT) {
            Some(_) if size == 0 => reply.size(0),
            Some(_) => reply.data(&[]),
            None => self.vault.with(|fuse| match fuse {
                Ok(fuse) => fuse.listxattr(request, ino, size, reply),
                Err(errno) => reply.error(fuse::refused(errno)),
            }),
        });
    }

    /// Where the kernel holds writes back it is made to bring them first. It does so by requests, so whoever serves
    /// requests must not wait for that.
    fn lseek(&self, _: &Request, ino: INodeNo, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        self.counters.count(Kind::Seek, || {
            let mut awaits_writes = false;
            self.vault.with_open(|fuse| awaits_writes = fuse.tree.awaits_writes(ino.0));
            let front = self.clone();
            let seek = move || {
                if let Some(kernel) = front.kernel.get().filter(|_| awaits_writes)
                    && let Err(error) = kernel.inval_inode(ino, 0, 0)
                {
                    return reply.error(fuse::refused(Errno::from(error)));
                }
                front.vault.with(|fuse| match fuse {
                    Ok(fuse) => fuse.seek(fh, offset, whence, reply),
                    Err(errno) => reply.error(fuse::refused(errno)),
                });
            };
            if !awaits_writes {
                return seek();
            }
            if let Err(error) = thread::Builder::new().name("seek".to_owned()).spawn(seek) {
                // the request was answered with an error when it was dropped
                warn!("no thread to look for holes: {error}");
            }
        });
    }

    requests! {
        Lookup lookup(parent: INodeNo, name: &OsStr) -> ReplyEntry;
        Setattr setattr(
            ino: INodeNo, mode: Option<u32>, uid: Option<u32>, gid: Option<u32>, size: Option<u64>,
            atime: Option<TimeOrNow>, mtime: Option<TimeOrNow>, ctime: Option<SystemTime>, fh: Option<FileHandle>,
            crtime: Option<SystemTime>, chgtime: Option<SystemTime>, bkuptime: Option<SystemTime>,
            flags: Option<BsdFileFlags>
        ) -> ReplyAttr;
        Setxattr setxattr(ino: INodeNo, name: &OsStr, value: &[u8], flags: i32, position: u32) -> ReplyEmpty;
        Removexattr removexattr(ino: INodeNo, name: &OsStr) -> ReplyEmpty;
        Readlink readlink(ino: INodeNo) -> ReplyData;
        Mknod mknod(parent: INodeNo, name: &OsStr, mode: u32, umask: u32, rdev: u32) -> ReplyEntry;
        Mkdir mkdir(parent: INodeNo, name: &OsStr, mode: u32, umask: u32) -> ReplyEntry;
        Unlink unlink(parent: INodeNo, name: &OsStr) -> ReplyEmpty;
        Rmdir rmdir(parent: INodeNo, name: &OsStr) -> ReplyEmpty;
        Symlink symlink(parent: INodeNo, name: &OsStr, target: &Path) -> ReplyEntry;
        Rename rename(
            parent: INodeNo, name: &OsStr, new_parent: INodeNo, new_name: &OsStr, flags: RenameFlags
        ) -> ReplyEmpty;
        Link link(ino: INodeNo, new_parent: INodeNo, new_name: &OsStr) -> ReplyEntry;
        Open open(ino: INodeNo, flags: OpenFlags) -> ReplyOpen;
        Create create(parent: INodeNo, name: &OsStr, mode: u32, umask: u32, flags: i32) -> ReplyCreate;
        Read read(
            ino: INodeNo, fh: FileHandle, offset: u64, size: u32, flags: OpenFlags, owner: Option<LockOwner>
        ) -> ReplyData;
        Write write(
            ino: INodeNo, fh: FileHandle, offset: u64, data: &[u8], write_flags: WriteFlags, flags: OpenFlags,
            owner: Option<LockOwner>
        ) -> ReplyWrite;
        Flush flush(ino: INodeNo, fh: FileHandle, owner: LockOwner) -> ReplyEmpty;
        Release release(
            ino: INodeNo, fh: FileHandle, flags: OpenFlags, owner: Option<LockOwner>, flush: bool
        ) -> ReplyEmpty;
        Fsync fsync(ino: INodeNo, fh: FileHandle, data_only: bool) -> ReplyEmpty;
        Fallocate fallocate(ino: INodeNo, fh: FileHandle, offset: u64, length: u64, mode: i32) -> ReplyEmpty;
        Opendir opendir(ino: INodeNo, flags: OpenFlags) -> ReplyOpen;
        Readdir readdir(ino: INodeNo, fh: FileHandle, offset: u64) -> ReplyDirectory;
        Readdirplus readdirplus(ino: INodeNo, fh: FileHandle, offset: u64) -> ReplyDirectoryPlus;
        Releasedir releasedir(ino: INodeNo, fh: FileHandle, flags: OpenFlags) -> ReplyEmpty;
        Fsyncdir fsyncdir(ino: INodeNo, fh: FileHandle, data_only: bool) -> ReplyEmpty;
        Copy copy_file_range(
            from: INodeNo, from_fh: FileHandle, from_offset: u64, to: INodeNo, to_fh: FileHandle, to_offset: u64,
            len: u64, flags: CopyFileRangeFlags
        ) -> ReplyWrite;
        // what `fuser` answers by itself, unless the file system learns it one day
        Other access(ino: INodeNo, mask: AccessFlags) -> ReplyEmpty;
        Other getlk(
            ino: INodeNo, fh: FileHandle, owner: LockOwner, start: u64, end: u64, kind: i32, pid: u32
        ) -> ReplyLock;
        Other setlk(
            ino: INodeNo, fh: FileHandle, owner: LockOwner, start: u64, end: u64, kind: i32, pid: u32, sleep: bool
        ) -> ReplyEmpty;
        Other bmap(ino: INodeNo, block_size: u32, index: u64) -> ReplyBmap;
        Other ioctl(
            ino: INodeNo, fh: FileHandle, flags: IoctlFlags, command: u32, data: &[u8], out_size: u32
        ) -> ReplyIoctl;
        Other poll(
            ino: INodeNo, fh: FileHandle, notifier: PollNotifier, events: PollEvents, flags: PollFlags
        ) -> ReplyPoll;
    }
}
