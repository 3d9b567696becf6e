//! Sealed files: written once, read at any place, secret and whole under a key.
//!
//! ```text
//!  0   8  "encboxi1"
//!  8  32  salt, random
//! 40   …  chunks: 16384 bytes and a tag of 16, the last one shorter (0 bytes and a tag, if the file is empty)
//! ```
//!
//! The key of a file is `HKDF-SHA256(key, salt, "encbox: sealed file")`. A chunk is AES-256-GCM under it; its nonce is
//! the number of the chunk (8 bytes, little endian) and 1 for the last chunk, 0 for others (4 bytes, little endian); the
//! name of the file is authenticated with each. So chunks cannot be exchanged, files neither, and none is cut unnoticed.

use crate::crypto::DerivedKey;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

const MAGIC: &[u8; 8] = b"encboxi1";
const SALT_LEN: usize = 32;
const HEADER_LEN: usize = MAGIC.len() + SALT_LEN;
const CHUNK_LEN: usize = 16 * 1024;
const TAG_LEN: usize = 16;
const LABEL: &str = "encbox: sealed file";

/// What a file that was not written by us under this key, or is not whole, gives when it is read.
pub(super) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "damaged, or sealed under another key")
}

/// The chunks of one file.
struct Sealer {
    aead: Aes256Gcm,
    name: Vec<u8>,
}

impl Sealer {
    fn new(key: &DerivedKey, salt: &[u8], name: &[u8]) -> Sealer {
        let key = key.derive(salt, LABEL);
        Sealer { aead: Aes256Gcm::new(key.as_bytes().into()), name: name.to_vec() }
    }

    fn seal(&self, number: u64, last: bool, chunk: &mut Vec<u8>) -> io::Result<()> {
        let sealed = self.aead.encrypt_in_place(&nonce(number, last), &self.name, chunk);
        sealed.map_err(|_| io::Error::other("a chunk is too long for AES-GCM"))
    }

    fn open(&self, number: u64, last: bool, chunk: &mut Vec<u8>) -> io::Result<()> {
        self.aead.decrypt_in_place(&nonce(number, last), &self.name, chunk).map_err(|_| damaged())
    }
}

fn nonce(number: u64, last: bool) -> Nonce<<Aes256Gcm as aes_gcm::aead::AeadCore>::NonceSize> {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce[8..].copy_from_slice(&u32::from(last).to_le_bytes());
    nonce.into()
}

/// A file in the making. It is whole after [`SealedWriter::finish`].
pub(super) struct SealedWriter {
    file: File,
    sealer: Sealer,
    /// Not sealed yet: more than this may be to come, and the last chunk is sealed as the last.
    pending: Vec<u8>,
    number: u64,
    /// A chunk was not written: the file can never be whole.
    broken: bool,
}

impl SealedWriter {
    /// Begins a file that has no bytes yet.
    pub(super) fn new(
        mut file: File,
        key: &DerivedKey,
        name: &[u8],
        fill_random: impl FnOnce(&mut [u8]),
    ) -> io::Result<SealedWriter> {
        let mut salt = [0; SALT_LEN];
        fill_random(&mut salt);
        file.write_all(&[&MAGIC[..], &salt].concat())?;
        let pending = Vec::with_capacity(CHUNK_LEN + TAG_LEN);
        Ok(SealedWriter { file, sealer: Sealer::new(key, &salt, name), pending, number: 0, broken: false })
    }

    /// Seals the last chunk, and makes the file durable.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.write_chunk(true)?;
        self.file.sync_data()
    }

    fn write_chunk(&mut self, last: bool) -> io::Result<()> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(io::Error::other("what precedes this could not be written"));
        }
        self.sealer.seal(self.number, last, &mut self.pending)?;
        self.number += 1;
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        self.broken = false;
        Ok(())
    }
}

impl Write for SealedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.len() >= CHUNK_LEN && !bytes.is_empty() {
            self.write_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK_LEN - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole file, read at any place.
pub(super) struct SealedReader {
    file: File,
    sealer: Sealer,
    len: usize,
    chunk_count: u64,
}

impl SealedReader {
    /// Opens a file; fails with [`damaged`] if it is not one of ours, or its end is missing.
    pub(super) fn new(mut file: File, key: &DerivedKey, name: &[u8]) -> io::Result<SealedReader> {
        let file_len = usize::try_from(file.metadata()?.len()).map_err(|_| damaged())?;
        let mut header = [0; HEADER_LEN];
        let body_len = file_len.checked_sub(HEADER_LEN + TAG_LEN).ok_or_else(damaged)? + TAG_LEN;
        file.read_exact(&mut header)?;
        let (magic, salt) = header.split_at(MAGIC.len());
        let chunk_count = body_len.div_ceil(CHUNK_LEN + TAG_LEN);
        let last_len = body_len - (chunk_count - 1) * (CHUNK_LEN + TAG_LEN);
        if magic != MAGIC || last_len < TAG_LEN {
            return Err(damaged());
        }
        let len = body_len - chunk_count * TAG_LEN;
        let sealer = Sealer::new(key, salt, name);
        let reader = SealedReader { file, sealer, len, chunk_count: chunk_count as u64 };
        reader.chunk(reader.chunk_count - 1, &mut Vec::new())?;
        Ok(reader)
    }

