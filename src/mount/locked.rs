//! What is shown of a volume while it is locked: the mount point itself, as the ciphertext folder has it.

use super::attr::bare;
use super::attr::file_attr;
use crate::volume::FileId;
use crate::volume::Kind;
use crate::volume::StatFs;
use fuser::FileAttr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Every coding holds names of this length on a disk that takes 255 bytes.
const SHORTEST_NAME_MAX: u64 = 143;

/// Attributes of the root.
pub(super) fn attr(root: &Path) -> io::Result<FileAttr> {
    let found = fs::metadata(root)?;
    let mut stat = bare(FileId { dev: found.dev(), ino: found.ino() }, Kind::Dir);
    stat.size = found.size();
    stat.blocks = found.blocks();
    stat.mode = found.mode();
    stat.nlink = found.nlink();
    stat.uid = found.uid();
    stat.gid = found.gid();
    stat.atime = found.accessed()?;
    stat.mtime = found.modified()?;
    stat.ctime = stat.mtime;
    stat.btime = found.created().ok();
    Ok(file_attr(found.ino(), &stat))
}

/// The space on the disk.
pub(super) fn statfs(root: &Path) -> io::Result<StatFs> {
    let stat = rustix::fs::statvfs(root)?;
    Ok(StatFs {
        block_size: stat.f_bsize,
        fragment_size: stat.f_frsize,
        blocks: stat.f_blocks,
        blocks_free: stat.f_bfree,
        blocks_available: stat.f_bavail,
        files: stat.f_files,
        files_free: stat.f_ffree,
        name_max: stat.f_namemax.min(SHORTEST_NAME_MAX),
    })
}
