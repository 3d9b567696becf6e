//! Reading a tar stream, header by header: ustar (POSIX.1-1988), GNU's headers for long names, and pax headers
//! (POSIX.1-2001).
//!
//! Not by the crate's iterator, which takes pax records for lines, and so cuts a name with a line feed in it, and which
//! reads extensions of any size into memory.

use super::Error;
use super::arriving::{Watched, read_full};
use super::local::system_time;
use std::ffi::OsStr;
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;
use tar::{EntryType, Header};

const RECORD_LEN: usize = 512;
/// Bytes of a long name, or of pax records, at the most. Access control lists and the like stand among those.
const EXTENSION_MAX: u64 = 1 << 20;

/// What a stream says of one member.
#[derive(Debug)]
pub(super) struct Member {
    /// Its path, as it stands there.
    pub(super) path: Vec<u8>,
    pub(super) kind: MemberKind,
    /// Bytes of content.
    pub(super) size: u64,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) modified: SystemTime,
}

#[derive(Debug)]
pub(super) enum MemberKind {
    File,
    Dir,
    /// With its target.
    Symlink(Vec<u8>),
    /// With the path of another member.
    HardLink(Vec<u8>),
    /// A pipe or device.
    Special,
    /// Of a form that is not read, and what that is.
    Unknown(&'static str),
}

impl Member {
    /// The path, for messages.
    pub(super) fn shown(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(&self.path))
    }

    /// The names that lead to it, from the folder that is unpacked to.
    pub(super) fn names(&self) -> Result<Vec<&OsStr>, Error> {
        split_path(&self.path).map_err(|reason| self.hostile(reason))
    }

    pub(super) fn hostile(&self, reason: &'static str) -> Error {
        Error::HostileMember { path: self.shown(), reason }
    }
}

/// The names in a path that stays below where it begins; for any other, why it is refused.
pub(super) fn split_path(path: &[u8]) -> Result<Vec<&OsStr>, &'static str> {
    if path.starts_with(b"/") {
        return Err("an absolute path");
    }
    let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names
        .map(|name| match name {
            b".." => Err("a path that leads out by `..`"),
            name if name.contains(&0) => Err("a name with a zero byte"),
            name => Ok(OsStr::from_bytes(name)),
        })
        .collect()
}

/// What pax and GNU headers say of the next member.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<SystemTime>,
    sparse: bool,
}

/// A tar stream, and where in it we are.
pub(super) struct Members<'a, 'env> {
    reader: BufReader<Watched<'a, 'env>>,
    /// Bytes that were read.
    at: u64,
    /// Bytes of the current member's content that were not, and those that fill up its last record.
    left: u64,
    padding: u64,
    /// The current member, for messages.
    current: Option<PathBuf>,
}

impl<'a, 'env> Members<'a, 'env> {
    pub(super) fn new(reader: Watched<'a, 'env>) -> Members<'a, 'env> {
        let reader = BufReader::with_capacity(super::BUFFER_LEN, reader);
        Members { reader, at: 0, left: 0, padding: 0, current: None }
    }

    /// The next member, passing over what is left of the one before; none at the end of the archive.
    pub(super) fn next(&mut self) -> Result<Option<Member>, Error> {
        self.pass_over(self.left + self.padding)?;
        self.current = None;
        let mut extension = Extension::default();
        loop {
            let (at, mut record) = (self.at, [0; RECORD_LEN]);
            self.read_exact(&mut record)?;
            if record == [0; RECORD_LEN] {
                return self.end().map(|()| None);
            }
            let header = checked(record, at)?;
            let kind = header.entry_type();
            let size =
                header.entry_size().map_err(|_| Error::NoTar { at, reason: "a size that is no number" })?;
            match kind.as_byte() {
                b'x' | b'X' | b'L' | b'K' => {
                    let text = self.extension(at, size)?;
                    match kind.as_byte() {
                        b'L' => extension.path = Some(until_nul(&text)),
                        b'K' => extension.link = Some(until_nul(&text)),
                        _ => pax(&text, &mut extension)
                            .ok_or(Error::NoTar { at, reason: "damaged pax records" })?,
                    }
                }
                // What holds for the whole archive, labels, and access control lists say nothing that is imported.
                b'g' | b'V' | b'A' => {
                    self.pass_over(size.checked_next_multiple_of(512).unwrap_or(u64::MAX))?
                }
                _ => return self.member(&header, size, extension).map(Some),
            }
        }
    }