    /// Bytes of plaintext.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of a range, which must lie within the file.
    pub(super) fn read(&self, range: Range<usize>) -> io::Result<Vec<u8>> {
        if range.start > range.end || range.end > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = Vec::with_capacity(range.len());
        let mut chunk = Vec::with_capacity(CHUNK_LEN + TAG_LEN);
        while bytes.len() < range.len() {
            let at = range.start + bytes.len();
            self.chunk((at / CHUNK_LEN) as u64, &mut chunk)?;
            let from = at % CHUNK_LEN;
            let taken = (range.end - at).min(chunk.len() - from);
            bytes.extend_from_slice(&chunk[from..from + taken]);
        }
        Ok(bytes)
    }

    fn chunk(&self, number: u64, chunk: &mut Vec<u8>) -> io::Result<()> {
        let last = number + 1 == self.chunk_count;
        let len = if last { self.len - number as usize * CHUNK_LEN } else { CHUNK_LEN };
        chunk.resize(len + TAG_LEN, 0);
        self.file.read_exact_at(chunk, HEADER_LEN as u64 + number * (CHUNK_LEN + TAG_LEN) as u64)?;
        self.sealer.open(number, last, chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{KeyPair, VolumeKey};
    use crate::volume::fill_random;
    use std::path::Path;

    fn key(text: &[u8]) -> DerivedKey {
        VolumeKey(KeyPair::split(text, text.len())).derive(b"", "test")
    }

    fn write(path: &Path, name: &[u8], bytes: &[u8]) {
        let file = File::create_new(path).expect("a new file");
        let mut writer = SealedWriter::new(file, &key(b"one"), name, fill_random).expect("a header");
        writer.write_all(bytes).and_then(|()| writer.finish()).expect("written");
    }

    fn open(path: &Path, key: &DerivedKey, name: &[u8]) -> io::Result<SealedReader> {
        SealedReader::new(File::open(path).expect("there"), key, name)
    }

    #[test]
    fn every_length_reads_back_at_every_place() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for len in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 2 * CHUNK_LEN, 3 * CHUNK_LEN + 7] {
            let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let path = folder.path().join(len.to_string());
            write(&path, b"name", &bytes);
            let reader = open(&path, &key(b"one"), b"name").expect("whole");
            assert_eq!((reader.len(), reader.read(0..len).expect("whole")), (len, bytes.clone()));
            for from in [0, 1, CHUNK_LEN - 3, CHUNK_LEN, len.saturating_sub(2)] {
                let range = from.min(len)..(from + 5).min(len);
                assert_eq!(reader.read(range.clone()).expect("whole"), bytes[range]);
            }
            assert!(reader.read(0..len + 1).is_err());
        }
    }

    #[test]
    fn what_is_not_ours_or_not_whole_is_damage() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("file");
        write(&path, b"name", &[7; 2 * CHUNK_LEN]);
        let is_damage = |result: io::Result<SealedReader>| {
            result.err().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData)
        };
        assert!(is_damage(open(&path, &key(b"two"), b"name")), "another key");
        assert!(is_damage(open(&path, &key(b"one"), b"other")), "another name");
        let whole = std::fs::read(&path).expect("just written");
        // cut to every number of chunks, within one, and within the tag of one without bytes; and less than a header
        let one_chunk = HEADER_LEN + CHUNK_LEN + TAG_LEN;
        for len in [whole.len() - 1, one_chunk + 5, one_chunk, HEADER_LEN + 5, HEADER_LEN, 3, 0] {
            std::fs::write(&path, &whole[..len]).expect("a scratch file");
            assert!(is_damage(open(&path, &key(b"one"), b"name")), "cut to {len}");
        }
        let mut flipped = whole.clone();
        flipped[HEADER_LEN + 100] ^= 1;
        std::fs::write(&path, &flipped).expect("a scratch file");
        let reader = open(&path, &key(b"one"), b"name").expect("the last chunk is sound");
        assert_eq!(reader.read(0..1).expect_err("a bad chunk").kind(), io::ErrorKind::InvalidData);
        assert!(reader.read(CHUNK_LEN..CHUNK_LEN + 1).is_ok(), "the chunk beside it");
    }

    #[test]
    fn two_files_with_the_same_bytes_share_none() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let read = |name: &str| {
            let path = folder.path().join(name);
            write(&path, b"name", b"the same words");
            std::fs::read(path).expect("just written")
        };
        assert_ne!(read("a")[HEADER_LEN..], read("b")[HEADER_LEN..]);
    }
}
