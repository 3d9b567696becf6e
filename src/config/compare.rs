//! In what a config differs from the one that a volume had before, and whether that is anybody's business.

use super::{Config, FileIvMode, Kdf, Parameters};
use crate::crypto::AlgorithmId;
use std::fmt;

/// One thing in which a config differs from an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The element or key, as the file calls it.
    pub field: &'static str,
    /// What it said before; empty for what says nothing to a reader (salt, key).
    pub before: String,
    /// What it says now.
    pub now: String,
    /// What it comes to; empty if there is no short word for it.
    pub meaning: &'static str,
    /// How much it matters.
    pub weight: Weight,
}

/// How much a difference matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It says nothing about what is encrypted how.
    Harmless,
    /// What another password brings about.
    Password,
    /// Files or names would be coded otherwise, or the password be worth less: no program changes this on a volume
    /// that is in use.
    Security,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before.is_empty(), self.now.is_empty()) {
            (true, true) => write!(f, "another {}", self.field)?,
            _ => write!(f, "{} {} instead of {}", self.field, self.now, self.before)?,
        }
        if self.meaning.is_empty() { Ok(()) } else { write!(f, " ({})", self.meaning) }
    }
}

impl Difference {
    /// The key that a config leads to is another: files and names of before cannot be read with it.
    pub fn another_key() -> Difference {
        Difference {
            field: "volume key",
            before: String::new(),
            now: String::new(),
            meaning: "it is the config of another volume",
            weight: Weight::Security,
        }
    }
}

/// What of some differences concerns security, in words.
pub fn of_concern(differences: &[Difference]) -> String {
    let of_concern = differences.iter().filter(|difference| difference.weight == Weight::Security);
    of_concern.map(Difference::to_string).collect::<Vec<_>>().join("; ")
}

impl Config {
    /// Whether the key in this config is the one in `other`, wrapped in the same way.
    pub fn has_wrapped_key_of(&self, other: &Config) -> bool {
        self.wrapped_key == other.wrapped_key
    }

    /// In what this config differs from `before`, in the order of the file. Two that differ in spelling only do not.
    pub fn differences(&self, before: &Config) -> Vec<Difference> {
        let mut list = List(Vec::new());
        list.words("version", &revision(before), &revision(self), Weight::Harmless, "");
        list.words("creator", &before.creator, &self.creator, Weight::Harmless, "");
        list.parameters(&before.parameters, &self.parameters);
        let wrapped_anew = !self.has_wrapped_key_of(before);
        if wrapped_anew {
            list.secret("encodedKeyData");
        }
        list.kdf(&before.kdf, &self.kdf, wrapped_anew);
        list.0
    }
}

fn revision(config: &Config) -> String {
    let format = config.format();
    match format.revision() {
        Some(revision) => format!("{} {revision}", format.name()),
        None => format.name().to_owned(),
    }
}

struct List(Vec<Difference>);

impl List {
    fn words(&mut self, field: &'static str, before: &str, now: &str, weight: Weight, meaning: &'static str) {
        if before != now {
            // an empty word would read as a secret
            let word = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
            self.0.push(Difference { field, before: word(before), now: word(now), meaning, weight });
        }
    }

    fn secret(&mut self, field: &'static str) {
        let (before, now) = (String::new(), String::new());
        self.0.push(Difference { field, before, now, meaning: "", weight: Weight::Password });
    }

    fn security<T: fmt::Display>(
        &mut self,
        field: &'static str,
        (before, now): (T, T),
        meaning: &'static str,
    ) {
        let (before, now) = (before.to_string(), now.to_string());
        self.words(field, &before, &now, Weight::Security, meaning);
    }