    /// Reads content of the current member; fails where the stream ends within it.
    pub(super) fn read(&mut self, len: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; (len as u64).min(self.left) as usize];
        self.read_exact(&mut bytes)?;
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    fn member(&mut self, header: &Header, size: u64, extension: Extension) -> Result<Member, Error> {
        let path = extension.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = || extension.link.or_else(|| header.link_name_bytes().map(Vec::from)).unwrap_or_default();
        let kind = match header.entry_type() {
            _ if extension.sparse => MemberKind::Unknown(SPARSE),
            EntryType::GNUSparse => MemberKind::Unknown(SPARSE),
            EntryType::Regular | EntryType::Continuous if path.ends_with(b"/") => MemberKind::Dir,
            EntryType::Regular | EntryType::Continuous => MemberKind::File,
            EntryType::Directory => MemberKind::Dir,
            EntryType::Symlink => MemberKind::Symlink(link()),
            EntryType::Link => MemberKind::HardLink(link()),
            EntryType::Char | EntryType::Block | EntryType::Fifo => MemberKind::Special,
            kind if kind.as_byte() == b'D' => MemberKind::Dir,
            _ => MemberKind::Unknown("a kind of member that encbox does not know"),
        };
        let content = match header.entry_type().as_byte() {
            b'1'..=b'6' => 0, // a size there counts no bytes of the stream
            _ => extension.size.unwrap_or(size),
        };
        self.left = content;
        self.padding = content.checked_next_multiple_of(RECORD_LEN as u64).unwrap_or(u64::MAX) - content;
        let modified = extension.modified.unwrap_or_else(|| {
            // Before 1970 it is negative.
            system_time(header.mtime().unwrap_or(0).cast_signed(), 0)
        });
        let member = Member { path, kind, size: content, mode: header.mode().unwrap_or(0o644), modified };
        self.current = Some(member.shown());
        Ok(member)
    }

    fn extension(&mut self, at: u64, size: u64) -> Result<Vec<u8>, Error> {
        if size > EXTENSION_MAX {
            return Err(Error::NoTar { at, reason: "a header of more than 1 MiB" });
        }
        let mut text = vec![0; size as usize];
        self.read_exact(&mut text)?;
        self.pass_over(size.next_multiple_of(RECORD_LEN as u64) - size)?;
        Ok(text)
    }

    /// Reads what follows the archive, so that whoever writes it can end in peace.
    fn end(&mut self) -> Result<(), Error> {
        let mut rest = [0; 8192];
        while self.some(&mut rest)? > 0 {}
        Ok(())
    }

