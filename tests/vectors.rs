//! Frozen volumes decode to exactly what their manifest says, and damaged ones fail as it says.
//!
//! A new volume is a new folder and an entry in the manifest; nothing here changes.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]
#![cfg(all(unix, feature = "cli"))]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use encbox::config;
use encbox::config::FileIvMode;
use encbox::config::Kdf;
use encbox::volume;
use encbox::volume::Fault;
use encbox::volume::OpenError;
use encbox::volume::OpenFile;
use encbox::volume::Place;
use encbox::volume::PlainPath;
use encbox::volume::Volume;
use support::manifest;
use support::manifest::Damage;
use support::manifest::Vector;
use support::manifest::number;
use support::manifest::text;
use support::process;
use support::scratch::ScratchVolume;
use support::tree;
use support::tree::Node;
use support::tree::VolumeTree;

/// A config with absurd numbers must be refused before they cost anything.
const REFUSAL_TAKES_AT_MOST: Duration = Duration::from_secs(5);

#[test]
fn every_volume_is_what_its_manifest_says() {
    for_each_vector(|vector| {
        let copy = ScratchVolume::copy_of(&vector.cipher, &vector.password);
        let undecodable = without_conflicted_copies(vector, &copy);
        let start = Instant::now();
        match copy.try_open() {
            Ok(volume) => {
                assert!(vector.open.contains(&"ok".to_owned()), "opens, but should end in {:?}", vector.open);
                check_config(vector);
                tree::restore_links(&vector.tree, &volume);
                let before = tree::of_folder(&copy.cipher());
                let read = tree::of_volume(&volume);
                tree::assert_same("through the library", &vector.tree, &read.tree);
                assert_eq!(read.undecodable, undecodable, "undecodable names");
                check_damage(vector, &volume, &read);
                tree::assert_same("the ciphertext after reading", &before, &tree::of_folder(&copy.cipher()));
            }
            Err(error) => {
                let outcome = outcome_of(&error).to_owned();
                assert!(vector.open.contains(&outcome), "{outcome} ({error}) instead of {:?}", vector.open);
                let took = start.elapsed();
                assert!(outcome == "password" || took < REFUSAL_TAKES_AT_MOST, "refused only after {took:?}");
                let untouched = tree::of_folder(&vector.cipher);
                tree::assert_same(
                    "the ciphertext after refusal",
                    &untouched,
                    &tree::of_folder(&copy.cipher()),
                );
            }
        }
    });
}

#[test]
fn export_writes_every_volume_out_and_leaves_damaged_files_out() {
    for_each_vector(|vector| {
        let copy = ScratchVolume::copy_of(&vector.cipher, &vector.password);
        without_conflicted_copies(vector, &copy);
        let opened = copy.try_open();
        if let Ok(volume) = &opened {
            tree::restore_links(&vector.tree, volume);
        }
        let destination = copy.beside("exported");
        let output = process::output(copy.encbox("export").arg(&destination));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let should_succeed = opened.is_ok() && vector.damaged.is_empty();
        assert_eq!(output.status.success(), should_succeed, "ended with {}: {said}", output.status);
        assert!(
            output.status.code().is_some_and(|code| code < 100),
            "crashed with {}: {said}",
            output.status
        );
        let Ok(volume) = opened else {
            assert!(!destination.exists(), "a folder was made for a volume that does not open");
            assert!(!said.trim().is_empty(), "nothing was said");
            return;
        };
        tree::assert_same("exported", &vector.tree, &tree::of_folder(&destination));
        for path in vector.damaged.keys() {
            let cipher_path = encode(&volume, path).display().to_string();
            assert!(said.contains(&cipher_path), "{cipher_path} is not named in: {said}");
        }
    });
}

