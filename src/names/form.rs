//! One name in two forms of Unicode: `é` is one character (NFC) or two (NFD). Linux keeps what it is given, macOS asks
//! for one and wrote the other, and a person sees no difference (UAX 15).

use unicode_normalization::UnicodeNormalization;

/// The other spellings of a name, composed and decomposed; none if it is ASCII, or no text at all.
pub fn other_forms(name: &[u8]) -> Vec<Vec<u8>> {
    let Some(text) = beyond_ascii(name) else { return Vec::new() };
    let forms: [String; 2] = [text.nfc().collect(), text.nfd().collect()];
    forms.into_iter().map(String::into_bytes).filter(|form| form != name).collect()
}

/// A name in the composed form, which Linux and Windows write; as it is if it is no text.
pub fn composed(name: &[u8]) -> Vec<u8> {
    beyond_ascii(name).map_or_else(|| name.to_vec(), |text| text.nfc().collect::<String>().into_bytes())
}

fn beyond_ascii(name: &[u8]) -> Option<&str> {
    if name.is_ascii() { None } else { std::str::from_utf8(name).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_lead_to_each_other() {
        let (nfc, nfd) = ("B\u{fc}cher", "Bu\u{308}cher");
        assert_eq!(other_forms(nfc.as_bytes()), [nfd.as_bytes()]);
        assert_eq!(other_forms(nfd.as_bytes()), [nfc.as_bytes()]);
        assert_eq!(composed(nfd.as_bytes()), nfc.as_bytes());
        // half of it in each
        let mixed = "e\u{301}\u{fc}";
        assert_eq!(other_forms(mixed.as_bytes()), ["\u{e9}\u{fc}".as_bytes(), "e\u{301}u\u{308}".as_bytes()]);
        // Hangul, and a character that has only one form under NFC: the sign of Kelvin
        assert_eq!(other_forms("\u{ac00}".as_bytes()), ["\u{1100}\u{1161}".as_bytes()]);
        assert_eq!(other_forms("\u{212a}".as_bytes()), [b"K", b"K"]);
    }

    #[test]
    fn most_names_have_one_form() {
        for name in ["report.md", "", "\u{4f60}\u{597d}", "\u{df}"] {
            assert!(other_forms(name.as_bytes()).is_empty(), "{name}");
        }
        assert!(other_forms(b"caf\xe9").is_empty(), "Latin-1 is no text here");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(name: Vec<u8>) {
            prop_assert!(other_forms(&name).iter().all(|form| *form != name));
            prop_assert_eq!(composed(&composed(&name)), composed(&name));
        }
    }
}
