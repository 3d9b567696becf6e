//! `.encfs6.xml` (encfs-format 3): an XML file in the shape of a Boost serialization archive.
//!
//! What other programs do differently, and carries no meaning: BoxCryptor Classic puts a blank behind base64,
//! indents by two and leaves `plainData` out; EncFS 1.7 indents by tabs; encfsy and encfs-java have other
//! `version` attributes on the root.

use super::xml::{Document, shorten};
use super::{Config, Error, FileIvMode, Format, Kdf, Parameters};
use crate::crypto::AlgorithmId;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;
use std::fmt::{Display, Write};

/// The revision that every program of today reads and writes.
pub(super) const REVISION: u32 = 20_100_713;
/// The first revision with a salt and PBKDF2.
const FIRST_SALTED: u32 = 20_080_816;
/// The version of the archive, which stands for the revision in the files of the time before revisions were
/// dates; those have no `version` element.
const ARCHIVE_REVISION: u32 = 20;
/// The first revision that is a date.
const FIRST: u32 = 20_040_813;
/// What `desiredKDFDuration` is when missing.
pub(super) const DEFAULT_KDF_DURATION_MS: u32 = 500;
/// The most that is believed of it: whoever changes the password waits that long.
const MAX_KDF_DURATION_MS: u32 = 60_000;

/// Bounds on what comes from an untrusted file and costs time or memory; no real volume exceeds them.
const MAX_ITERATIONS: u32 = 50_000_000;
const MAX_SALT_LEN: usize = 1024;
const MAX_WRAPPED_LEN: usize = 52;

/// Base64 as other programs write it: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn parse(bytes: &[u8]) -> Result<Config, Error> {
    let fields = Fields(Document::parse(bytes)?);
    let revision = fields.revision()?;
    let salted = revision >= FIRST_SALTED;

    let chained_names = fields.flag("chainedNameIV")?;
    let parameters = Parameters {
        cipher: fields.algorithm("cipherAlg", "cipherAlg/name", "cipherAlg/major", "cipherAlg/minor")?,
        name_coding: fields.algorithm("nameAlg", "nameAlg/name", "nameAlg/major", "nameAlg/minor")?,
        key_bits: fields.required("keySize")?,
        block_len: fields.required("blockSize")?,
        plain_data: fields.flag("plainData")?,
        file_iv: FileIvMode::from_flags(
            fields.flag("uniqueIV")?,
            chained_names,
            fields.flag("externalIVChaining")?,
        ),
        chained_names,
        mac_len: fields.number("blockMACBytes")?.unwrap_or(0),
        rand_len: fields.number("blockMACRandBytes")?.unwrap_or(0),
        allow_holes: fields.flag("allowHoles")?,
    };
    parameters.check()?;

    let wrapped_key = fields.base64("encodedKeyData", "encodedKeySize", MAX_WRAPPED_LEN)?;
    parameters.check_wrapped_key("encodedKeyData", &wrapped_key)?;
    let salt = if salted { fields.base64("saltData", "saltLen", MAX_SALT_LEN)? } else { Vec::new() };
    let kdf = if salt.is_empty() {
        Kdf::Legacy
    } else {
        let iterations = fields.required("kdfIterations")?;
        check_iterations(iterations)?;
        Kdf::Pbkdf2 { iterations, salt }
    };
    let kdf_duration_ms = fields.number("desiredKDFDuration")?.unwrap_or(DEFAULT_KDF_DURATION_MS);
    Ok(Config {
        format: Format::V6 { revision, kdf_duration_ms: kdf_duration_ms.min(MAX_KDF_DURATION_MS) },
        creator: fields.0.text("creator").unwrap_or_default().to_owned(),
        parameters,
        kdf,
        wrapped_key,
    })
}

/// Refuses no iterations at all, and so many that the machine would compute for ages.
pub(super) fn check_iterations(iterations: u32) -> Result<(), Error> {
    if (1..=MAX_ITERATIONS).contains(&iterations) {
        return Ok(());
    }
    Err(Error::field("kdfIterations", format!("{iterations} is not between 1 and {MAX_ITERATIONS}")))
}

/// The elements of a config, read with the tolerance of EncFS 1.9.5 and with bounds.
struct Fields(Document);