    fn parameters(&mut self, before: &Parameters, now: &Parameters) {
        let flag = |mode: FileIvMode, least: FileIvMode| u8::from(mode >= least);
        let flags = |least| (flag(before.file_iv, least), flag(now.file_iv, least));
        let if_less = |less: bool, meaning| if less { meaning } else { "" };

        let is_null = |id: &AlgorithmId, name| id.name == name;
        let clear = if_less(is_null(&now.cipher, "nullCipher"), "nothing would be encrypted");
        self.security("cipherAlg", (&before.cipher, &now.cipher), clear);
        let clear = if_less(is_null(&now.name_coding, "nameio/null"), "names would not be encrypted");
        self.security("nameAlg", (&before.name_coding, &now.name_coding), clear);
        self.security("keySize", (before.key_bits, now.key_bits), "");
        self.security("blockSize", (before.block_len, now.block_len), "");
        let clear = if_less(now.plain_data, "contents would not be encrypted");
        self.security("plainData", (u8::from(before.plain_data), u8::from(now.plain_data)), clear);
        let (unique, external) = (flags(FileIvMode::Unique), flags(FileIvMode::External));
        self.security("uniqueIV", unique, if_less(unique.1 < unique.0, "equal files would look equal"));
        let chained = (u8::from(before.chained_names), u8::from(now.chained_names));
        self.security("chainedNameIV", chained, "");
        self.security("externalIVChaining", external, "");
        let unnoticed = if_less(now.mac_len < before.mac_len, "changed contents would go unnoticed");
        self.security("blockMACBytes", (before.mac_len, now.mac_len), unnoticed);
        self.security("blockMACRandBytes", (before.rand_len, now.rand_len), "");
        let holes = (u8::from(before.allow_holes), u8::from(now.allow_holes));
        self.security(
            "allowHoles",
            holes,
            if_less(holes.1 > holes.0, "blocks of zeros would pass unchecked"),
        );
    }

