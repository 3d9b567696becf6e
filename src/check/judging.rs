//! What each program reads and writes, parameter by parameter.

use super::program::{Judgement, Parameter, Verdict};
use crate::config::{Config, FileIvMode, Format, Kdf, Parameters};
use crate::crypto::AlgorithmId;

const FINE: Judgement = Judgement { verdict: Verdict::Writes, reason: "" };
const READS: Judgement = Judgement { verdict: Verdict::Reads, reason: "" };

fn beware(reason: &'static str) -> Judgement {
    Judgement { reason, ..FINE }
}

fn no(reason: &'static str) -> Judgement {
    Judgement { verdict: Verdict::No, reason }
}

fn unknown(reason: &'static str) -> Judgement {
    Judgement { verdict: Verdict::Unknown, reason }
}

/// `fine` if it holds, otherwise the other.
fn if_else(holds: bool, other: Judgement) -> Judgement {
    if holds { FINE } else { other }
}

fn is_v6(config: &Config) -> bool {
    matches!(config.format(), Format::V6 { .. })
}

/// Without headers and MACs, and so with what EncFS 1.9.5 does to the last block.
fn is_bare(parameters: &Parameters) -> bool {
    parameters.file_iv == FileIvMode::None && parameters.mac_len + parameters.rand_len == 0
}

/// What is known are volumes that it made: any other value is unknown.
pub(super) fn boxcryptor(config: &Config, parameter: Parameter) -> Judgement {
    let parameters = config.parameters();
    let known = match parameter {
        Parameter::Config => is_v6(config),
        Parameter::Cipher => parameters.cipher.name == "ssl/aes" && parameters.cipher.major == 3,
        Parameter::KeySize => parameters.key_bits == 256,
        Parameter::BlockSize => parameters.block_len == 4096,
        Parameter::Names => {
            let AlgorithmId { name, major, .. } = &parameters.name_coding;
            matches!((name.as_str(), major), ("nameio/stream", 2) | ("nameio/null", _))
        }
        Parameter::ChainedNames => !parameters.chained_names,
        Parameter::FileIv => parameters.file_iv == FileIvMode::None,
        Parameter::Mac => parameters.mac_len == 0,
        Parameter::RandomBytes => parameters.rand_len == 0,
        Parameter::Holes => parameters.allow_holes,
        Parameter::PlainData => !parameters.plain_data,
        Parameter::Kdf => matches!(config.kdf(), Kdf::Pbkdf2 { .. }),
    };
    if_else(known, unknown("no volume of BoxCryptor's is known that has this"))
}

pub(super) fn encfs_1_9(config: &Config, parameter: Parameter) -> Judgement {
    const LAST_V5: u32 = 20_040_813;
    let parameters = config.parameters();
    match parameter {
        Parameter::Config => match config.format() {
            Format::V5 { revision, .. } if *revision > LAST_V5 => {
                no("it refuses V5 configs newer than 20040813, which EncFS 1.4 wrote")
            }
            _ => FINE,
        },
        Parameter::Cipher if parameters.cipher.name == "ssl/blowfish" => {
            beware("crashes where OpenSSL has no Blowfish (OpenSSL 3 without its legacy provider)")
        }
        Parameter::Names if parameters.name_coding.name == "nameio/null" => {
            beware("the config can be overwritten and deleted through a mount")
        }
        Parameter::FileIv if is_bare(parameters) => {
            beware("growing a file by truncate destroys its last block")
        }
        Parameter::Mac if parameters.mac_len > 0 => {
            beware("truncating by path fails; one bad block fails the good ones around it")
        }
        Parameter::RandomBytes if parameters.rand_len > 0 => beware("truncating by path fails"),
        _ => FINE,
    }
}

pub(super) fn encfs_1_4(config: &Config, parameter: Parameter) -> Judgement {
    let parameters = config.parameters();
    match parameter {
        Parameter::Config => if_else(!is_v6(config), no("it knows .encfs5 and older")),
        Parameter::Cipher => {
            let AlgorithmId { name, major, .. } = &parameters.cipher;
            let known = matches!(name.as_str(), "ssl/aes" | "ssl/blowfish" | "nullCipher") && *major <= 2;
            if_else(known, no("it has AES and Blowfish, with interfaces 1 and 2"))
        }
        Parameter::Names => {
            let AlgorithmId { name, major, .. } = &parameters.name_coding;
            let known = matches!(
                (name.as_str(), major),
                ("nameio/block", 0..=3) | ("nameio/stream", 0..=2) | ("nameio/null", _)
            );
            if_else(known, no("it has block names up to 3, stream names up to 2, and null"))
        }
        Parameter::Kdf => if_else(*config.kdf() == Kdf::Legacy, no("it knows no salt")),
        Parameter::PlainData => if_else(!parameters.plain_data, no("it knows no volumes without encryption")),
        _ => FINE,
    }
}