impl Fields {
    /// The element `version`, or the attribute of that name; values that old Boost cut to 16 bits restored.
    fn revision(&self) -> Result<u32, Error> {
        let written = match self.number("version")? {
            Some(revision) => revision,
            None => match self.0.cfg_version.as_deref().map(str::trim) {
                Some("20") => return Ok(ARCHIVE_REVISION),
                Some(text) => text
                    .parse()
                    .map_err(|_| Error::field("version", format!("'{}' is not a revision", shorten(text))))?,
                None => return Err(missing("version")),
            },
        };
        match written {
            26_797 => Ok(20_080_813),
            26_800 => Ok(FIRST_SALTED),
            FIRST.. => Ok(written),
            _ => Err(Error::field("version", format!("{written} is not a revision"))),
        }
    }

    fn number(&self, field: &'static str) -> Result<Option<u32>, Error> {
        let Some(text) = self.0.text(field) else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Error::field(field, format!("'{}' is not a possible number", shorten(text)))),
        }
    }

    fn required(&self, field: &'static str) -> Result<u32, Error> {
        self.number(field)?.ok_or_else(|| missing(field))
    }

    /// Missing is 0. The words `true` and `false` are read as 0, as EncFS 1.9.5 reads them: taking the first
    /// for 1 would open its volumes wrongly.
    fn flag(&self, field: &'static str) -> Result<bool, Error> {
        match self.0.text(field) {
            None | Some("true" | "false") => Ok(false),
            Some(_) => Ok(self.number(field)?.is_some_and(|number| number != 0)),
        }
    }

    fn algorithm(
        &self,
        field: &'static str,
        name: &'static str,
        major: &'static str,
        minor: &'static str,
    ) -> Result<AlgorithmId, Error> {
        let name = self.0.text(name).filter(|name| !name.is_empty()).ok_or_else(|| missing(field))?;
        Ok(AlgorithmId::new(&shorten(name), self.required(major)?, self.number(minor)?.unwrap_or(0)))
    }

    /// Base64, folded and spaced as it may be, of exactly as many bytes as the size element says.
    fn base64(&self, field: &'static str, size: &'static str, max_len: usize) -> Result<Vec<u8>, Error> {
        let len = self.required(size)? as usize;
        if len > max_len {
            return Err(Error::field(size, format!("{len} is more than {max_len}")));
        }
        let text = self.0.text(field).ok_or_else(|| missing(field))?;
        let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let bytes = BASE64.decode(text).map_err(|error| Error::field(field, format!("base64: {error}")))?;
        if bytes.len() != len {
            return Err(Error::field(field, format!("{} bytes, {size} says {len}", bytes.len())));
        }
        Ok(bytes)
    }
}

fn missing(field: &'static str) -> Error {
    Error::field(field, "is missing")
}

/// Writes a config as EncFS 1.9.5 does, byte for byte but for the values.
pub(super) fn write(config: &Config) -> Vec<u8> {
    let Config { format, creator, parameters, kdf, wrapped_key } = config;
    let (revision, duration) = match format {
        Format::V6 { revision, kdf_duration_ms } => (*revision, *kdf_duration_ms),
        Format::V5 { .. } | Format::V4 { .. } => (REVISION, DEFAULT_KDF_DURATION_MS),
    };
    let (iterations, salt) = match kdf {
        Kdf::Pbkdf2 { iterations, salt } => (*iterations, salt.as_slice()),
        Kdf::Legacy => (0, &[][..]),
    };
    let unique = parameters.file_iv != FileIvMode::None;
    let external = parameters.file_iv == FileIvMode::External;

    let mut xml = Xml(String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE boost_serialization>\n\
         <boost_serialization signature=\"serialization::archive\" version=\"7\">\n    \
         <cfg class_id=\"0\" tracking_level=\"0\" version=\"20\">\n",
    ));
    if revision != ARCHIVE_REVISION {
        xml.element("version", revision);
    }
    xml.element("creator", quick_xml::escape::escape(creator.as_str()));
    let first_of_its_class = "class_id=\"1\" tracking_level=\"0\" version=\"0\"";
    xml.element_with("cipherAlg", first_of_its_class, Algorithm(&parameters.cipher));
    xml.element("nameAlg", Algorithm(&parameters.name_coding));
    xml.element("keySize", parameters.key_bits);
    xml.element("blockSize", parameters.block_len);
    xml.element("plainData", u32::from(parameters.plain_data));
    xml.element("uniqueIV", u32::from(unique));
    xml.element("chainedNameIV", u32::from(parameters.chained_names));
    xml.element("externalIVChaining", u32::from(external));
    xml.element("blockMACBytes", parameters.mac_len);
    xml.element("blockMACRandBytes", parameters.rand_len);
    xml.element("allowHoles", u32::from(parameters.allow_holes));
    xml.element("encodedKeySize", wrapped_key.len());
    xml.element("encodedKeyData", format_args!("\n{}\n", BASE64.encode(wrapped_key)));
    xml.element("saltLen", salt.len());
    xml.element("saltData", format_args!("\n{}\n", BASE64.encode(salt)));
    xml.element("kdfIterations", iterations);
    xml.element("desiredKDFDuration", duration);
    xml.0.push_str("    </cfg>\n</boost_serialization>\n");
    xml.0.into_bytes()
}

