//! Finding and making volumes.

use crate::scratch::*;
use encbox::config::{self, Config, Parameters, Profile};
use encbox::crypto::{AlgorithmId, KeyPair, Password, VolumeKey};
use encbox::volume::{self, Fault, OpenError, OpenOptions, Volume};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_folder_without_a_config_names_what_could_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(".encfs6 (pc's conflicted copy 2026-01-01).xml"), "x").expect("written");
    let Err(OpenError::NoConfig { candidates, .. }) = volume::find_config(folder.path()) else {
        panic!("there is no config")
    };
    assert_eq!(candidates.len(), 1);
    fs::write(folder.path().join(".encfs6.xml"), "").expect("written");
    assert!(matches!(volume::find_config(folder.path()), Err(OpenError::EmptyConfig { .. })));
    fs::write(folder.path().join(".encfs6.xml"), vec![b' '; 2 << 20]).expect("written");
    assert!(matches!(volume::find_config(folder.path()), Err(OpenError::Config { .. })));
    fs::write(folder.path().join(".encfs7"), "ENCFS7").expect("written");
    let error = volume::find_config(folder.path()).expect_err("not supported");
    assert!(error.to_string().contains(".encfs7"), "{error}");
    assert!(matches!(volume::find_config(&folder.path().join("nowhere")), Err(OpenError::Root { .. })));
    assert!(matches!(volume::find_config(&folder.path().join(".encfs7")), Err(OpenError::NotAFolder { .. })));
}

#[test]
fn a_config_that_is_not_a_regular_file_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join(".encfs6.xml");
    let find = || {
        let (send, receive) = mpsc::channel();
        let folder = folder.path().to_owned();
        std::thread::spawn(move || drop(send.send(volume::find_config(&folder))));
        receive.recv_timeout(Duration::from_secs(10)).expect("an answer, without waiting for a writer")
    };
    let is_refused = || matches!(find(), Err(OpenError::Config { source: config::Error::Syntax(_), .. }));

    assert!(Command::new("mkfifo").arg(&config).status().expect("mkfifo is everywhere").success());
    assert!(is_refused());
    fs::remove_file(&config).expect("ours");
    symlink("/dev/null", &config).expect("linked");
    assert!(is_refused());
    fs::remove_file(&config).expect("ours");
    fs::create_dir(&config).expect("made");
    assert!(is_refused());
}

#[test]
fn a_volume_is_made_in_an_empty_folder_only() {
    let config = Config::create(&Profile::Sync.parameters(), &password(), 10, fill_random).expect("valid");
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("deep/inside");
    volume::create(&inside, &config, false).expect("folders are made");
    assert!(matches!(volume::create(&inside, &config, true), Err(OpenError::Exists { .. })));
    assert!(matches!(volume::create(folder.path(), &config, false), Err(OpenError::NotEmpty { .. })));
    assert!(!folder.path().join(".encfs6.xml").exists());
    volume::create(folder.path(), &config, true).expect("told to");
    let left: Vec<_> =
        fs::read_dir(&inside).expect("there").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, [".encfs6.xml"], "nothing else is left behind");
}

#[test]
fn a_wrong_password_is_told_apart_and_a_new_one_replaces_the_old() {
    let scratch = Scratch::new(&Profile::Standard.parameters());
    scratch.write("file", b"bytes");
    let found = volume::find_config(scratch.folder.path()).expect("there");
    let other = Password::new(b"other".to_vec()).expect("not empty");
    let open = |found: &volume::FoundConfig, password: &Password| {
        Volume::open(scratch.folder.path(), found, password, OpenOptions::default())
    };
    assert!(matches!(open(&found, &other), Err(OpenError::Password)));

    let key = found.config.unlock(&password()).expect("the right one");
    let changed = found.config.with_password(&key, &other, 20, fill_random).expect("valid");
    volume::replace_config(&found, &changed).expect("written");
    let found = volume::find_config(scratch.folder.path()).expect("there");
    assert!(matches!(open(&found, &password()), Err(OpenError::Password)));
    let volume = open(&found, &other).expect("the new one");
    let root = volume.root();
    let file = volume.open_file(&root, OsStr::new("file"), READ).expect("there");
    assert_eq!(read_all(&file), b"bytes");
}

#[test]
fn a_replaced_config_keeps_its_owner_and_permissions() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let found = volume::find_config(scratch.folder.path()).expect("there");
    // more than a usual umask leaves, and less than a new file gets
    for mode in [0o666, 0o600] {
        fs::set_permissions(&found.path, PermissionsExt::from_mode(mode)).expect("ours");
        let others = chown(&found.path, Some(1000), Some(1001)).is_ok(); // root only
        volume::replace_config(&found, &found.config).expect("written");
        let after = fs::metadata(&found.path).expect("there");
        assert_eq!(after.mode() & 0o7777, mode);
        assert!(!others || (after.uid(), after.gid()) == (1000, 1001));
    }
}

#[test]
fn a_config_that_is_a_link_is_replaced_where_it_lies() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let elsewhere = tempfile::tempdir().expect("a folder");
    let found = volume::find_config(scratch.folder.path()).expect("there");
    let real = elsewhere.path().join("config.xml");
    fs::rename(&found.path, &real).expect("moved");
    symlink(&real, &found.path).expect("linked");
    let before = fs::metadata(&real).expect("there").ino();
    volume::replace_config(&found, &found.config).expect("written");
    assert!(found.path.symlink_metadata().expect("there").is_symlink());
    assert_ne!(fs::metadata(&real).expect("there").ino(), before);
    volume::find_config(scratch.folder.path()).expect("a sound config");
}

#[test]
fn with_plain_names_the_volumes_own_files_are_hidden_in_any_case() {
    let null_names =
        Parameters { name_coding: AlgorithmId::new("nameio/null", 1, 0), ..Profile::Boxcryptor.parameters() };
    let scratch = Scratch::new(&null_names);
    // the second is what a crash leaves of a new password
    let own = [".ENCFS6.XML", ".encfs6.xml.encbox-tmp-0123456789abcdef"];
    for name in own {
        fs::write(scratch.folder.path().join(name), "x").expect("written");
    }
    let root = scratch.root();
    assert_eq!(scratch.names(&root), [""; 0]);
    for name in own {
        let refused = scratch.volume.unlink(&root, OsStr::new(name)).expect_err("not a file of the user");
        assert!(matches!(refused.fault, Fault::Reserved), "{refused}");
    }
}

#[test]
fn a_key_that_does_not_fit_the_cipher_is_refused() {
    let scratch = Scratch::new(&Profile::Sync.parameters());
    let key = VolumeKey(KeyPair::split(&[7; 24], 16));
    let opened =
        Volume::with_key(scratch.folder.path(), scratch.volume.config(), &key, OpenOptions::default());
    assert!(matches!(opened, Err(OpenError::Config { source: config::Error::Field { .. }, .. })));
}
