//! Exporting as a tar stream: ustar headers (POSIX.1-1988), and before an entry that needs it a pax header
//! (POSIX.1-2001) with long names, sizes over 8 GiB and times finer than a second.
//!
//! Written without seeking and without the crate's builder, which would end a broken stream as if it were whole.

use super::content::Content;
use super::export::Target;
use super::{Error, local};
use crate::volume::Stat;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use tar::{EntryType, Header};

const RECORD_LEN: u64 = 512;
/// Longest name or link target that a ustar header takes without being cut in two.
const NAME_MAX: usize = 100;
/// Largest size that fits eleven octal digits.
const SIZE_MAX: u64 = 0o777_7777_7777;

/// A tar stream being written.
pub(super) struct TarTarget<'a> {
    out: &'a mut dyn Write,
    /// Read every file to its end before its header is written.
    check_first: bool,
    path: PathBuf,
    /// Names at the top, where two paths that were asked for may collide.
    taken: HashSet<OsString>,
}

impl<'a> TarTarget<'a> {
    pub(super) fn new(out: &'a mut dyn Write, check_first: bool) -> TarTarget<'a> {
        TarTarget { out, check_first, path: PathBuf::new(), taken: HashSet::new() }
    }

    /// Ends the archive.
    pub(super) fn finish(self) -> Result<(), Error> {
        self.out
            .write_all(&[0; 2 * RECORD_LEN as usize])
            .and_then(|()| self.out.flush())
            .map_err(Error::Stream)
    }

    fn may_take(&mut self, name: &OsStr) -> Result<(), Error> {
        let at_top = self.path.as_os_str().is_empty();
        if at_top && !self.taken.insert(name.to_os_string()) {
            return Err(Error::Clash { path: PathBuf::from(name) });
        }
        Ok(())
    }

    /// Writes the header, or headers, of the entry at `path`.
    fn header(
        &mut self,
        kind: EntryType,
        path: &[u8],
        link: &[u8],
        size: u64,
        stat: &Stat,
    ) -> Result<(), Error> {
        let pax = pax_records(path, link, size, stat);
        if !pax.is_empty() {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::XHeader);
            header.set_size(pax.len() as u64);
            header.set_mode(0o644);
            self.write_header(header, b"pax", b"")?;
            self.out.write_all(&pax).map_err(Error::Stream)?;
            self.pad(pax.len() as u64)?;
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(stat.mode & 0o7777);
        header.set_uid(stat.uid.into());
        header.set_gid(stat.gid.into());
        header.set_mtime(local::since_epoch(stat.mtime).0.try_into().unwrap_or(0));
        self.write_header(header, path, link)
    }

    fn write_header(&mut self, mut header: Header, path: &[u8], link: &[u8]) -> Result<(), Error> {
        let old = header.as_old_mut();
        copy_start(&mut old.name, path);
        copy_start(&mut old.linkname, link);
        header.set_cksum();
        self.out.write_all(header.as_bytes()).map_err(Error::Stream)
    }

    /// Fills up the last record of `len` bytes.
    fn pad(&mut self, len: u64) -> Result<(), Error> {
        let rest = len.next_multiple_of(RECORD_LEN) - len;
        self.out.write_all(&[0; RECORD_LEN as usize][..rest as usize]).map_err(Error::Stream)
    }
}

impl Target for TarTarget<'_> {
    fn enter(&mut self, name: &OsStr, stat: &Stat) -> Result<(), Error> {
        self.may_take(name)?;
        self.path.push(name);
        let path = [self.path.as_os_str().as_bytes(), b"/"].concat();
        self.header(EntryType::Directory, &path, b"", 0, stat)
    }

    fn leave(&mut self) -> Result<(), Error> {
        self.path.pop();
        Ok(())
    }

    fn file(&mut self, name: &OsStr, stat: &Stat, content: &mut Content<'_>) -> Result<u64, Error> {
        self.may_take(name)?;
        if self.check_first {
            content.check()?;
        }
        let path = self.path.join(name).into_os_string();
        self.header(EntryType::Regular, path.as_bytes(), b"", stat.size, stat)?;
        let out = &mut *self.out;
        match content.read(0..stat.size, |bytes, _| out.write_all(bytes).map_err(Error::Stream)) {
            Ok(len) if len == stat.size => self.pad(len).map(|()| len),
            Ok(_) => Err(Error::StreamCut(Box::new(Error::Changed { path: content.path.clone() }))),
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => Err(Error::StreamCut(Box::new(error))),
        }
    }

    fn symlink(&mut self, name: &OsStr, target: &OsStr, stat: &Stat) -> Result<(), Error> {
        self.may_take(name)?;
        let path = self.path.join(name).into_os_string();
        self.header(EntryType::Symlink, path.as_bytes(), target.as_bytes(), 0, stat)
    }
}

/// What does not fit a ustar header, as pax records.
fn pax_records(path: &[u8], link: &[u8], size: u64, stat: &Stat) -> Vec<u8> {
    let mut records = Vec::new();
    if path.len() > NAME_MAX {
        push_record(&mut records, "path", path);
    }
    if link.len() > NAME_MAX {
        push_record(&mut records, "linkpath", link);
    }
    if size > SIZE_MAX {
        push_record(&mut records, "size", size.to_string().as_bytes());
    }
    let (seconds, nanos) = local::since_epoch(stat.mtime);
    if nanos != 0 || seconds < 0 {
        push_record(&mut records, "mtime", decimal(seconds, nanos).as_bytes());
    }
    records
}

/// Appends `LENGTH KEY=VALUE\n`, where the length counts the whole record, itself included.
fn push_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut len = rest;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    records.extend_from_slice(format!("{len} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Seconds and nanoseconds as one decimal number.
fn decimal(seconds: i64, nanos: u32) -> String {
    match (seconds, nanos) {
        (seconds, nanos) if seconds >= 0 || nanos == 0 => format!("{seconds}.{nanos:09}"),
        // -1 s and 250,000,000 ns is -0.75.
        (seconds, nanos) => format!("-{}.{:09}", -(seconds + 1), 1_000_000_000 - nanos),
    }
}

/// Copies as much of `from` as fits.
fn copy_start(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    to[..len].copy_from_slice(&from[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        for (value_len, expected) in [
            (1, "6 p="),
            (3, "8 p="),
            (4, "9 p="),
            (5, "11 p="),
            (92, "98 p="),
            (93, "99 p="),
            (94, "101 p="),
        ] {
            let mut records = Vec::new();
            push_record(&mut records, "p", &vec![b'x'; value_len]);
            assert!(
                records.starts_with(expected.as_bytes()),
                "{value_len}: {:?}",
                String::from_utf8_lossy(&records)
            );
            let said: usize = expected.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(records.len(), said);
        }
    }

    #[test]
    fn times_are_decimal_numbers() {
        assert_eq!(decimal(12, 5), "12.000000005");
        assert_eq!(decimal(-1, 250_000_000), "-0.750000000");
        assert_eq!(decimal(-2, 0), "-2.000000000");
    }
}
