//! Conflicted copies whose mark is part of the plaintext name: an edit that encbox saved (docs/decisions/0011), and any
//! copy in a volume with plain names, where nothing on disk parts name and mark.
//!
//! Here the text decides, so it has to be beyond doubt. `report (1).md` and `report-LAPTOP.md` are no copies: people and
//! browsers call files so.

use super::conflict::split_extension;

/// What a mark with a date says in the languages that sync clients speak; in small letters.
const STEMS: [&str; 10] =
    ["conflict", "konflikt", "conflit", "conflitto", "conflito", "конфликт", "競合", "冲突", "衝突", "충돌"];
/// Marks of Dropbox without a date, a number behind them or not.
const UNDATED: [&str; 4] =
    ["case conflict", "unicode encoding conflict", "white space conflict", "selective sync conflict"];

/// The name of the file that a plaintext name says it is a conflicted copy of; none if it says no such thing.
pub fn original_of(plain: &[u8]) -> Option<Vec<u8>> {
    let (base, extension) = split_extension(plain);
    let original = |base: &[u8]| (!base.is_empty()).then(|| [base, extension].concat());
    // without an extension of its own, what Syncthing adds looks like one
    if let Some(base) = without_syncthings(base) {
        return original(base);
    }
    if let Some(base) = without_syncthings(plain) {
        return Some(base.to_vec());
    }
    if let Some(base) = without_brackets(base).or_else(|| without_suffix(base)) {
        return original(base);
    }
    // the last dot may be one in the mark: `Makefile (j.doe's conflicted copy 2026-11-22)`
    without_brackets(plain).map(<[u8]>::to_vec)
}

/// `report` of `report (ann's conflicted copy 2026-11-22) (1)`.
fn without_brackets(base: &[u8]) -> Option<&[u8]> {
    let (before, mark) = split_brackets(base)?;
    if is_mark(mark) {
        return Some(before);
    }
    let (before, inner) = split_brackets(before).filter(|_| is_number(mark))?;
    is_mark(inner).then_some(before)
}

/// What stands before the last brackets, and in them; both may hold brackets of their own.
fn split_brackets(base: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = base.strip_suffix(b")")?;
    let mut depth = 0_usize;
    for (at, byte) in inside.iter().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth > 0 => depth -= 1,
            b'(' => {
                let before = inside.get(..at)?.strip_suffix(b" ")?;
                return (!before.is_empty()).then_some((before, &inside[at + 1..]));
            }
            _ => {}
        }
    }
    None
}

fn is_mark(mark: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(mark) else { return false };
    let text = text.to_lowercase();
    let undated = text.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end();
    UNDATED.contains(&undated) || (has_date(text.as_bytes()) && STEMS.iter().any(|stem| text.contains(stem)))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// `2026-11-22` somewhere.
fn has_date(text: &[u8]) -> bool {
    text.windows(10).any(|window| fits(window, b"dddd-dd-dd"))
}

/// Whether a text is made as `form` says: `d` is a digit, `w` a capital or a digit, anything else itself.
fn fits(text: &[u8], form: &[u8]) -> bool {
    text.len() == form.len()
        && text.iter().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            b'w' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            form => byte == form,
        })
}

/// `report` of `report.sync-conflict-20261122-101500-ABCDEFG`.
fn without_syncthings(base: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b".sync-conflict-dddddddd-dddddd-wwwwwww";
    let (before, mark) = base.split_at_checked(base.len().checked_sub(MARK.len())?)?;
    // its own letters are no form
    let (word, rest) = mark.split_at(b".sync-conflict-".len());
    (word == b".sync-conflict-" && fits(rest, &MARK[word.len()..]) && !before.is_empty()).then_some(before)
}

/// `report` of `report_conf(1)` (Google Drive) and of `report_conflict-20261122-101500` (ownCloud).
fn without_suffix(base: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(base).ok()?;
    let (before, suffix) = text.rsplit_once("_conf")?;
    let numbered = suffix.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let dated = suffix.strip_prefix("lict-");
    let is_mark = numbered.is_some_and(|number| is_number(number.as_bytes()))
        || dated.is_some_and(|date| fits(date.as_bytes(), b"dddddddd-dddddd"));
    (is_mark && !before.is_empty()).then_some(before.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::name_for_copy;
    use super::*;
    use proptest::prelude::*;

    fn original(name: &str) -> Option<String> {
        original_of(name.as_bytes()).map(|name| String::from_utf8(name).expect("text"))
    }

    #[test]
    fn marks_beyond_doubt() {
        for (name, expected) in [
            ("report (ann's conflicted copy 2026-11-22).md", "report.md"),
            ("report (ann's conflicted copy 2026-11-22) (1).md", "report.md"),
            ("report (ann (home)'s conflicted copy 2026-11-22).md", "report.md"),
            ("report (anns i konflikt stående kopia 2026-11-22).md", "report.md"),
            ("report (In Konflikt stehende Kopie von ann 2026-11-22).md", "report.md"),
            ("report (conflicted copy 2026-11-22 101500).md", "report.md"),
            ("report (SFConflict ann@example.org 2026-11-22-10-15-00).md", "report.md"),
            ("report (Case Conflict).md", "report.md"),
            ("report (Case Conflict 1).md", "report.md"),
            ("report (Unicode Encoding Conflict) (2).md", "report.md"),
            ("report.sync-conflict-20261122-101500-ABCDEFG.md", "report.md"),
            ("Makefile.sync-conflict-20261122-101500-ABCDEFG", "Makefile"),
            ("report_conf(1).md", "report.md"),
            ("report_conflict-20261122-101500.md", "report.md"),
            ("Makefile (pc's conflicted copy 2026-11-22)", "Makefile"),
            ("Makefile (j.doe's conflicted copy 2026-11-22)", "Makefile"),
            // a copy of a copy says so one at a time
            (
                "a (x's conflicted copy 2026-11-22) (y's conflicted copy 2026-11-23).md",
                "a (x's conflicted copy 2026-11-22).md",
            ),
        ] {
            assert_eq!(original(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_people_call_their_files() {
        for name in [
            "report (1).md",
            "report (2026-11-22).md",
            "report (conflict of interest).md",
            "report-LAPTOP.md",
            "merge_conflict.md",
            "resolve-conflicted copy 2026-11-22.md",
            "(ann's conflicted copy 2026-11-22).md",
            ".sync-conflict-20261122-101500-ABCDEFG",
            "report_conference(1).md",
            "",
            ")",
            " ()",
        ] {
            assert_eq!(original(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_encbox_saves_is_known_again(name in "[^/\0]{1,40}", host in "[a-zA-Z.() ]{0,12}", number in 0_u32..4) {
            let copy = name_for_copy(name.as_bytes(), &host, "2026-11-22", number, 143);
            // brackets that do not close make it two copies or none, which is harmless
            prop_assume!(host.matches('(').count() == 0 && host.matches(')').count() == 0);
            prop_assert_eq!(original_of(&copy), Some(name.into_bytes()));
        }

        #[test]
        fn no_bytes_make_it_panic(name: Vec<u8>) {
            if let Some(original) = original_of(&name) {
                prop_assert!(!original.is_empty() && original.len() < name.len());
            }
        }
    }
}
