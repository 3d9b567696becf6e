//! What a new volume should be like: the dialogue of EncFS, question for question in its order, since scripts
//! answer it unseen.

use super::options::NewVolume;
use crate::config::{FileIvMode, Iterations, Parameters, Profile};
use crate::crypto::AlgorithmId;
use crate::crypto::families;
use std::io::{self, Read, Write};

/// Bytes of a block if nothing else is said.
const BLOCK_LEN: u32 = 1024;
const BLOCK_LEN_MIN: u32 = 64;
const BLOCK_LEN_MAX: u32 = 4096;

/// The ciphers in the order of their numbers, with the names that people see.
const CIPHERS: [(&str, &str); 3] =
    [("AES", "ssl/aes"), ("Blowfish", "ssl/blowfish"), ("CAMELLIA", "ssl/camellia")];

/// Codings of names in the order of their numbers.
const NAMES: [(&str, &str, u32, u32, &str); 4] = [
    ("Block", "nameio/block", 4, 0, "pads names to full blocks, which hides their lengths somewhat"),
    ("Block32", "nameio/block32", 4, 0, "the same for systems that ignore case"),
    ("Null", "nameio/null", 1, 0, "leaves names as they are"),
    ("Stream", "nameio/stream", 2, 1, "keeps names as short as possible"),
];

/// What was chosen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) parameters: Parameters,
    /// How long key derivation should take, in milliseconds.
    pub(super) kdf_ms: u32,
}

/// What the command line has to say about it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wishes {
    pub(super) new_volume: NewVolume,
    pub(super) require_macs: bool,
    pub(super) insecure: bool,
    /// Announce the first question on standard error.
    pub(super) annotate: bool,
}

/// One side of a dialogue.
pub(super) struct Dialogue<'a> {
    pub(super) answers: &'a mut dyn Read,
    pub(super) questions: &'a mut dyn Write,
}

