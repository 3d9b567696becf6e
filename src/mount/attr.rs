//! Attributes: the volume's in the words of the protocol, and back.

use crate::volume::FileId;
use crate::volume::Kind;
use crate::volume::SetTime;
use crate::volume::Stat;
use fuser::FileAttr;
use fuser::FileType;
use fuser::INodeNo;
use fuser::TimeOrNow;
use std::time::SystemTime;

/// The size of reads and writes that programs are advised to use.
const PREFERRED_IO_LEN: u32 = 4096;

/// Attributes of the node `ino`.
pub(super) fn file_attr(ino: u64, stat: &Stat) -> FileAttr {
    FileAttr {
        ino: INodeNo(ino),
        size: stat.size,
        blocks: stat.blocks,
        atime: stat.atime,
        mtime: stat.mtime,
        ctime: stat.ctime,
        crtime: stat.btime.unwrap_or(SystemTime::UNIX_EPOCH),
        kind: file_type(stat.kind),
        perm: (stat.mode & 0o7777) as u16,
        nlink: u32::try_from(stat.nlink).unwrap_or(u32::MAX),
        uid: stat.uid,
        gid: stat.gid,
        // the protocol has 32 bits, which hold every device number that Linux gives out
        rdev: stat.rdev as u32,
        blksize: PREFERRED_IO_LEN,
        flags: 0,
    }
}

/// What is known of a file without asking the disk: which it is, and its kind.
pub(super) fn bare(id: FileId, kind: Kind) -> Stat {
    Stat {
        id,
        kind,
        size: 0,
        cipher_size: 0,
        blocks: 0,
        mode: 0,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        atime: SystemTime::UNIX_EPOCH,
        mtime: SystemTime::UNIX_EPOCH,
        ctime: SystemTime::UNIX_EPOCH,
        btime: None,
    }
}

pub(super) fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::RegularFile,
        Kind::Dir => FileType::Directory,
        Kind::Symlink => FileType::Symlink,
        Kind::Fifo => FileType::NamedPipe,
        Kind::Socket => FileType::Socket,
        Kind::CharDevice => FileType::CharDevice,
        Kind::BlockDevice => FileType::BlockDevice,
    }
}

/// The kind that the type bits of a mode ask `mknod` for.
pub(super) fn node_kind(mode: u32) -> Option<Kind> {
    use rustix::fs::FileType;
    match FileType::from_raw_mode(mode as rustix::fs::RawMode) {
        FileType::RegularFile => Some(Kind::File),
        FileType::Fifo => Some(Kind::Fifo),
        FileType::Socket => Some(Kind::Socket),
        FileType::CharacterDevice => Some(Kind::CharDevice),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        FileType::Directory | FileType::Symlink | FileType::Unknown => None,
    }
}

pub(super) fn set_time(time: TimeOrNow) -> SetTime {
    match time {
        TimeOrNow::Now => SetTime::Now,
        TimeOrNow::SpecificTime(time) => SetTime::At(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_bits() {
        assert_eq!(node_kind(0o100644), Some(Kind::File));
        assert_eq!(node_kind(0o010600), Some(Kind::Fifo));
        assert_eq!(node_kind(0o140777), Some(Kind::Socket));
        assert_eq!(node_kind(0o040755), None);
        assert_eq!(node_kind(0o644), None);
    }

    #[test]
    fn permissions_without_type_bits() {
        let mut stat = bare(FileId { dev: 1, ino: 77 }, Kind::Dir);
        stat.mode = 0o2750;
        let attr = file_attr(1, &stat);
        assert_eq!((attr.ino, attr.kind, attr.perm), (INodeNo(1), FileType::Directory, 0o2750));
    }
}
