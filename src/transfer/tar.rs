//! Exporting as a tar stream: ustar headers (POSIX.1-1988), and before an entry that needs it a pax header
//! (POSIX.1-2001) with long names, sizes over 8 GiB and times finer than a second.
//!
//! Written without seeking and without the crate's builder, which would end a broken stream as if it were whole.

use super::content::{Out, Source};
use super::crew::Crew;
use super::export::Target;
use super::{BadBlocks, Error, Item};
use crate::volume::{Kind, Stat, Volume, seconds_and_nanoseconds};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use tar::{EntryType, Header};

const RECORD_LEN: u64 = 512;
/// Longest name or link target that a ustar header takes without being cut in two.
const NAME_MAX: usize = 100;
/// Largest size that fits eleven octal digits.
const SIZE_MAX: u64 = 0o777_7777_7777;

/// A tar stream being written: each entry is made ready by whoever is free, and written when its turn has come.
pub(super) struct TarTarget<'env> {
    writer: Writer<'env>,
    path: PathBuf,
    /// Names at the top, where two paths that were asked for may collide.
    taken: HashSet<OsString>,
    next_turn: u64,
}

/// What every worker knows of the stream.
#[derive(Clone)]
struct Writer<'env> {
    volume: &'env Volume,
    out: Arc<Out<'env>>,
    /// Read every file to its end before its header is written.
    check_first: bool,
    bad_blocks: BadBlocks,
}

/// An entry that is ready for the stream: its header, and what follows it.
struct Entry {
    header: Vec<u8>,
    content: Content,
}

enum Content {
    Nothing,
    /// That many bytes in the worker's buffer.
    Read(usize),
    Large(Arc<Source>),
}

impl<'env> TarTarget<'env> {
    pub(super) fn new(
        volume: &'env Volume,
        out: &'env mut (dyn Write + Send),
        check_first: bool,
        bad_blocks: BadBlocks,
    ) -> TarTarget<'env> {
        let writer = Writer { volume, out: Out::new(out), check_first, bad_blocks };
        TarTarget { writer, path: PathBuf::new(), taken: HashSet::new(), next_turn: 0 }
    }

    fn may_take(&mut self, name: &OsStr) -> Result<(), Error> {
        let at_top = self.path.as_os_str().is_empty();
        if at_top && !self.taken.insert(name.to_os_string()) {
            return Err(Error::Clash { path: PathBuf::from(name) });
        }
        Ok(())
    }

    /// Has an entry prepared, and written after those before it.
    fn submit(
        &mut self,
        crew: &Crew<'env>,
        prepare: impl FnOnce(&Crew<'env>, &mut Vec<u8>) -> Result<Entry, Error> + Send + 'env,
        then: impl FnOnce(&Crew<'env>, &Writer<'env>) -> Result<(), Error> + Send + 'env,
    ) -> Result<(), Error> {
        let (turn, writer) = (self.next_turn, self.writer.clone());
        self.next_turn += 1;
        crew.submit(Box::new(move |crew, buffer| {
            let entry = prepare(crew, buffer);
            if crew.await_turn(turn).is_err() {
                return;
            }
            let written =
                entry.and_then(|entry| writer.write(crew, entry, buffer)).and_then(|()| then(crew, &writer));
            crew.attempt(written);
            crew.next_turn();
        }))
    }
}

impl<'env> Target<'env> for TarTarget<'env> {
    fn in_order(&self) -> bool {
        true
    }

    fn enter(&mut self, crew: &Crew<'env>, _item: &Item, name: &OsStr, stat: &Stat) -> Result<(), Error> {
        self.may_take(name)?;
        self.path.push(name);
        let path = [self.path.as_os_str().as_bytes(), b"/"].concat();
        let header = header(EntryType::Directory, &path, b"", 0, stat);
        self.submit(crew, |_, _| Ok(Entry { header, content: Content::Nothing }), |_, _| Ok(()))
    }

    fn leave(&mut self, _crew: &Crew<'env>) -> Result<(), Error> {
        self.path.pop();
        Ok(())
    }

    fn leaf(&mut self, crew: &Crew<'env>, item: Item, name: &OsStr) -> Result<(), Error> {
        self.may_take(name)?;
        let path = self.path.join(name).into_os_string();
        let (kind, writer) = (item.kind, self.writer.clone());
        match kind {
            Kind::File => {
                let prepare = move |crew: &Crew<'env>, buffer: &mut Vec<u8>| {
                    writer.file(crew, &item, path.as_bytes(), buffer)
                };
                self.submit(crew, prepare, |crew, _| {
                    crew.done(|summary| summary.files += 1);
                    Ok(())
                })
            }
            Kind::Symlink => self.submit(
                crew,
                move |_, _| writer.symlink(&item, path.as_bytes()),
                |crew, _| {
                    crew.done(|summary| summary.links += 1);
                    Ok(())
                },
            ),
            _ => Err(Error::Special { path: item.path }),
        }
    }

    /// Ends the archive.
    fn end(&mut self, crew: &Crew<'env>) -> Result<(), Error> {
        let header = vec![0; 2 * RECORD_LEN as usize];
        let prepare = |_: &Crew<'env>, _: &mut Vec<u8>| Ok(Entry { header, content: Content::Nothing });
        self.submit(crew, prepare, |_, writer| writer.out.flush())
    }
}