impl Dialogue<'_> {
    /// Asks what there is to ask. Fails where answers end before a question that has no default, which EncFS
    /// would repeat for ever.
    pub(super) fn choose(&mut self, wishes: Wishes) -> io::Result<Choice> {
        self.say("Creating new encrypted volume.\n")?;
        let answer = match wishes.new_volume {
            NewVolume::Standard => String::new(),
            NewVolume::Paranoia => "p".to_owned(),
            NewVolume::Ask => {
                self.say(
                    "Please choose from one of the following options:\n \
                     enter \"x\" for expert configuration mode,\n \
                     enter \"p\" for pre-configured paranoia mode,\n \
                     anything else, or an empty line will select standard mode.\n?> ",
                )?;
                super::passwords::announce(wishes.annotate, "config_option");
                let answer = self.answer()?.unwrap_or_default();
                self.say("\n")?;
                answer
            }
        };
        let (name, profile) = match answer.as_bytes().first() {
            Some(b'x') => return self.expert(wishes),
            Some(b'p') => ("Paranoia", Profile::Paranoia),
            _ => ("Standard", Profile::Standard),
        };
        self.say(&format!("{name} configuration selected.\n"))?;
        let mut parameters = profile.parameters();
        if wishes.require_macs {
            parameters.mac_len = 8;
        }
        let kdf_ms = match profile.iterations() {
            Iterations::Timed(ms) => ms,
            Iterations::Fixed(_) => 500,
        };
        Ok(Choice { parameters, kdf_ms })
    }

    fn expert(&mut self, wishes: Wishes) -> io::Result<Choice> {
        self.say("Manual configuration mode selected.\n")?;
        let cipher = self.cipher()?;
        let key_bits = self.key_bits(cipher)?;
        let block_len = self.block_len(cipher)?;
        let plain_data = wishes.insecure
            && self.yes_or_no(
                "With --insecure the contents of files need not be encrypted, which is strongly discouraged.\n\
                 Disable file data encryption?",
                false,
            )?;
        let name_coding = self.name_coding()?;
        let mut parameters = Parameters {
            cipher: AlgorithmId::new(cipher, 3, 0),
            name_coding,
            key_bits,
            block_len,
            plain_data,
            file_iv: FileIvMode::None,
            chained_names: false,
            mac_len: 0,
            rand_len: 0,
            allow_holes: false,
        };
        if plain_data {
            self.say("plain data - IV, MAC and file-hole disabled\n")?;
        } else {
            self.ivs(&mut parameters)?;
            self.macs(&mut parameters, wishes.require_macs)?;
            parameters.allow_holes = self.yes_or_no(
                "Enable file-hole pass-through?\nBlocks of zeros are stored as they are, so that sparse files stay sparse.",
                true,
            )?;
        }
        Ok(Choice { parameters, kdf_ms: 500 })
    }

    fn cipher(&mut self) -> io::Result<&'static str> {
        let mut list = "The following cipher algorithms are available:\n".to_owned();
        for (number, (name, id)) in (1..).zip(CIPHERS) {
            let (bits, block) = key_sizes(id);
            list += &format!(
                "{number}. {name} : {block} byte block cipher\n -- Supports key lengths of {} to {} bits\n \
                 -- Supports block sizes of {BLOCK_LEN_MIN} to {BLOCK_LEN_MAX} bytes\n",
                bits[0],
                bits[bits.len() - 1],
            );
        }
        let names: Vec<_> = CIPHERS.iter().map(|(name, _)| *name).collect();
        Ok(CIPHERS[self.number(&list, &names)?].1)
    }

    fn key_bits(&mut self, cipher: &str) -> io::Result<u32> {
        let (sizes, _) = key_sizes(cipher);
        let (min, max) = (sizes[0], sizes[sizes.len() - 1]);
        let shown: Vec<_> = sizes.iter().map(u32::to_string).collect();
        self.say(&format!(
            "Please select a key size in bits.  The cipher you have chosen\n\
             supports sizes from {min} to {max} bits in increments of {} bits.\n\
             For example: \n{}\nSelected key size: ",
            sizes[1] - min,
            shown.join(", "),
        ))?;
        let wanted = self.integer()?;
        let bits = if sizes.contains(&wanted) { wanted } else { nearest_bound(wanted, min, max) };
        self.say(&format!("\nUsing key size of {bits} bits\n\n"))?;
        Ok(bits)
    }

    fn block_len(&mut self, cipher: &str) -> io::Result<u32> {
        let (_, step) = key_sizes(cipher);
        self.say(&format!(
            "Select a block size in bytes.  The cipher you have chosen\n\
             supports sizes from {BLOCK_LEN_MIN} to {BLOCK_LEN_MAX} bytes in increments of {step}.\n\
             Or just hit enter for the default ({BLOCK_LEN} bytes)\n\nfilesystem block size: ",
        ))?;
        let len = match self.integer()? {
            ..BLOCK_LEN_MIN => BLOCK_LEN,
            len if len <= BLOCK_LEN_MAX && (len - BLOCK_LEN_MIN).is_multiple_of(step) => len,
            _ => BLOCK_LEN_MAX,
        };
        self.say(&format!("\nUsing filesystem block size of {len} bytes\n\n"))?;
        Ok(len)
    }

    fn name_coding(&mut self) -> io::Result<AlgorithmId> {
        let mut list = "The following filename encoding algorithms are available:\n".to_owned();
        for (number, (name, .., what)) in (1..).zip(NAMES) {
            list += &format!("{number}. {name} : {what}\n");
        }
        let names: Vec<_> = NAMES.iter().map(|(name, ..)| *name).collect();
        let (_, id, major, minor, _) = NAMES[self.number(&list, &names)?];
        Ok(AlgorithmId::new(id, major, minor))
    }

    fn ivs(&mut self, parameters: &mut Parameters) -> io::Result<()> {
        parameters.chained_names = self.yes_or_no(
            "Enable filename initialization vector chaining?\n\
             How a name is encoded then depends on the folders above it.",
            true,
        )?;
        let unique = self.yes_or_no(
            "Enable per-file initialization vectors?\n\
             Every file gets a header of 8 bytes, and equal files no longer look equal.",
            true,
        )?;
        let external = if parameters.chained_names && unique {
            self.yes_or_no(
                "Enable filename to IV header chaining?\n\
                 The contents of a file then depend on its path: it cannot be renamed but by this program,\n\
                 and there are no hard links.",
                false,
            )?
        } else {
            self.say(
                "External chained IV disabled, as both 'IV chaining'\n\
                 and 'unique IV' features are required for this option.\n",
            )?;
            false
        };
        parameters.file_iv = match (unique, external) {
            (false, _) => FileIvMode::None,
            (true, false) => FileIvMode::Unique,
            (true, true) => FileIvMode::External,
        };
        Ok(())
    }

    fn macs(&mut self, parameters: &mut Parameters, required: bool) -> io::Result<()> {
        let macs = if required {
            self.say("\n\nYou specified --require-macs.  Enabling block authentication code headers...\n\n")?;
            true
        } else {
            self.yes_or_no(
                "Enable block authentication code headers\n\
                 on every block in a file?  Changes to the ciphertext are then noticed, at the price of 8 bytes\n\
                 in every block and of speed.",
                false,
            )?
        };
        parameters.mac_len = if macs { 8 } else { 0 };
        self.say(
            "Add random bytes to each block header?\n\
             Equal blocks then differ; per-file initialization vectors do that for less.\n\
             Select a number of bytes, from 0 (no random bytes) to 8: ",
        )?;
        parameters.rand_len = self.integer()?.min(8);
        self.say("\n")
    }

    /// Asks until one of the numbers in the list is chosen; gives its place.
    fn number(&mut self, list: &str, names: &[&str]) -> io::Result<usize> {
        loop {
            self.say(&format!("{list}\nEnter the number corresponding to your choice: "))?;
            let Some(answer) = self.answer()? else {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answers end here"));
            };
            self.say("\n")?;
            match (leading_integer(&answer) as usize).checked_sub(1).and_then(|at| Some((at, names.get(at)?)))
            {
                Some((at, name)) => {
                    self.say(&format!("Selected algorithm \"{name}\"\n\n"))?;
                    return Ok(at);
                }
                None => super::say::err("Invalid selection.\n"),
            }
        }
    }

    /// Asks until the answer is `y`, `n` or nothing.
    fn yes_or_no(&mut self, question: &str, default: bool) -> io::Result<bool> {
        self.say(&format!("{question}\n"))?;
        loop {
            self.say(if default { "[y]/n: " } else { "y/[n]: " })?;
            let answer = match self.answer()?.as_deref() {
                Some("y") => true,
                Some("n") => false,
                None | Some("") => default,
                Some(_) => continue,
            };
            self.say("\n")?;
            return Ok(answer);
        }
    }

    fn integer(&mut self) -> io::Result<u32> {
        Ok(leading_integer(&self.answer()?.unwrap_or_default()))
    }

    /// A line without its end, byte by byte: the password may come behind the answers.
    fn answer(&mut self) -> io::Result<Option<String>> {
        let (mut line, mut byte) = (Vec::new(), [0]);
        let mut ended = false;
        while !ended && self.answers.read(&mut byte)? == 1 {
            ended = byte[0] == b'\n';
            line.push(byte[0]);
        }
        if line.is_empty() {
            return Ok(None);
        }
        line.truncate(line.len() - usize::from(ended));
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        self.questions.write_all(text.as_bytes())?;
        self.questions.flush()
    }
}