/// A config while it is written.
struct Xml(String);

impl Xml {
    fn element(&mut self, name: &str, value: impl Display) {
        self.tagged(name, name, value);
    }

    fn element_with(&mut self, name: &str, attributes: &str, value: impl Display) {
        self.tagged(&format!("{name} {attributes}"), name, value);
    }

    fn tagged(&mut self, start: &str, end: &str, value: impl Display) {
        writeln!(self.0, "        <{start}>{value}</{end}>").expect("a string takes any text");
    }
}

/// An interface as three elements on lines of their own.
struct Algorithm<'a>(&'a AlgorithmId);

impl Display for Algorithm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AlgorithmId { name, major, minor } = self.0;
        let indent = "            ";
        let name = quick_xml::escape::escape(name.as_str());
        write!(f, "\n{indent}<name>{name}</name>\n{indent}<major>{major}</major>\n")?;
        write!(f, "{indent}<minor>{minor}</minor>\n        ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileKind, Profile};
    use super::*;
    use crate::crypto::Password;
    use crate::crypto::test_keys::volume_key;
    use proptest::prelude::*;

    /// The worked example of encfs-format 15.1 as a config: password `test`.
    const EXAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE boost_serialization>
<boost_serialization signature="serialization::archive" version="7">
    <cfg class_id="0" tracking_level="0" version="20">
        <version>20100713</version>
        <creator>EncFS 1.9.5</creator>
        <cipherAlg class_id="1" tracking_level="0" version="0">
            <name>ssl/aes</name>
            <major>3</major>
            <minor>0</minor>
        </cipherAlg>
        <nameAlg>
            <name>nameio/block</name>
            <major>4</major>
            <minor>0</minor>
        </nameAlg>
        <keySize>256</keySize>
        <blockSize>64</blockSize>
        <plainData>0</plainData>
        <uniqueIV>1</uniqueIV>
        <chainedNameIV>1</chainedNameIV>
        <externalIVChaining>0</externalIVChaining>
        <blockMACBytes>8</blockMACBytes>
        <blockMACRandBytes>0</blockMACRandBytes>
        <allowHoles>1</allowHoles>
        <encodedKeySize>52</encodedKeySize>
        <encodedKeyData>
H6a/xl6NNekIxqujKUumVyUM704RF7jALTviyQY//ycejWkOhg+i4RcKIS8tWV1ptoAUtQ==
</encodedKeyData>
        <saltLen>20</saltLen>
        <saltData>
gIGCg4SFhoeIiYqLjI2Oj5CRkpM=
</saltData>
        <kdfIterations>1000</kdfIterations>
        <desiredKDFDuration>500</desiredKDFDuration>
    </cfg>
</boost_serialization>
"#;

    fn opens(xml: &str) {
        let config = parse(xml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{xml}"));
        let password = Password::new(b"test".to_vec()).expect("not empty");
        assert_eq!(config.unlock(&password), Ok(volume_key()), "{xml}");
    }

    #[track_caller]
    fn fails_on(xml: &str, expected: &str) {
        assert_ne!(xml, EXAMPLE, "the change changed nothing");
        match parse(xml.as_bytes()) {
            Err(Error::Field { field, .. }) => assert_eq!(field, expected),
            Err(Error::Syntax(_)) => assert_eq!("syntax", expected),
            Err(Error::Unfinished(_)) => assert_eq!("unfinished", expected),
            Err(Error::Unsupported(_)) => assert_eq!("unsupported", expected),
            other => panic!("{other:?}, {expected} expected"),
        }
    }

    fn without(element: &str) -> String {
        let (start, end) = (format!("<{element}>"), format!("</{element}>"));
        let from = EXAMPLE.find(&start).expect("there");
        let to = EXAMPLE.find(&end).expect("there") + end.len();
        [&EXAMPLE[..from], &EXAMPLE[to..]].concat()
    }

    #[test]
    fn what_is_written_is_what_encfs_writes() {
        let config = parse(EXAMPLE.as_bytes()).expect("valid");
        assert_eq!(String::from_utf8(write(&config)).expect("text"), EXAMPLE);
    }

    /// encfs-format 3, "What a reader must put up with".
    #[test]
    fn dialects_of_other_programs() {
        opens(EXAMPLE);
        opens(&format!("\u{feff}{EXAMPLE}"));
        opens(&EXAMPLE.replace('\n', "\r\n"));
        opens(&EXAMPLE.replace("<cfg ", "<config ").replace("</cfg>", "</config>"));
        opens(&EXAMPLE.replace("tQ==", "tQ"));
        opens(&EXAMPLE.replace("N5", "N\n  5").replace("cejW", "ce \n\tjW"));
        opens(&EXAMPLE.replace("<keySize>", "<!-- why not --><keySize>"));
        opens(&EXAMPLE.replace("<keySize>256", "<keySize><![CDATA[256]]>"));
        opens(&EXAMPLE.replace("<keySize>256", "<keySize> &#50;56 "));
        opens(&EXAMPLE.replace("<keySize>", "<novelty><keySize>128</keySize></novelty><keySize>"));
        opens(&EXAMPLE.replace(r#" class_id="1" tracking_level="0" version="0""#, ""));
        opens(&EXAMPLE.replace("EncFS 1.9.5", "BoxCryptor &lt;1.0&gt;"));
        opens(&EXAMPLE.replace("<!DOCTYPE boost_serialization>\n", ""));
        opens(&EXAMPLE.replace("</keySize>", "</keySize><keySize>128</keySize>"));
        for optional in
            ["plainData", "desiredKDFDuration", "blockMACRandBytes", "externalIVChaining", "creator"]
        {
            opens(&without(optional));
        }
        let box_cryptor = EXAMPLE
            .replace(r#"encoding="UTF-8""#, r#"encoding="utf-8" standalone="yes" "#)
            .replace("        <", "  <")
            .replace("\nH6a", "H6a")
            .replace("==\n", "== ");
        opens(&box_cryptor);
    }

    #[test]
    fn element_order_does_not_matter() {
        let moved = without("keySize")
            .replace("</desiredKDFDuration>", "</desiredKDFDuration><keySize>256</keySize>");
        opens(&moved);
    }

    #[test]
    fn every_fault_names_its_field() {
        for field in [
            "keySize",
            "blockSize",
            "encodedKeySize",
            "encodedKeyData",
            "saltLen",
            "saltData",
            "kdfIterations",
        ] {
            fails_on(&without(field), field);
        }
        for (from, to, field) in [
            ("<keySize>256", "<keySize>130", "keySize"),
            ("<keySize>256", "<keySize>-256", "keySize"),
            ("<keySize>256", "<keySize>99999999999", "keySize"),
            ("<keySize>256", "<keySize>many", "keySize"),
            ("<keySize>256", "<keySize>192", "encodedKeyData"),
            ("<blockSize>64", "<blockSize>0", "blockSize"),
            ("<blockSize>64", "<blockSize>1073741824", "blockSize"),
            ("<blockSize>64", "<blockSize>65", "blockSize"),
            ("<blockMACBytes>8", "<blockMACBytes>9", "blockMACBytes"),
            ("<encodedKeySize>52", "<encodedKeySize>51", "encodedKeyData"),
            ("<encodedKeySize>52", "<encodedKeySize>2000000000", "encodedKeySize"),
            ("<saltLen>20", "<saltLen>2000000000", "saltLen"),
            ("H6a/", "H6a!", "encodedKeyData"),
            ("<kdfIterations>1000", "<kdfIterations>0", "kdfIterations"),
            ("<kdfIterations>1000", "<kdfIterations>2147483647", "kdfIterations"),
            ("<version>20100713", "<version>19990101", "version"),
            ("ssl/aes", "ssl/rot13", "unsupported"),
            ("nameio/block", "nameio/foo", "unsupported"),
            ("</boost_serialization>", "", "unfinished"),
            ("<cfg ", "<elsewhere><cfg ", "syntax"),
            ("EncFS 1.9.5", "&bomb;", "syntax"),
            ("boost_serialization>\n<", "boost_serialization [<!ENTITY a \"b\">]>\n<", "syntax"),
        ] {
            fails_on(&EXAMPLE.replacen(from, to, 1), field);
        }
        fails_on("", "syntax");
        let utf16: Vec<u8> = "\u{feff}<cfg/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(matches!(parse(&utf16), Err(Error::Syntax(_))));
    }

    #[test]
    fn a_config_from_before_revisions_were_dates_reads_back() {
        let old = parse(without("version").as_bytes()).expect("valid");
        assert_eq!(old.format().revision(), Some(ARCHIVE_REVISION));
        let read = parse(&write(&old)).expect("just written");
        assert_eq!(read.format(), old.format());
        assert_eq!(write(&read), write(&old));
    }

    #[test]
    fn a_key_derivation_is_never_wished_to_take_longer_than_a_minute() {
        for (written, believed) in [(500, 500), (60_000, 60_000), (60_001, 60_000), (u32::MAX, 60_000)] {
            let xml = EXAMPLE.replace("Duration>500", &format!("Duration>{written}"));
            let config = parse(xml.as_bytes()).expect("valid");
            let &Format::V6 { kdf_duration_ms, .. } = config.format() else { panic!("it is V6") };
            assert_eq!(kdf_duration_ms, believed);
        }
    }

    /// encfs-format 3, "Revision".
    #[test]
    fn revisions() {
        let revision = |xml: &str| parse(xml.as_bytes()).map(|config| config.format().revision());
        let with = |number: &str| EXAMPLE.replace("<version>20100713", &format!("<version>{number}"));
        assert_eq!(revision(&with("20991231")), Ok(Some(20_991_231)));
        assert_eq!(revision(&with("26800")), Ok(Some(20_080_816)));
        assert_eq!(revision(&with("26797")), Ok(Some(20_080_813)));
        assert_eq!(revision(&without("version")), Ok(Some(20)));
        let attribute = without("version").replace(r#"version="20""#, r#"version="20100713""#);
        assert_eq!(revision(&attribute), Ok(Some(20_100_713)));
        // before 20080816 there is no salt, whatever the file says
        assert_eq!(parse(with("20080813").as_bytes()).expect("valid").kdf(), &Kdf::Legacy);
        let no_salt =
            EXAMPLE.replace("<saltLen>20", "<saltLen>0").replace("gIGCg4SFhoeIiYqLjI2Oj5CRkpM=", "");
        assert_eq!(parse(no_salt.as_bytes()).expect("valid").kdf(), &Kdf::Legacy);
    }

    #[test]
    fn external_chaining_without_what_it_needs_has_no_effect() {
        let external = EXAMPLE.replace("<externalIVChaining>0", "<externalIVChaining>1");
        let mode = |xml: &str| parse(xml.as_bytes()).expect("valid").parameters().file_iv;
        assert_eq!(mode(&external), FileIvMode::External);
        assert_eq!(mode(&external.replace("<uniqueIV>1", "<uniqueIV>0")), FileIvMode::None);
        assert_eq!(mode(&external.replace("<chainedNameIV>1", "<chainedNameIV>0")), FileIvMode::Unique);
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text: String, cut in 0..EXAMPLE.len(), insert: String) {
            let _ = parse(text.as_bytes());
            let (head, tail) = EXAMPLE.split_at(cut);
            let _ = parse(head.as_bytes());
            let _ = parse([head, &insert, tail].concat().as_bytes());
        }

        #[test]
        fn what_is_written_reads_back(block in 1_u32..300, mac in 0_u32..=8, rand in 0_u32..=8, holes: bool) {
            let mut parameters = Profile::Paranoia.parameters();
            (parameters.block_len, parameters.mac_len, parameters.rand_len) = (block * 16, mac, rand);
            parameters.allow_holes = holes;
            let password = Password::new(b"x".to_vec()).expect("not empty");
            if let Ok(config) = Config::create(&parameters, &password, 1, |bytes| bytes.fill(7)) {
                let read = Config::parse(FileKind::V6, &config.to_bytes()).expect("just written");
                prop_assert_eq!(read.parameters(), &parameters);
                prop_assert_eq!(read.to_bytes(), config.to_bytes());
            }
        }
    }
}
