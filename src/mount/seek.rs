//! Data and holes of open files, as `lseek` asks for them.

use super::inode::Ways;
use super::tree::Tree;
use fuser::Errno;

/// What `lseek` looks for: `SEEK_DATA` and `SEEK_HOLE` of linux/fs.h, the only ones that the kernel asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    Data,
    Hole,
}

impl Sought {
    pub(super) fn from_whence(whence: i32) -> Option<Sought> {
        match whence {
            3 => Some(Sought::Data),
            4 => Some(Sought::Hole),
            _ => None,
        }
    }
}

impl Tree {
    /// Whether the kernel may hold writes to a file that are not on disk yet: what looks like a hole there may be
    /// data, and what looks like the end may not be it.
    pub(super) fn awaits_writes(&self, ino: u64) -> bool {
        let Some(Ways::File { open, .. }) = self.inodes.ways(ino) else { return false };
        // a program that closes a file first waits for its writes, and a memory map keeps the file open
        self.caching.write_back && open.iter().any(|open| open.write)
    }

    /// Finds what is sought at `offset` or behind it.
    pub(super) fn seek(&self, handle: u64, offset: i64, sought: Sought) -> Result<i64, Errno> {
        let offset = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
        let open = self.file(handle)?;
        let found = match sought {
            Sought::Data => open.file().seek_data(offset)?,
            Sought::Hole => open.file().seek_hole(offset)?,
        };
        found.and_then(|found| i64::try_from(found).ok()).ok_or(Errno::ENXIO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_data_and_holes_are_sought() {
        assert_eq!([0, 1, 2, 5, -1].map(Sought::from_whence), [None; 5]);
        assert_eq!(Sought::from_whence(3), Some(Sought::Data));
        assert_eq!(Sought::from_whence(4), Some(Sought::Hole));
    }
}