impl<'env> Writer<'env> {
    /// Opens a file, and reads it if it is small.
    fn file(
        &self,
        crew: &Crew<'env>,
        item: &Item,
        path: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Entry, Error> {
        let source = Source::open(self.volume, item, self.bad_blocks, buffer)?;
        let header = header(EntryType::Regular, path, b"", source.stat.size, &source.stat);
        if source.piece_count() == 1 {
            let len = match source.whole {
                Some(len) => len,
                None => {
                    let (len, read) = source.read(crew, source.piece(0), buffer);
                    read?;
                    len
                }
            };
            source.end(crew)?;
            return Ok(Entry { header, content: Content::Read(len) });
        }
        let source = Arc::new(source);
        if self.check_first {
            source.check(crew, buffer)?;
        }
        Ok(Entry { header, content: Content::Large(source) })
    }

    fn symlink(&self, item: &Item, path: &[u8]) -> Result<Entry, Error> {
        let fail = |error| Error::volume(&item.path)(error);
        let target = self.volume.readlink(&item.parent, &item.name).map_err(fail)?;
        let stat = self.volume.stat((&item.parent, item.name.as_os_str())).map_err(fail)?;
        let header = header(EntryType::Symlink, path, target.as_bytes(), 0, &stat);
        Ok(Entry { header, content: Content::Nothing })
    }

    fn write(&self, crew: &Crew<'env>, entry: Entry, buffer: &mut Vec<u8>) -> Result<(), Error> {
        self.out.write(&entry.header)?;
        let len = match entry.content {
            Content::Nothing => return Ok(()),
            Content::Read(len) => {
                self.out.write(&buffer[..len])?;
                crew.bytes(len as u64);
                len as u64
            }
            Content::Large(source) => {
                let streamed = source.stream(crew, 0..u64::MAX, &self.out, buffer);
                streamed.and_then(|len| source.end(crew).map(|()| len)).map_err(|error| {
                    if error.is_fatal() { error } else { Error::StreamCut(Box::new(error)) }
                })?
            }
        };
        self.out.write(&[0; RECORD_LEN as usize][..padding(len)])?;
        crew.count(|summary| summary.bytes += len);
        Ok(())
    }
}

/// The bytes that fill up the last record of `len` bytes.
fn padding(len: u64) -> usize {
    (len.next_multiple_of(RECORD_LEN) - len) as usize
}

/// The header, or headers, of an entry.
fn header(kind: EntryType, path: &[u8], link: &[u8], size: u64, stat: &Stat) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pax = pax_records(path, link, size, stat);
    if !pax.is_empty() {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        header.set_size(pax.len() as u64);
        header.set_mode(0o644);
        push_header(&mut bytes, header, b"pax", b"");
        bytes.extend_from_slice(&pax);
        bytes.resize(bytes.len() + padding(pax.len() as u64), 0);
    }
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(stat.mode & 0o7777);
    header.set_uid(stat.uid.into());
    header.set_gid(stat.gid.into());
    header.set_mtime(seconds_and_nanoseconds(stat.mtime).0.try_into().unwrap_or(0));
    push_header(&mut bytes, header, path, link);
    bytes
}

fn push_header(bytes: &mut Vec<u8>, mut header: Header, path: &[u8], link: &[u8]) {
    let old = header.as_old_mut();
    copy_start(&mut old.name, path);
    copy_start(&mut old.linkname, link);
    header.set_cksum();
    bytes.extend_from_slice(header.as_bytes());
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
    let (seconds, nanos) = seconds_and_nanoseconds(stat.mtime);
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
