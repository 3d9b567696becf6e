//! The binary form of V5 and V4 configs (encfs-format 4): a list of named values.
//!
//! ```text
//! integer   base 128, most significant group first, high bit set on all bytes but the last
//! string    integer length, then the bytes
//! file      integer count, then count times (string key, string value)
//! ```

use super::Error;
use crate::crypto::AlgorithmId;

/// An integer takes at most this many bytes.
const MAX_INTEGER_LEN: usize = 5;

/// The values of a config in the order of the file, each as the bytes it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries(Vec<(Vec<u8>, Vec<u8>)>);

impl Entries {
    /// Reads a file; what stands behind the last value is ignored.
    pub(super) fn parse(bytes: &[u8]) -> Result<Entries, Error> {
        let mut input = Input(bytes);
        let cut_off = || Error::Unfinished("it ends too early, or is no EncFS config at all");
        let count = input.integer().ok_or_else(cut_off)?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let entry = input.string().and_then(|key| Some((key.to_vec(), input.string()?.to_vec())));
            entries.push(entry.ok_or_else(cut_off)?);
        }
        Ok(Entries(entries))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_integer(&mut bytes, self.0.len() as u32);
        for (key, value) in &self.0 {
            write_string(&mut bytes, key);
            write_string(&mut bytes, value);
        }
        bytes
    }

    /// A number; `None` if the key is not there.
    pub(super) fn number(&self, key: &'static str) -> Result<Option<u32>, Error> {
        self.value(key, |input| input.integer())
    }

    /// A number that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<u32, Error> {
        self.number(key)?.ok_or_else(|| missing(key))
    }

    /// A number that stands for yes or no; no if the key is not there.
    pub(super) fn flag(&self, key: &'static str) -> Result<bool, Error> {
        Ok(self.number(key)?.is_some_and(|number| number != 0))
    }

    /// Bytes that must be there.
    pub(super) fn bytes(&self, key: &'static str) -> Result<Vec<u8>, Error> {
        self.value(key, |input| input.string().map(<[u8]>::to_vec))?.ok_or_else(|| missing(key))
    }

    /// An interface that must be there; its `age` means nothing to a reader.
    pub(super) fn algorithm(&self, key: &'static str) -> Result<AlgorithmId, Error> {
        let read = |input: &mut Input<'_>| {
            let name = std::str::from_utf8(input.string()?).ok()?;
            Some(AlgorithmId::new(name, input.integer()?, input.integer()?))
        };
        self.value(key, read)?.ok_or_else(|| missing(key))
    }

    /// The `age` of an interface; 0 if there is none.
    pub(super) fn age(&self, key: &'static str) -> u32 {
        let read = |input: &mut Input<'_>| {
            input.string()?;
            let (_current, _revision) = (input.integer()?, input.integer()?);
            input.integer()
        };
        self.value(key, read).ok().flatten().unwrap_or(0)
    }

    /// Replaces the wrapped key and nothing else.
    pub(super) fn set_key_data(&mut self, wrapped_key: &[u8]) {
        if let Some((_, value)) = self.0.iter_mut().find(|(key, _)| key == b"keyData") {
            value.clear();
            write_string(value, wrapped_key);
        }
    }

    fn value<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&mut Input<'_>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some((_, value)) = self.0.iter().find(|(found, _)| found == key.as_bytes()) else {
            return Ok(None);
        };
        read(&mut Input(value)).map(Some).ok_or_else(|| Error::field(key, "its value is damaged"))
    }
}

fn missing(key: &'static str) -> Error {
    Error::field(key, "is missing")
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// 31 bits at the most.
    fn integer(&mut self) -> Option<u32> {
        let mut number = 0_u64;
        for _ in 0..MAX_INTEGER_LEN {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number = number << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return i32::try_from(number).ok().map(|number| number as u32);
            }
        }
        None
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let len = self.integer()? as usize;
        let (string, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(string)
    }
}

fn write_integer(bytes: &mut Vec<u8>, number: u32) {
    for shift in [28, 21, 14, 7] {
        if number >> shift != 0 {
            bytes.push((number >> shift) as u8 | 0x80);
        }
    }
    bytes.push(number as u8 & 0x7f);
}

fn write_string(bytes: &mut Vec<u8>, string: &[u8]) {
    write_integer(bytes, string.len() as u32);
    bytes.extend_from_slice(string);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::test_keys::unhex;
    use proptest::prelude::*;

    /// encfs-format 4.
    #[test]
    fn integers() {
        for (number, hex) in
            [(0, "00"), (64, "40"), (192, "8140"), (256, "8200"), (1024, "8800"), (20_040_813, "89c7986d")]
        {
            let mut bytes = Vec::new();
            write_integer(&mut bytes, number);
            assert_eq!(bytes, unhex(hex));
            assert_eq!(Input(&bytes).integer(), Some(number));
        }
        assert_eq!(Input(&unhex("87ffffff7f")).integer(), Some(i32::MAX as u32));
        assert_eq!(Input(&unhex("8880808000")).integer(), None, "32 bits are too many");
        assert_eq!(Input(&unhex("8180808080")).integer(), None, "so are 6 bytes");
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(entries: Vec<(Vec<u8>, Vec<u8>)>) {
            let entries = Entries(entries);
            prop_assert_eq!(Entries::parse(&entries.to_bytes()), Ok(entries));
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
            let _ = Entries::parse(&bytes);
        }
    }
}