    /// Fewer iterations are of the owner's choice where the key was wrapped anew, which takes the key and a password.
    fn kdf(&mut self, before: &Kdf, now: &Kdf, wrapped_anew: bool) {
        const FASTER: &str = "the password could be guessed faster";
        let fewer = if wrapped_anew { Weight::Password } else { Weight::Security };
        match (before, now) {
            (Kdf::Legacy, Kdf::Legacy) => {}
            (Kdf::Legacy, Kdf::Pbkdf2 { iterations, .. }) => {
                self.secret("saltData");
                self.words("kdfIterations", "16", &iterations.to_string(), Weight::Password, "");
            }
            (Kdf::Pbkdf2 { iterations, .. }, Kdf::Legacy) => {
                self.words("kdfIterations", &iterations.to_string(), "16", fewer, FASTER);
            }
            (Kdf::Pbkdf2 { iterations: old, salt: old_salt }, Kdf::Pbkdf2 { iterations, salt }) => {
                if salt.len() < old_salt.len() {
                    self.words("saltLen", &old_salt.len().to_string(), &salt.len().to_string(), fewer, "");
                } else if salt != old_salt {
                    self.secret("saltData");
                }
                let (weight, meaning) =
                    if iterations < old { (fewer, FASTER) } else { (Weight::Password, "") };
                self.words("kdfIterations", &old.to_string(), &iterations.to_string(), weight, meaning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileKind, Profile};
    use super::*;
    use crate::crypto::Password;

    fn counting(bytes: &mut [u8]) {
        bytes.iter_mut().zip(0x80..).for_each(|(byte, value)| *byte = value);
    }

    fn password(text: &str) -> Password {
        Password::new(text.as_bytes().to_vec()).expect("not empty")
    }

    fn config() -> Config {
        Config::create(&Profile::Sync.parameters(), &password("x"), 10, counting).expect("valid")
    }

    /// What one line of the file replaced by another comes to.
    fn after(old: &str, new: &str) -> Vec<Difference> {
        let config = config();
        let text = String::from_utf8(config.to_bytes()).expect("XML");
        assert!(text.contains(old), "{old}");
        let changed = Config::parse(FileKind::V6, text.replacen(old, new, 1).as_bytes()).expect("possible");
        changed.differences(&config)
    }

    #[test]
    fn every_weakening_is_named() {
        for (old, new, expected) in [
            (
                "<blockMACBytes>8<",
                "<blockMACBytes>0<",
                "blockMACBytes 0 instead of 8 (changed contents would go unnoticed)",
            ),
            ("<blockMACBytes>8<", "<blockMACBytes>7<", "blockMACBytes 7 instead of 8 (changed"),
            ("<blockMACRandBytes>0<", "<blockMACRandBytes>8<", "blockMACRandBytes 8 instead of 0"),
            ("<uniqueIV>1<", "<uniqueIV>0<", "uniqueIV 0 instead of 1 (equal files would look equal)"),
            ("<chainedNameIV>0<", "<chainedNameIV>1<", "chainedNameIV 1 instead of 0"),
            ("<blockSize>4096<", "<blockSize>1024<", "blockSize 1024 instead of 4096"),
            ("<allowHoles>0<", "<allowHoles>1<", "allowHoles 1 instead of 0 (blocks of zeros"),
            (
                "nameio/block</name>\n            <major>3",
                "nameio/block</name>\n            <major>4",
                "nameAlg nameio/block 4:0 instead of nameio/block 3:0",
            ),
            (
                "<name>ssl/aes</name>",
                "<name>ssl/camellia</name>",
                "cipherAlg ssl/camellia 3:0 instead of ssl/aes 3:0",
            ),
            (
                "<kdfIterations>10<",
                "<kdfIterations>9<",
                "kdfIterations 9 instead of 10 (the password could be guessed faster)",
            ),
        ] {
            let differences = after(old, new);
            assert_eq!(differences.len(), 1, "{differences:?}");
            assert_eq!(differences[0].weight, Weight::Security, "{new}");
            assert!(differences[0].to_string().starts_with(expected), "{}", differences[0]);
        }
    }

    #[test]
    fn what_a_new_password_brings_is_told_apart() {
        let config = config();
        let key = config.unlock(&password("x")).expect("the right one");
        let other = |bytes: &mut [u8]| bytes.fill(7);
        let changed = config.with_password(&key, &password("y"), 11, other).expect("valid");
        let differences = changed.differences(&config);
        let words: Vec<_> = differences.iter().map(Difference::to_string).collect();
        assert_eq!(words, ["another encodedKeyData", "another saltData", "kdfIterations 11 instead of 10"]);
        assert!(differences.iter().all(|difference| difference.weight == Weight::Password));
        // fewer iterations with the key wrapped anew are of the owner's choice; of anybody's with the key as it was
        assert_eq!(config.differences(&changed).last().map(|last| last.weight), Some(Weight::Password));
    }

    #[test]
    fn spelling_is_no_difference_and_who_wrote_it_is_harmless() {
        assert_eq!(after("<uniqueIV>1<", "<uniqueIV>2<"), []);
        assert_eq!(after("<plainData>0<", "<plainData>false<"), []);
        assert_eq!(after("<desiredKDFDuration>500<", "<desiredKDFDuration>900<"), []);
        let differences = after("<creator>encbox", "<creator>EncFS");
        assert_eq!(differences.iter().map(|found| found.weight).collect::<Vec<_>>(), [Weight::Harmless]);
    }

    #[test]
    fn switching_encryption_off_is_named() {
        let config =
            Config::create(&Profile::Boxcryptor.parameters(), &password("x"), 10, counting).expect("valid");
        let mut plain = config.clone();
        plain.parameters.plain_data = true;
        plain.parameters.name_coding = AlgorithmId::new("nameio/null", 1, 0);
        let words =
            plain.differences(&config).iter().map(Difference::to_string).collect::<Vec<_>>().join("; ");
        assert!(words.contains("(names would not be encrypted)"), "{words}");
        assert!(words.contains("plainData 1 instead of 0 (contents would not be encrypted)"), "{words}");
        let mut legacy = config.clone();
        legacy.kdf = Kdf::Legacy;
        assert_eq!(legacy.differences(&config)[0].weight, Weight::Security);
        assert!(config.differences(&legacy).iter().all(|found| found.weight == Weight::Password));
    }
}