#[test]
fn a_difference_between_manifest_and_volume_is_noticed() {
    let vector = manifest::bundled_volume("boxcryptor-like");
    let read = tree::of_volume(&ScratchVolume::copy_of(&vector.cipher, &vector.password).open()).tree;
    let same =
        |expected| std::panic::catch_unwind(|| tree::assert_same("on purpose", expected, &read)).is_ok();
    assert!(same(&vector.tree));
    let file = vector.tree.iter().find(|(_, node)| matches!(node, Node::File { .. })).unwrap().0;

    let mut missing = vector.tree.clone();
    missing.remove(file);
    assert!(!same(&missing), "an entry that the manifest does not have");

    let mut other = vector.tree.clone();
    other.insert(file.clone(), Node::file(b"something else"));
    assert!(!same(&other), "other content");

    let mut too_many = vector.tree.clone();
    too_many.insert("not there".into(), Node::Dir);
    assert!(!same(&too_many), "an entry that the volume does not have");
}

/// The manifests say what EncFS shows, which hides conflicted copies. They are taken out of the copy; gives the names
/// that do not decode here either.
fn without_conflicted_copies(vector: &Vector, copy: &ScratchVolume) -> BTreeSet<PathBuf> {
    let (copies, undecodable): (BTreeSet<PathBuf>, _) = vector
        .undecodable
        .iter()
        .cloned()
        .partition(|name| name.to_string_lossy().contains(" (conflicted copy "));
    for name in copies {
        std::fs::remove_file(copy.cipher().join(name)).expect("it is in the volume");
    }
    undecodable
}

/// All at once, for key derivation takes its time. Fails if one does, with the names of those that did.
fn for_each_vector(check: impl Fn(&Vector) + Sync) {
    let mut vectors = manifest::bundled();
    assert!(!vectors.is_empty(), "no bundled volumes");
    match manifest::third_party() {
        Some(others) => vectors.extend(others),
        None => process::say_loudly(
            "NOT TESTED: volumes of third parties (BoxCryptor, EncFS 1.7); they are not part of this repository",
        ),
    }
    let failed: Vec<&str> = thread::scope(|scope| {
        let check = &check;
        let started: Vec<_> = vectors
            .iter()
            .map(|vector| {
                let run = thread::Builder::new().name(vector.name.clone());
                (vector, run.spawn_scoped(scope, move || check(vector)).expect("a thread"))
            })
            .collect();
        let ended = started.into_iter().map(|(vector, thread)| (vector.name.as_str(), thread.join()));
        ended.filter(|(_, result)| result.is_err()).map(|(name, _)| name).collect()
    });
    assert!(failed.is_empty(), "{} of {} volumes failed: {failed:?}", failed.len(), vectors.len());
}

fn outcome_of(error: &OpenError) -> &'static str {
    match error {
        OpenError::Password => "password",
        OpenError::Config { source: config::Error::Unsupported(_), .. } => "unsupported",
        OpenError::Config { .. } | OpenError::EmptyConfig { .. } | OpenError::NoConfig { .. } => "config",
        _ => "something else",
    }
}

fn check_config(vector: &Vector) {
    let found = volume::find_config(&vector.cipher).unwrap_or_else(|error| panic!("{error}"));
    let (config, expected) = (&found.config, &vector.config);
    let parameters = config.parameters();
    let field = |name: &str| number(&expected[name]);
    let yes = |name: &str| field(name) != 0;

    assert_eq!(config.format().name(), text(&expected["fmt"]));
    assert_eq!(u64::from(config.format().revision().unwrap_or(0)), field("subVersion"), "revision");
    assert_eq!(found.path.file_name(), Some(text(&expected["configFile"]).as_ref()));
    assert_eq!(config.creator(), text(&expected["creator"]));
    for (algorithm, prefix) in [(&parameters.cipher, "cipher"), (&parameters.name_coding, "name")] {
        let part = |part: &str| &expected[format!("{prefix}{part}")];
        assert_eq!(algorithm.name, text(part("Name")));
        assert_eq!(u64::from(algorithm.major), number(part("Major")), "{prefix} major");
        assert_eq!(u64::from(algorithm.minor), number(part("Minor")), "{prefix} minor");
    }
    let file_iv = match (yes("uniqueIV"), yes("externalIVChaining")) {
        (false, _) => FileIvMode::None,
        (true, false) => FileIvMode::Unique,
        (true, true) => FileIvMode::External,
    };
    assert_eq!(parameters.file_iv, file_iv);
    assert_eq!(u64::from(parameters.key_bits), field("keySize"), "key size");
    assert_eq!(u64::from(parameters.block_len), field("blockSize"), "block size");
    assert_eq!(u64::from(parameters.mac_len), field("blockMACBytes"), "MAC bytes");
    assert_eq!(u64::from(parameters.rand_len), field("blockMACRandBytes"), "random bytes");
    assert_eq!(parameters.plain_data, yes("plainData"), "plain data");
    assert_eq!(parameters.chained_names, yes("chainedNameIV"), "name chaining");
    assert_eq!(parameters.allow_holes, yes("allowHoles"), "holes");
    match config.kdf() {
        Kdf::Legacy => assert_eq!(field("saltLen"), 0, "a salt, but the old key derivation"),
        Kdf::Pbkdf2 { iterations, salt } => {
            assert_eq!(u64::from(*iterations), field("kdfIterations"), "iterations");
            assert_eq!(salt.len() as u64, field("saltLen"), "salt");
        }
    }
}