pub(super) fn encfs_java(config: &Config, parameter: Parameter) -> Judgement {
    let parameters = config.parameters();
    match parameter {
        Parameter::Config => if_else(is_v6(config), no("it knows .encfs6.xml only")),
        Parameter::Cipher => {
            let known = parameters.cipher.name == "ssl/aes" && parameters.cipher.major == 3;
            if_else(known, no("it takes every cipher for AES 3"))
        }
        Parameter::Names => {
            let AlgorithmId { name, major, .. } = &parameters.name_coding;
            let chained = parameters.chained_names;
            let known = match (name.as_str(), major) {
                ("nameio/block", 3..) | ("nameio/stream", 2..) | ("nameio/null", _) => true,
                // without chaining these are the same as the current ones
                ("nameio/block", 2) | ("nameio/stream", 1) => !chained,
                _ => false,
            };
            if_else(known, no("it reads names as block 4, stream 2 or null"))
        }
        Parameter::PlainData => if_else(!parameters.plain_data, no("it decrypts all contents")),
        Parameter::Kdf => if_else(*config.kdf() != Kdf::Legacy, no("it needs a salt")),
        _ => FINE,
    }
}

pub(super) fn encfsy(config: &Config, parameter: Parameter) -> Judgement {
    let parameters = config.parameters();
    match parameter {
        Parameter::Config => if_else(is_v6(config), no("it knows .encfs6.xml only")),
        Parameter::Cipher => {
            let AlgorithmId { name, major, minor } = &parameters.cipher;
            if_else((name.as_str(), *major, *minor) == ("ssl/aes", 3, 0), no("it has ssl/aes 3:0 only"))
        }
        Parameter::Names => {
            let AlgorithmId { name, major, minor } = &parameters.name_coding;
            let known =
                matches!((name.as_str(), major, minor), ("nameio/block", 3, 0) | ("nameio/stream", 1..=2, _));
            if_else(known, no("it has nameio/block 3:0 and nameio/stream 1 and 2 only"))
        }
        Parameter::RandomBytes => if_else(parameters.rand_len <= 8, no("8 bytes at the most")),
        Parameter::PlainData => if_else(!parameters.plain_data, no("it decrypts all contents")),
        Parameter::Kdf => if_else(*config.kdf() != Kdf::Legacy, no("it needs a salt")),
        _ => FINE,
    }
}

/// What it was seen to do with volumes of old; whether it writes them was not tried.
pub(super) fn encfs_2(config: &Config, parameter: Parameter) -> Judgement {
    let parameters = config.parameters();
    let reads = |holds: bool, reason| if holds { READS } else { no(reason) };
    match parameter {
        Parameter::Config => reads(!matches!(config.format(), Format::V4 { .. }), "it does not open .encfs4"),
        Parameter::Cipher => {
            let known = matches!(parameters.cipher.name.as_str(), "ssl/aes" | "ssl/blowfish");
            reads(known, "it has AES and Blowfish only")
        }
        Parameter::Names => {
            let AlgorithmId { name, major, .. } = &parameters.name_coding;
            let known = matches!((name.as_str(), major), ("nameio/block", 3..) | ("nameio/stream", 2..));
            reads(known, "it shows the top level of such names at the most")
        }
        Parameter::ChainedNames => reads(
            parameters.chained_names,
            "it computes names without chaining otherwise, and finds no files",
        ),
        Parameter::RandomBytes => reads(parameters.rand_len == 0, "it knows no random bytes in blocks"),
        Parameter::PlainData => reads(!parameters.plain_data, "it does not open such volumes"),
        _ => READS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::program::PROGRAMS;
    use crate::config::Profile;
    use crate::crypto::Password;

    fn counting(bytes: &mut [u8]) {
        bytes.iter_mut().zip(1..).for_each(|(byte, value)| *byte = value);
    }

    fn verdicts(change: impl FnOnce(&mut Parameters)) -> [Verdict; 6] {
        let mut parameters = Profile::Sync.parameters();
        change(&mut parameters);
        let password = Password::new(b"x".to_vec()).expect("not empty");
        let config = Config::create(&parameters, &password, 1, counting).expect("a valid config");
        PROGRAMS.map(|program| program.verdict(&config))
    }

    #[test]
    fn who_opens_the_volumes_that_encbox_makes() {
        use Verdict::{No, Reads, Unknown, Writes};
        let of = |profile: Profile| verdicts(|parameters| *parameters = profile.parameters());
        assert_eq!(of(Profile::Sync), [Unknown, Writes, No, Writes, Writes, No]);
        assert_eq!(of(Profile::Boxcryptor), [Writes, Writes, No, Writes, Writes, No]);
        assert_eq!(of(Profile::Standard), [Unknown, Writes, No, Writes, No, Reads]);
        assert_eq!(of(Profile::Paranoia), [Unknown, Writes, No, Writes, No, Reads]);
    }

    #[test]
    fn what_each_refuses() {
        use Verdict::No;
        let camellia = verdicts(|p| (p.cipher.name, p.key_bits) = ("ssl/camellia".into(), 192));
        assert_eq!(camellia[3..], [No, No, No]);
        let null = verdicts(|p| p.name_coding = AlgorithmId::new("nameio/null", 1, 0));
        assert_eq!(null[4..], [No, No]);
        let block32 = verdicts(|p| p.name_coding = AlgorithmId::new("nameio/block32", 4, 0));
        assert_eq!(block32[2..], [No, No, No, No]);
        let old_stream = verdicts(|p| {
            p.name_coding = AlgorithmId::new("nameio/stream", 1, 0);
            p.chained_names = true;
        });
        assert_eq!((old_stream[3], old_stream[4]), (No, Verdict::Writes));
    }
}