    fn pass_over(&mut self, mut len: u64) -> Result<(), Error> {
        let mut waste = [0; 8192];
        while len > 0 {
            let wanted = len.min(waste.len() as u64) as usize;
            self.read_exact(&mut waste[..wanted])?;
            len -= wanted as u64;
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        match self.some(buffer)? {
            len if len == buffer.len() => Ok(()),
            _ => Err(Error::TarCut { path: self.current.clone() }),
        }
    }

    fn some(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let len = read_full(&mut self.reader, buffer).map_err(|error| self.reader.get_ref().error(error))?;
        self.at += len as u64;
        Ok(len)
    }
}

const SPARSE: &str = "a sparse member, which is not read: make the archive without --sparse";

/// A header whose checksum is right.
fn checked(record: [u8; RECORD_LEN], at: u64) -> Result<Header, Error> {
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(&record);
    let field = 148..156; // counts as blanks
    let sum = |byte: fn(u8) -> i64| -> i64 {
        let bytes = record.iter().enumerate();
        bytes.map(|(at, value)| if field.contains(&at) { 32 } else { byte(*value) }).sum()
    };
    let said = header.cksum().map(i64::from).ok();
    // Some programs of old took bytes for signed.
    if said == Some(sum(i64::from)) || said == Some(sum(|byte| byte.cast_signed().into())) {
        return Ok(header);
    }
    let packed: [(&[u8], &str); 4] = [
        (&[0x1f, 0x8b], "compressed by gzip: unpack it first, `gzip -dc FILE | encbox import --tar ...`"),
        (&[0xfd, b'7', b'z'], "compressed by xz: unpack it first, `xz -dc FILE | encbox import --tar ...`"),
        (
            &[0x28, 0xb5, 0x2f, 0xfd],
            "compressed by zstd: unpack it first, `zstd -dc FILE | encbox import --tar ...`",
        ),
        (b"BZh", "compressed by bzip2: unpack it first, `bzip2 -dc FILE | encbox import --tar ...`"),
    ];
    let reason = packed.into_iter().find(|(magic, _)| at == 0 && record.starts_with(magic));
    Err(Error::NoTar { at, reason: reason.map_or("no tar header, or a damaged one", |(_, reason)| reason) })
}

fn until_nul(text: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// Reads records `LENGTH KEY=VALUE\n`, where the length counts the whole record; none if they are damaged. An empty
/// value takes an earlier one back.
fn pax(mut text: &[u8], extension: &mut Extension) -> Option<()> {
    while !text.is_empty() && text[0] != 0 {
        let digits = text.iter().position(|byte| *byte == b' ')?;
        let len: usize = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
        let record = text.get(digits + 1..len)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        let given = !value.is_empty();
        match key {
            b"path" => extension.path = given.then(|| value.to_vec()),
            b"linkpath" => extension.link = given.then(|| value.to_vec()),
            b"size" if given => extension.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
            b"size" => extension.size = None,
            b"mtime" => extension.modified = decimal(value),
            _ if key.starts_with(b"GNU.sparse.") => extension.sparse = true,
            _ => {}
        }
        text = &text[len..];
    }
    Some(())
}

/// A time as a decimal number of seconds; none if it is no number.
fn decimal(value: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(value).ok()?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let seconds = i64::try_from(whole.parse::<u64>().ok()?).ok()?;
    let digits = part.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits
        .map(|digit| char::from(digit).to_digit(10))
        .try_fold(0, |sum, digit| Some(sum * 10 + digit?))?;
    match (negative, nanos) {
        (false, nanos) => Some(system_time(seconds, nanos)),
        (true, 0) => Some(system_time(-seconds, 0)),
        (true, nanos) => Some(system_time(-seconds - 1, 1_000_000_000 - nanos)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn record(text: &str) -> Option<Extension> {
        let mut extension = Extension::default();
        pax(text.as_bytes(), &mut extension).map(|()| extension)
    }

    #[test]
    fn paths_lead_down() {
        let names = |path: &'static str| split_path(path.as_bytes()).map(|names| names.len());
        assert_eq!((names("a/./b//c/"), names("./"), names("")), (Ok(3), Ok(0), Ok(0)));
        for path in ["/a", "../a", "a/../b", "a/..", "a\0b"] {
            assert!(names(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn pax_records_are_as_long_as_they_say() {
        assert_eq!(record("12 path=a\nb\n").unwrap().path.unwrap(), b"a\nb");
        assert_eq!(record("8 path=\n").unwrap().path, None);
        assert_eq!(record("10 size=7\n11 path=xy\n").unwrap().size, Some(7));
        for damaged in
            ["12 path=a\n", "path=a\n", "9 path=ab\n", "0 \n", "99999999999999999999 path=a\n", "4 \n"]
        {
            assert!(record(damaged).is_none(), "{damaged:?}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        let after = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        let before = |nanos| UNIX_EPOCH - Duration::from_nanos(nanos);
        for (text, time) in [
            ("12.000000005", after(12_000_000_005)),
            ("3", after(3_000_000_000)),
            ("0.5", after(500_000_000)),
            ("-0.75", before(750_000_000)),
            ("-2", before(2_000_000_000)),
            ("1.1234567891234", after(1_123_456_789)),
        ] {
            assert_eq!(decimal(text.as_bytes()), Some(time), "{text}");
        }
        for text in ["", "x", "1.x", "--9223372036854775808", "99999999999999999999"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }
}