fn check_damage(vector: &Vector, volume: &Volume, read: &VolumeTree) {
    let unreadable: Vec<&PathBuf> = read.unreadable.keys().collect();
    assert_eq!(unreadable, vector.damaged.keys().collect::<Vec<_>>(), "files that cannot be read");
    for (path, damage) in &vector.damaged {
        let error = &read.unreadable[path];
        let cipher_path = encode(volume, path);
        assert_eq!(error.path, cipher_path, "the ciphertext path in `{error}`");
        assert!(matches!(error.fault, Fault::Content(_)), "the content is at fault, not: {error}");
        if let Damage::Range { size, start, end, before_sha256, after_sha256 } = damage {
            let parsed = PlainPath::parse(path.as_os_str()).expect("a path inside the volume");
            let place = volume.walk(&parsed, volume::Follow::No).unwrap_or_else(|error| panic!("{error}"));
            let Place::Entry(dir, name) = place else { panic!("{} is the root", path.display()) };
            let access = OpenFile { read: true, ..OpenFile::default() };
            let file = volume.open_file(&dir, &name, access).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(file.stat().unwrap_or_else(|error| panic!("{error}")).size, *size, "size");

            let before = read_until_it_stops(&file, 0);
            assert_eq!(before.bytes.len() as u64, *start, "readable bytes before the damage");
            assert_eq!(tree::sha256(&before.bytes), *before_sha256, "bytes before the damage");
            for offset in [*start, (start + end) / 2, end - 1] {
                let inside = read_until_it_stops(&file, offset);
                assert!(inside.bytes.is_empty(), "{} bytes came from inside the damage", inside.bytes.len());
                let error = inside.error.unwrap_or_else(|| panic!("no error at {offset}"));
                assert_eq!(error.path, cipher_path, "the ciphertext path in `{error}`");
            }
            let after = read_until_it_stops(&file, *end);
            assert!(after.error.is_none(), "after the damage: {:?}", after.error);
            assert_eq!(tree::sha256(&after.bytes), *after_sha256, "bytes after the damage");
        }
    }
}

struct ReadSoFar {
    bytes: Vec<u8>,
    /// What ended the reading, if it was not the end of the file.
    error: Option<volume::Error>,
}

fn read_until_it_stops(file: &volume::File, offset: u64) -> ReadSoFar {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read_at(&mut buffer, offset + bytes.len() as u64) {
            Ok(0) => return ReadSoFar { bytes, error: None },
            Ok(len) => bytes.extend_from_slice(&buffer[..len]),
            Err(error) => return ReadSoFar { bytes, error: Some(error) },
        }
    }
}

fn encode(volume: &Volume, path: &Path) -> PathBuf {
    let parsed = PlainPath::parse(path.as_os_str()).expect("a path inside the volume");
    volume.encode_path(&parsed).unwrap_or_else(|error| panic!("{error}"))
}
