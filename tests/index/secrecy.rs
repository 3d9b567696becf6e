//! Nothing of the index can be read without the volume key.

use crate::library::Library;
use encbox::index::{Error, Index, Place};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Words that stand in names, titles, texts and extensions, in the volume and in no program.
const SECRETS: [&str; 8] = [
    "zyxomma",
    "quellvergissmeinnicht",
    "hapaxlegomenon",
    "Brynhildr",
    "tjurunga",
    "秘密文書館",
    "oxyrhynchus",
    "wombatine",
];

fn secrets() -> Library {
    let library = Library::new();
    library.put("zyxomma/quellvergissmeinnicht.hapaxlegomenon", b"tjurunga tjurunga tjurunga");
    library.put("Brynhildr.md", "# wombatine\n\n秘密文書館 and oxyrhynchus".as_bytes());
    for number in 0..200 {
        library.put(&format!("zyxomma/{number} oxyrhynchus.txt"), &b"tjurunga wombatine ".repeat(50));
    }
    library.refresh();
    // segments that are merged, and a list that is replaced, have files of their own
    library.put("Brynhildr 2.md", b"wombatine");
    library.refresh();
    library
}

#[test]
fn no_file_holds_a_name_or_a_word() {
    let library = secrets();
    assert!(SECRETS.iter().all(|word| library.ask(word).count > 0), "they can be found");
    let files = library.files();
    let mut sealed = 0;
    for path in &files {
        let bytes = fs::read(path).expect("a file of the index");
        let name = path.file_name().expect("a name").as_encoded_bytes();
        for word in SECRETS {
            for form in [word.to_owned(), word.to_lowercase(), word.to_uppercase()] {
                let wide: Vec<u8> = form.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert!(
                    !holds(&bytes, form.as_bytes()) && !holds(&bytes, &wide),
                    "{form} in {}",
                    path.display()
                );
                assert!(!holds(name, form.as_bytes()));
                // nor the trigrams of names, which would tell as much
                let part: String = form.chars().take(6).collect();
                assert!(!holds(&bytes, part.as_bytes()), "{part} in {}", path.display());
            }
        }
        let is_lock = name.ends_with(b".lock");
        assert!(bytes.is_empty() == is_lock, "{}: empty, or sealed", path.display());
        if !is_lock {
            assert!(bytes.starts_with(b"encboxi1"), "{} is not sealed", path.display());
            assert!(looks_random(&bytes[8..]), "{} has a pattern", path.display());
            sealed += 1;
        }
    }
    assert!(sealed > 5, "{sealed} files");
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// No byte is much more frequent than others.
fn looks_random(bytes: &[u8]) -> bool {
    let mut counts = [0_usize; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let expected = bytes.len() / 256;
    counts.iter().all(|count| *count < 2 * expected + 24)
}

#[test]
fn folders_and_files_are_for_their_owner_alone() {
    let library = secrets();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(library.place().folder()), 0o700);
    assert!(library.files().iter().all(|path| mode(path) == 0o600));
}

#[test]
fn another_key_opens_nothing() {
    let library = secrets();
    let other = Library::new();
    let theirs = other.place();
    other.refresh();
    // what was sealed under one key is put in the place of what is sealed under another
    fs::remove_dir_all(theirs.folder()).expect("our own folder");
    fs::create_dir_all(theirs.folder()).expect("our own folder");
    for file in library.files() {
        fs::copy(&file, theirs.folder().join(file.file_name().expect("a name"))).expect("a copy");
    }
    assert!(matches!(Index::open(&theirs), Err(Error::Damaged)));
    let summary = other.refresh();
    assert!(summary.rebuilt && summary.entries == 0);
}

#[test]
fn the_place_tells_nothing_of_the_volume() {
    let library = Library::new();
    let place = library.place();
    let name = place.folder().file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    let again = Place::of(&library.volume, library.cache.path()).expect("a place");
    assert_eq!(again.folder(), place.folder());
}