/// Key sizes of a cipher in bits, two at least, and its block in bytes.
fn key_sizes(cipher: &str) -> (&'static [u32], u32) {
    let family = families().iter().find(|family| family.name == cipher);
    let family = family.expect("every cipher of the list exists");
    (family.key_bits, family.block_len as u32)
}

/// What EncFS makes of a size that does not exist: too small is the smallest, any other the largest.
fn nearest_bound(wanted: u32, min: u32, max: u32) -> u32 {
    if wanted < min { min } else { max }
}

/// As atoi(3) reads it, where nothing is below 0.
fn leading_integer(text: &str) -> u32 {
    super::options::leading_number(&text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(answers: &str, wishes: Wishes) -> (io::Result<Choice>, String, String) {
        let (mut answers, mut questions) = (answers.as_bytes(), Vec::new());
        let choice = Dialogue { answers: &mut answers, questions: &mut questions }.choose(wishes);
        let left = String::from_utf8_lossy(answers).into_owned();
        (choice, left, String::from_utf8_lossy(&questions).into_owned())
    }

    fn parameters(answers: &str, wishes: Wishes) -> Parameters {
        let (choice, left, _) = choose(&format!("{answers}password\n"), wishes);
        assert_eq!(left, "password\n", "{answers:?}");
        let parameters = choice.expect("enough answers").parameters;
        assert_eq!(parameters.check(), Ok(()));
        parameters
    }

    #[test]
    fn the_two_profiles() {
        let wishes = Wishes::default();
        for answers in ["\n", "s\n", "q\n"] {
            assert_eq!(parameters(answers, wishes), Profile::Standard.parameters());
        }
        assert_eq!(parameters("p\n", wishes), Profile::Paranoia.parameters());
        assert_eq!(choose("p\n", wishes).0.expect("enough answers").kdf_ms, 3000);
        let standard = Wishes { new_volume: NewVolume::Standard, require_macs: true, ..wishes };
        assert_eq!(parameters("", standard), Parameters { mac_len: 8, ..Profile::Standard.parameters() });
    }

    #[test]
    fn every_question_of_the_expert() {
        let all = parameters("x\n1\n256\n2048\n4\ny\ny\ny\ny\n4\nn\n", Wishes::default());
        let expected = Parameters {
            cipher: AlgorithmId::new("ssl/aes", 3, 0),
            name_coding: AlgorithmId::new("nameio/stream", 2, 1),
            key_bits: 256,
            block_len: 2048,
            plain_data: false,
            file_iv: FileIvMode::External,
            chained_names: true,
            mac_len: 8,
            rand_len: 4,
            allow_holes: false,
        };
        assert_eq!(all, expected);
        let defaults = parameters("x\n3\n\n\n1\n\n\n\n\n\n\n", Wishes::default());
        assert_eq!((defaults.key_bits, defaults.block_len, defaults.rand_len), (128, 1024, 0));
        assert_eq!((defaults.file_iv, defaults.mac_len), (FileIvMode::Unique, 0));
        assert!(defaults.chained_names && defaults.allow_holes);
    }

    #[test]
    fn questions_that_depend_on_others() {
        let chain_off = parameters("x\n1\n128\n64\n2\nn\ny\nn\n0\ny\n", Wishes::default());
        assert_eq!((chain_off.chained_names, chain_off.file_iv), (false, FileIvMode::Unique));
        let macs = Wishes { require_macs: true, ..Wishes::default() };
        assert_eq!(parameters("x\n1\n128\n64\n2\ny\nn\n9\ny\n", macs).rand_len, 8);
        let insecure = Wishes { insecure: true, ..Wishes::default() };
        assert!(parameters("x\n1\n256\n1024\ny\n3\n", insecure).plain_data);
        assert!(!parameters("x\n1\n256\n1024\n\n3\n\n\n\n\n\n\n", insecure).plain_data);
    }

    #[test]
    fn answers_that_are_none_are_asked_for_again() {
        let (choice, left, questions) =
            choose("x\n7\n0\nfoo\n2\n160\n1000\n1\nyes\nN\ny\n\n\n\n\n\npw", Wishes::default());
        let parameters = choice.expect("enough answers").parameters;
        assert_eq!((parameters.cipher.name.as_str(), parameters.key_bits), ("ssl/blowfish", 160));
        assert_eq!(parameters.block_len, 1000, "a multiple of 8 bytes is one for Blowfish");
        assert_eq!(left, "pw");
        assert_eq!(questions.matches("[y]/n: ").count(), 5);
    }

    #[test]
    fn sizes_that_do_not_exist() {
        let sizes = |bits: &str, len: &str| {
            let made = parameters(&format!("x\n1\n{bits}\n{len}\n1\n\n\n\n\n\n\n"), Wishes::default());
            (made.key_bits, made.block_len)
        };
        assert_eq!(sizes("100", "10"), (128, 1024));
        assert_eq!(sizes("160", "1000"), (256, 4096));
        assert_eq!(sizes("512", "70000"), (256, 4096));
    }

    #[test]
    fn answers_that_end_too_early() {
        assert!(choose("x\n", Wishes::default()).0.is_err());
        assert!(choose("x\n1\n256\n1024\n9\n", Wishes::default()).0.is_err());
        assert_eq!(parameters_at_end(""), Profile::Standard.parameters());
    }

    fn parameters_at_end(answers: &str) -> Parameters {
        choose(answers, Wishes::default()).0.expect("it has a default").parameters
    }
}
